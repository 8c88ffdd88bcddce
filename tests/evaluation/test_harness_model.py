"""The adapter beside lm-eval's own Hugging Face model, on the miniature one."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from r1light.core.errors import ConfigError, DataError
from r1light.core.registry import registry
from r1light.core.types import Completion, Group, SamplingParams
from r1light.evaluation.harness_model import STREAM, Drawing, HarnessModel
from r1light.evaluation.kept import Kept

TEXTS = ["User: Compute 11+12. Assistant: <think> 1+2=3; so 23. </think>", "2+2=4", "你好 1+1"]


@pytest.fixture(scope="module")
def loaded():
    models = registry("models")
    return models.create("tiny", models.config_type("tiny")()).load("cpu")


class Engine:
    """Writes what its list says, and remembers what it was asked."""

    def __init__(self, texts):
        self.texts, self.asked = texts, []

    def generate(self, requests, params):
        for request in requests:
            self.asked.append((request, params))
            made = [Completion((), self.texts[i % len(self.texts)], (), "stop") for i in range(params.n)]
            yield Group(request, tuple(made))


def instance(*args, doc_id=0):
    return SimpleNamespace(args=args, task_name="t", doc_id=doc_id, idx=0)


@pytest.fixture
def make(loaded, tmp_path):
    def made(texts=("x",), **options):
        engine = Engine(texts)
        drawing = Drawing(SamplingParams(temperature=0.6, top_p=0.95, max_tokens=32), **options)
        return HarnessModel(loaded, engine, drawing, Kept(tmp_path / "responses.jsonl", {})), engine

    return made


def theirs(loaded):
    huggingface = pytest.importorskip("lm_eval.models.huggingface")
    # Its cache is off: it gives a wrong value where one text is asked at two cuts in one call; see below.
    return huggingface.HFLM(
        pretrained=loaded.model,
        tokenizer=loaded.tokenizer,
        backend="causal",
        device="cpu",
        logits_cache=False,
    )


def test_likelihoods_are_those_of_lm_eval_s_own_model(loaded, make):
    model, other = make()[0], theirs(loaded)
    pairs = [(text[:place], text[place:]) for text in TEXTS for place in (0, 1, 2, len(text) // 2)]
    pairs += [(TEXTS[0] + " ", "<think>"), ("1" * (2 * loaded.context), "2+2")]
    ours = model.loglikelihood([instance(*pair) for pair in pairs])
    expected = other.loglikelihood([instance(*pair) for pair in pairs], disable_tqdm=True)
    for pair, (value, greedy), (their_value, their_greedy) in zip(pairs, ours, expected, strict=True):
        assert value == pytest.approx(their_value, abs=1e-3), pair[0][:20]
        assert greedy == their_greedy
    assert len({value for value, _ in ours}) > 8
    with pytest.raises(DataError, match="is no token of its own"):
        model.loglikelihood([instance("so 23. </think", ">")])


def test_one_text_cut_at_two_places_is_scored_at_each(loaded, make):
    cuts = [("2", "+2=4"), ("2+", "2=4")]
    together = make()[0].loglikelihood([instance(*cut) for cut in cuts])
    other = theirs(loaded)
    alone = [other.loglikelihood([instance(*cut)], disable_tqdm=True)[0] for cut in cuts]
    assert [value for value, _ in together] == pytest.approx([value for value, _ in alone], abs=1e-3)
    assert together[0][0] != together[1][0]


def test_rolling_likelihoods_are_too_also_beyond_the_context(loaded, make):
    model, other = make()[0], theirs(loaded)
    asked = [instance(text) for text in (*TEXTS, "3+4=7; " * loaded.context)]
    ours = model.loglikelihood_rolling(asked)
    assert ours == pytest.approx(other.loglikelihood_rolling(asked, disable_tqdm=True), rel=1e-4)


def test_what_is_kept_is_not_computed_again(make):
    model, engine = make(["a", "b", "c"])
    asked = [
        instance("1+1=", {"until": [";"], "do_sample": True, "temperature": 0.7}, doc_id=d) for d in (0, 0, 1)
    ]
    assert model.generate_until(asked) == ["a", "b", "a"]
    (first, params), (second, other) = engine.asked
    assert (params.n, other.n, params.temperature, params.stop, params.max_tokens) == (2, 1, 0.7, (";",), 256)
    assert first.key[0] == second.key[0] == STREAM
    assert first.key != second.key
    model._scorer = SimpleNamespace(
        score=lambda asked: [SimpleNamespace(logprob=-1.0, greedy=False) for _ in asked]
    )
    assert model.loglikelihood([instance("a", "b")]) == [(-1.0, False)]
    model._scorer = None
    again = HarnessModel(model.loaded, engine, model.drawing, Kept(model.kept.path, {}))
    again._scorer = SimpleNamespace(score=lambda asked: pytest.fail("computed twice") if asked else [])
    assert again.generate_until(asked) == ["a", "b", "a"]
    assert again.loglikelihood([instance("a", "b")]) == [(-1.0, False)]
    assert len(engine.asked) == 2


@pytest.mark.parametrize(
    ("options", "told", "sampling"),
    [
        ({}, {"until": "x"}, (0.0, 1.0, 256, ("x",))),  # greedy, as the harness has it
        ({}, {"do_sample": False, "temperature": 0.9, "max_new_tokens": 7}, (0.0, 1.0, 7, ())),
        ({}, {"temperature": 0.9, "top_p": 0.5, "max_gen_toks": 9, "max_tokens": 8}, (0.9, 0.5, 9, ())),
        ({"max_tokens": 5}, {"max_gen_toks": 9}, (0.0, 1.0, 5, ())),
        ({"by_run": True}, {"max_gen_toks": 9, "until": ["a", ""]}, (0.6, 0.95, 32, ("a",))),
        ({"thought_ends": "</think>"}, {"until": ["a"]}, (0.0, 1.0, 256, ())),
    ],
)
def test_whose_sampling_counts(make, options, told, sampling):
    model, engine = make(**options)
    model.generate_until([instance("1+1=", told)])
    params = engine.asked[0][1]
    assert (params.temperature, params.top_p, params.max_tokens, params.stop) == sampling


def test_a_thought_is_cut_and_stops_are_looked_for_behind_it(make):
    model, _ = make(["one.\n\ntwo </think>\n\n 3\n\nrest"], thought_ends="</think>")
    assert model.generate_until([instance("1+2=", {"until": ["\n\n"]})]) == ["3"]


def test_a_context_is_cut_from_the_left_and_a_cap_beyond_the_model_is_refused(loaded, make):
    model, engine = make()
    model.generate_until([instance("1+" * loaded.context, {"max_gen_toks": loaded.context - 3})])
    assert len(engine.asked[0][0].prompt_ids) == 3
    with pytest.raises(ConfigError, match=r"lm_eval:t writes up to .* and the model's context is"):
        model.generate_until([instance("1", {"max_gen_toks": loaded.context})])
    with pytest.raises(ConfigError, match="generation options cannot be had"):
        model.generate_until([instance("1", {"max_gen_toks": "many"})])


def test_a_model_without_a_chat_template_says_so(loaded, make):
    model, _ = make()
    turns = [{"role": "user", "content": "2+2?"}]
    kept = loaded.tokenizer.chat_template
    try:
        loaded.tokenizer.chat_template = None
        with pytest.raises(ConfigError, match="has no chat template"):
            model.apply_chat_template(turns)
        loaded.tokenizer.chat_template = "{% for m in messages %}[{{ m.content }}]{% endfor %}!"
        assert model.apply_chat_template(turns) == "[2+2?]!"
    finally:
        loaded.tokenizer.chat_template = kept
