import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1light.core.errors import EngineError
from r1light.core.protocols import RolloutEngine
from r1light.core.types import RolloutRequest, SamplingParams
from r1light.rollout.fake import Fake

REQUESTS = [RolloutRequest("a", (1,), (0, 0)), RolloutRequest("b", (2,), (0, 1))]


def texts(engine, params):
    return [[each.text for each in group.completions] for group in engine.generate(REQUESTS, params)]


def test_it_says_what_the_script_says_and_starts_over():
    engine = Fake(Fake.Config(script={"a": ["one", "two"]}, default=["none"]))
    assert isinstance(engine, RolloutEngine)
    assert texts(engine, SamplingParams(n=3)) == [["one", "two", "one"], ["none"] * 3]


def test_a_function_can_write_in_its_place():
    engine = Fake.by(lambda request, index: f"{request.problem_id}{index}")
    assert texts(engine, SamplingParams(n=2)) == [["a0", "a1"], ["b0", "b1"]]


def test_tokens_are_bytes_and_the_end_token_closes_them():
    engine = Fake(Fake.Config(default=["hé"]), eos_ids=(7, 9))
    done = next(engine.generate(REQUESTS, SamplingParams())).completions[0]
    assert (done.token_ids, done.text, done.finish_reason) == ((*"hé".encode(), 7), "hé", "stop")


def test_a_tokenizer_can_be_given_but_only_with_its_decoder():
    engine = Fake(
        Fake.Config(default=["a b"]), encode=lambda text: [len(each) for each in text.split()], decode=str
    )
    assert next(engine.generate(REQUESTS, SamplingParams())).completions[0].token_ids == (1, 1)
    with pytest.raises(ValueError, match="decode"):
        Fake(Fake.Config(), encode=lambda text: [1])


def test_the_cap_and_stop_strings_are_obeyed():
    engine = Fake(Fake.Config(default=["abcdef"]), eos_ids=(0,))
    cut = next(engine.generate(REQUESTS, SamplingParams(max_tokens=4))).completions[0]
    assert (cut.text, cut.finish_reason, len(cut.token_ids)) == ("abcd", "length", 4)
    stopped = next(engine.generate(REQUESTS, SamplingParams(stop=("zz", "cd")))).completions[0]
    assert (stopped.text, stopped.finish_reason) == ("ab", "stop")


@given(st.integers(0, 1000), st.integers(0, 50))
def test_logprobs_are_those_of_the_key_and_plausible(seed, iteration):
    request = RolloutRequest("a", (1,), (iteration, 0))
    params = SamplingParams(n=2, seed=seed)
    first, second = (next(Fake(Fake.Config()).generate([request], params)).completions for _ in range(2))
    assert first == second
    assert first[0].logprobs != first[1].logprobs
    assert all(-2.0 <= value <= -0.1 for each in first for value in each.logprobs)


def test_weights_mark_what_follows_and_close_ends_it():
    engine = Fake(Fake.Config())
    engine.load_weights(iter([]), 5)
    assert next(engine.generate(REQUESTS, SamplingParams())).completions[0].weights_version == 5
    engine.close()
    engine.close()
    with pytest.raises(EngineError):
        engine.generate(REQUESTS, SamplingParams())


@pytest.mark.parametrize("options", [{"default": []}, {"script": {"a": []}}])
def test_empty_scripts_are_refused(options):
    with pytest.raises(ValueError, match="at least one text"):
        Fake.Config(**options)
