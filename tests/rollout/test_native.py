import logging
from contextlib import contextmanager

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from r1light.core.errors import DataError, EngineError, ModelError
from r1light.core.protocols import RolloutEngine
from r1light.core.types import RolloutRequest, SamplingParams
from r1light.rollout.native import Native
from r1light.rollout.native.run import Run
from r1light.rollout.native.support import unsupported

LENGTHS = [9, 2, 14, 5, 7]
EOS = (3, 11, 40, 41, 42, 43, 44, 45)


def by_name(groups):
    return {group.request.problem_id: group.completions for group in groups}


def ids(groups):
    return {name: [each.token_ids for each in done] for name, done in by_name(groups).items()}


@pytest.fixture
def engine(qwen2, decode):
    return Native(Native.Config(max_slots=8), qwen2, decode, EOS)


@settings(max_examples=25, deadline=None)
@given(
    slots=st.integers(1, 20),
    prefill=st.integers(1, 60),
    order=st.permutations(range(5)),
    cut=st.integers(0, 5),
)
def test_completions_do_not_depend_on_slots_order_or_batch(qwen2, slots, prefill, order, cut):
    params = SamplingParams(n=3, max_tokens=12, seed=1)
    generator = torch.Generator().manual_seed(0)
    requests = [
        RolloutRequest(
            f"p{row}", tuple(torch.randint(0, 97, (length,), generator=generator).tolist()), (3, row)
        )
        for row, length in enumerate(LENGTHS)
    ]
    whole = ids(Native(Native.Config(), qwen2, str, EOS).generate(requests, params))
    small = Native(Native.Config(max_slots=slots, prefill_tokens=prefill), qwen2, str, EOS)
    shuffled = [requests[row] for row in order]
    parts = ids(small.generate(shuffled[:cut], params)) | ids(small.generate(shuffled[cut:], params))
    assert parts == whole


def test_the_same_call_gives_the_same_bits(engine, make_requests):
    params = SamplingParams(n=4, max_tokens=20)
    first = list(engine.generate(make_requests(LENGTHS), params))
    list(
        engine.generate(make_requests([30, 31, 32], seed=5), SamplingParams(n=2))
    )  # leaves another cache behind
    assert list(engine.generate(make_requests(LENGTHS), params)) == first


def test_seed_key_and_index_each_change_the_draws(qwen2, make_requests):
    engine = Native(Native.Config(), qwen2, str, ())
    request = make_requests([9])[0]
    other = RolloutRequest("p1", request.prompt_ids, (3, 1))
    params = SamplingParams(n=2, max_tokens=12)
    found = by_name(engine.generate([request, other], params))
    another_seed = by_name(engine.generate([request], SamplingParams(n=2, max_tokens=12, seed=1)))
    drawn = [each.token_ids for each in (*found["p0"], *found["p1"], *another_seed["p0"])]
    assert len(set(drawn)) == 6


def test_groups_come_as_they_end_and_have_their_samples_in_order(engine, make_requests):
    requests = make_requests([4] * 12)
    params = SamplingParams(n=3, max_tokens=30)
    groups = list(engine.generate(requests, params))
    assert sorted(group.request.problem_id for group in groups) == sorted(
        each.problem_id for each in requests
    )
    steps = [sum(len(each.token_ids) for each in group.completions) for group in groups]
    assert all(len(group.completions) == 3 for group in groups)
    assert steps != sorted(steps, reverse=True)
    alone = by_name(engine.generate([requests[7]], params))
    assert [each.token_ids for each in alone["p7"]] == ids(groups)["p7"]


def test_rows_that_end_make_room_so_that_cost_follows_the_mean_length(engine, make_requests, monkeypatch):
    rows: list[int] = []
    step = Run._step

    def counted(self):
        rows.append(len(self._scheduler.active))
        return step(self)

    monkeypatch.setattr(Run, "_step", counted)
    groups = list(engine.generate(make_requests([4] * 16), SamplingParams(n=4, max_tokens=60)))
    lengths = [len(each.token_ids) for group in groups for each in group.completions]
    # The first token of a completion comes from the prompt's logits, each other one from one row of one step.
    assert sum(rows) == sum(lengths) - len(lengths)
    # 64 completions of unlike length in 8 slots: fixed batches of 8 would need the longest of each.
    batches = [max(lengths[start : start + 8]) - 1 for start in range(0, 64, 8)]
    assert len(rows) < 0.8 * sum(batches)
    assert max(rows) == 8


def test_a_prompt_is_read_once_for_its_group(engine, make_requests, monkeypatch):
    read: list[int] = []
    prefill = Run._prefill

    def counted(self, groups):
        read.extend(groups)
        return prefill(self, groups)

    monkeypatch.setattr(Run, "_prefill", counted)
    list(engine.generate(make_requests(LENGTHS), SamplingParams(n=16, max_tokens=5)))
    assert sorted(read) == [0, 1, 2, 3, 4]


def test_every_end_token_ends_and_nothing_follows_it(engine, make_requests, decode):
    seen = set()
    for group in engine.generate(make_requests(LENGTHS), SamplingParams(n=16, max_tokens=40)):
        for done in group.completions:
            ends = [token for token in done.token_ids if token in EOS]
            assert done.finish_reason == ("stop" if ends else "length")
            assert ends == list(done.token_ids[-1:] if ends else ())
            assert done.text == decode(done.token_ids[:-1] if ends else done.token_ids)
            seen.update(ends)
    assert len(seen) > 4


def test_stop_strings_end_at_once_and_are_cut(engine, make_requests, decode):
    requests, params = make_requests(LENGTHS), SamplingParams(n=8, max_tokens=40)
    free = ids(engine.generate(requests, params))
    stop = decode((20,)), decode((60,))
    stopped = by_name(engine.generate(requests, SamplingParams(n=8, max_tokens=40, stop=stop)))
    hits = 0
    for name, completions in stopped.items():
        for without, done in zip(free[name], completions, strict=True):
            places = [place for place, token in enumerate(without) if token in (20, 60)]
            if not places:
                assert done.token_ids == without
                continue
            hits += 1
            assert done.token_ids == without[: places[0] + 1]
            assert (done.text, done.finish_reason) == (decode(without[: places[0]]), "stop")
    assert hits > 5


def test_the_context_caps_a_completion(engine, qwen2, make_requests):
    long, longest = make_requests([90, 95])
    groups = by_name(engine.generate([long, longest], SamplingParams(max_tokens=50, seed=2)))
    assert len(groups["p1"][0].token_ids) == 1  # the context is 96
    assert len(groups["p0"][0].token_ids) <= 6
    without_end = Native(Native.Config(), qwen2, str, ())
    done = by_name(without_end.generate([long], SamplingParams(max_tokens=50)))["p0"][0]
    assert (len(done.token_ids), done.finish_reason) == (6, "length")


def test_prompts_without_room_are_refused_before_anything_runs(engine, make_requests):
    fits, too_long = make_requests([95, 96])
    with pytest.raises(DataError, match="'p1' has 96 tokens"):
        engine.generate([fits, too_long], SamplingParams())


def test_no_requests_give_no_groups(engine):
    assert list(engine.generate([], SamplingParams())) == []


def test_truncation_limits_the_tokens_and_not_the_logprobs(engine, make_requests):
    requests = make_requests(LENGTHS)
    greedy = ids(engine.generate(requests, SamplingParams(temperature=0.0, max_tokens=10)))
    assert ids(engine.generate(requests, SamplingParams(top_k=1, max_tokens=10))) == greedy
    assert ids(engine.generate(requests, SamplingParams(top_p=1e-6, max_tokens=10))) == greedy
    first = by_name(engine.generate(requests, SamplingParams(top_k=1, max_tokens=10)))["p0"][0]
    assert all(value < -0.01 for value in first.logprobs[:1])  # log 1 = 0 would be that of the truncated one


def test_abort_hands_out_what_there_is(engine, make_requests):
    groups = engine.generate(make_requests([4] * 10), SamplingParams(n=4, max_tokens=60))
    first = next(groups)
    assert all(each.finish_reason != "abort" for each in first.completions)
    engine.abort()
    engine.abort()
    rest = list(groups)
    assert len(rest) == 9
    aborted = [each for group in rest for each in group.completions if each.finish_reason == "abort"]
    assert any(each.token_ids for each in aborted)
    assert any(not each.token_ids for each in aborted)
    again = list(engine.generate(make_requests([4]), SamplingParams(max_tokens=5)))
    assert again[0].completions[0].finish_reason != "abort"


def test_new_weights_or_close_end_a_call_in_the_middle(qwen2, engine, make_requests):
    groups = engine.generate(make_requests([4] * 10), SamplingParams(n=4, max_tokens=60))
    next(groups)
    engine.load_weights(qwen2.state_dict().items(), 1)
    with pytest.raises(EngineError, match="new weights"):
        next(groups)
    groups = engine.generate(make_requests([4] * 10), SamplingParams(n=4, max_tokens=60))
    next(groups)
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        next(groups)
    with pytest.raises(EngineError, match="closed"):
        engine.generate([], SamplingParams())


def test_two_calls_may_take_turns(engine, make_requests):
    params = SamplingParams(n=2, max_tokens=15)
    ones, others = make_requests([4] * 6), make_requests([4] * 6, seed=3)
    expected = ids(engine.generate(ones, params)), ids(engine.generate(others, params))
    turns = list(zip(engine.generate(ones, params), engine.generate(others, params), strict=True))
    assert (ids(one for one, _ in turns), ids(other for _, other in turns)) == expected


def test_weights_that_lack_or_do_not_fit_are_refused(qwen2, engine):
    state = dict(qwen2.state_dict())
    one = "model.layers.1.mlp.up_proj.weight"
    with pytest.raises(EngineError, match=f"1 weights are missing .*{one}"):
        engine.load_weights([item for item in state.items() if item[0] != one], 1)
    with pytest.raises(EngineError, match=r"no weight 'model\.extra'"):
        engine.load_weights([*state.items(), ("model.extra", torch.zeros(1))], 1)
    with pytest.raises(EngineError, match=f"no weight '{one}' of shape \\(1, 48\\)"):
        engine.load_weights([(one, state[one][:1])], 1)


def test_weights_that_diverged_are_reported(qwen2, engine, make_requests):
    poisoned = {name: tensor * float("nan") for name, tensor in qwen2.state_dict().items()}
    engine.load_weights(poisoned.items(), 6)
    with pytest.raises(EngineError, match=r"not finite \(weights version 6"):
        list(engine.generate(make_requests([4]), SamplingParams()))
    engine.load_weights(qwen2.state_dict().items(), 7)
    assert list(
        engine.generate(make_requests([4]), SamplingParams())
    )  # no trace of them is left in the cache


def test_the_global_generator_and_autograd_are_left_alone(engine, make_requests):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    for _ in engine.generate(make_requests(LENGTHS), SamplingParams(max_tokens=4)):
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()
    assert torch.equal(torch.rand(3), expected)


def test_autocast_around_it_changes_nothing(engine, make_requests):
    plain = list(engine.generate(make_requests(LENGTHS), SamplingParams(max_tokens=8)))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert list(engine.generate(make_requests(LENGTHS), SamplingParams(max_tokens=8))) == plain


def test_all_is_launched_on_the_gpu_that_has_the_cache(engine, make_requests, monkeypatch):
    current, found = [], []

    @contextmanager
    def device_of(tensor):
        current.append(tensor.ndim)
        yield
        current.pop()

    def at(method):
        return lambda run, *given: found.append(tuple(current)) or method(run, *given)

    monkeypatch.setattr("torch.cuda.device_of", device_of)
    for name in ("_prefill", "_admit", "_step", "_retire"):
        monkeypatch.setattr(Run, name, at(getattr(Run, name)))
    list(engine.generate(make_requests(LENGTHS), SamplingParams(max_tokens=8)))
    assert set(found) == {(6,)}  # [layers, 2, slots, heads, tokens, width]
    assert current == []


def test_other_architectures_go_to_hf_with_a_line_that_says_why(make_requests, decode, caplog):
    from transformers import GPT2Config, GPT2LMHeadModel

    model = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=97, n_embd=16, n_layer=1, n_head=2, n_positions=40, bos_token_id=0, eos_token_id=0
        )
    ).eval()
    with caplog.at_level(logging.WARNING):
        engine = Native(Native.Config(), model, decode, EOS)
    assert [record.message for record in caplog.records] == [
        "rollout=native cannot run this model (it knows LlamaForCausalLM, MistralForCausalLM, "
        "Qwen2ForCausalLM, Qwen3ForCausalLM, not GPT2LMHeadModel); using rollout=hf, which is slower"
    ]
    assert isinstance(engine, RolloutEngine)
    assert len(list(engine.generate(make_requests([4, 6]), SamplingParams(n=2, max_tokens=5)))) == 2
    with pytest.raises(ModelError, match="use rollout=hf"):
        Native(Native.Config(fallback=False), model, decode, EOS)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (
            {"rope_parameters": {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}},
            "rope_type 'dynamic'",
        ),
        ({"hidden_act": "gelu"}, "activation 'gelu'"),
    ],
)
def test_what_the_decoder_does_not_know_is_named(build_model, options, reason):
    model = build_model("Llama", **options)
    found = unsupported("LlamaForCausalLM", model.config, set(model.state_dict()))
    assert found is not None
    assert reason in found


def test_weights_under_other_names_are_not_known(qwen2):
    names = [f"base_model.{name}" for name in qwen2.state_dict()]
    assert "no weight 'model.embed_tokens.weight'" in str(
        unsupported("Qwen2ForCausalLM", qwen2.config, names)
    )
    assert unsupported("Qwen2ForCausalLM", qwen2.config, set(qwen2.state_dict())) is None


@pytest.mark.parametrize("options", [{"max_slots": 0}, {"prefill_tokens": 0}])
def test_sizes_of_nothing_are_refused(options):
    with pytest.raises(ValueError, match="must be at least 1"):
        Native.Config(**options)
