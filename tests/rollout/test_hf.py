import pytest
import torch
from transformers import GenerationConfig

from r1light.core.errors import DataError, EngineError
from r1light.core.protocols import RolloutEngine
from r1light.core.types import SamplingParams
from r1light.rollout.hf import HuggingFace

LENGTHS = [9, 2, 14, 5, 7]
EOS = (3, 11, 40, 41, 42, 43)


def by_name(groups):
    return {group.request.problem_id: group.completions for group in groups}


def ids(groups):
    return {name: [each.token_ids for each in done] for name, done in by_name(groups).items()}


def make(model, decode, batch_size=128, eos_ids=EOS):
    return HuggingFace(HuggingFace.Config(batch_size=batch_size), model, decode, eos_ids)


def test_batches_and_order_do_not_change_completions(qwen2, make_requests, decode):
    requests, params = make_requests(LENGTHS), SamplingParams(n=3, max_tokens=12)
    whole = ids(make(qwen2, decode).generate(requests, params))
    assert isinstance(make(qwen2, decode), RolloutEngine)
    for batch_size in (1, 4, 6):
        assert ids(make(qwen2, decode, batch_size).generate(requests[::-1], params)) == whole


def test_ends_stops_and_caps(qwen2, make_requests, decode):
    requests = make_requests([*LENGTHS, 93])
    free = by_name(make(qwen2, decode, eos_ids=()).generate(requests, SamplingParams(n=4, max_tokens=30)))
    stop = (decode((60,)),)
    ended = by_name(make(qwen2, decode).generate(requests, SamplingParams(n=4, max_tokens=30, stop=stop)))
    for name, completions in ended.items():
        for whole, done in zip(free[name], completions, strict=True):
            assert len(whole.token_ids) == (3 if name == "p5" else 30)  # the context is 96
            ends = [place for place, token in enumerate(whole.token_ids) if token in (*EOS, 60)]
            kept = ends[0] + 1 if ends else len(whole.token_ids)
            assert done.token_ids == whole.token_ids[:kept]
            assert done.finish_reason == ("stop" if ends else "length")
            assert done.text == decode(done.token_ids[:-1] if ends else done.token_ids)


def test_the_models_own_generation_config_is_not_used_and_comes_back(build_model, make_requests, decode):
    model = build_model("Qwen2")
    params = SamplingParams(max_tokens=20)
    expected = ids(make(model, decode, eos_ids=()).generate(make_requests(LENGTHS), params))
    theirs = GenerationConfig(
        repetition_penalty=3.0, top_k=2, temperature=0.1, eos_token_id=[7, 8], do_sample=True
    )
    model.generation_config = theirs
    assert ids(make(model, decode, eos_ids=()).generate(make_requests(LENGTHS), params)) == expected
    assert model.generation_config is theirs


def test_dropout_is_off_while_it_writes_and_on_again_after(build_model, make_requests, decode):
    model = build_model("Llama", attention_dropout=0.5)
    expected = ids(make(model, decode).generate(make_requests(LENGTHS), SamplingParams(max_tokens=9)))
    model.train()
    assert ids(make(model, decode).generate(make_requests(LENGTHS), SamplingParams(max_tokens=9))) == expected
    assert model.training


def test_weights_are_written_into_the_module(build_model, make_requests, decode):
    model, other = build_model("Qwen2"), build_model("Qwen2", seed=1)
    engine = make(model, decode)
    engine.load_weights(other.state_dict().items(), 2)
    params = SamplingParams(max_tokens=9)
    groups = list(engine.generate(make_requests(LENGTHS), params))
    assert ids(groups) == ids(make(other, decode).generate(make_requests(LENGTHS), params))
    assert groups[0].completions[0].weights_version == 2
    engine.load_weights(model.state_dict().items(), 3)  # its own
    assert ids(engine.generate(make_requests(LENGTHS), params)) == ids(groups)
    with pytest.raises(EngineError, match="no weight 'nothing'"):
        engine.load_weights([("nothing", torch.zeros(1))], 4)


def test_weights_that_diverged_are_reported(build_model, make_requests, decode):
    model = build_model("Qwen2")
    with torch.no_grad():
        model.model.norm.weight.fill_(float("nan"))
    with pytest.raises(EngineError, match="not finite"):
        list(make(model, decode).generate(make_requests([4]), SamplingParams(max_tokens=3)))


def test_prompts_without_room_are_refused_at_once(qwen2, make_requests, decode):
    with pytest.raises(DataError, match="'p1' has 96 tokens"):
        make(qwen2, decode).generate(make_requests([95, 96]), SamplingParams())


def test_abort_and_close(qwen2, make_requests, decode):
    engine = make(qwen2, decode, batch_size=2)
    groups = engine.generate(make_requests([4] * 3), SamplingParams(n=2, max_tokens=20))
    next(groups)
    engine.abort()
    assert [each.finish_reason for group in groups for each in group.completions] == ["abort"] * 4
    groups = engine.generate(make_requests([4] * 3), SamplingParams(n=2, max_tokens=20))
    next(groups)
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        next(groups)
    with pytest.raises(ValueError, match="batch_size=0"):
        HuggingFace.Config(batch_size=0)
