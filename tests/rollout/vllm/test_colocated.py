"""vLLM in this process, a small object in its place."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
import torch

from r1light.rollout.vllm.backend import Ask
from r1light.rollout.vllm.colocated import Colocated


class Core:
    """Ends the newest request at each step."""

    def __init__(self):
        self.waiting, self.aborted, self.params = [], [], []

    def add_request(self, name, prompt, params):
        self.waiting.append((name, prompt["prompt_token_ids"], params))
        self.params.append(params)

    def has_unfinished_requests(self):
        return bool(self.waiting)

    def step(self):
        torch.rand(3)  # as vLLM does on a CPU
        name, prompt, params = self.waiting.pop()
        outputs = [
            SimpleNamespace(
                token_ids=[prompt[0], index],
                logprobs=[{prompt[0]: SimpleNamespace(logprob=-1.0)}, {index: SimpleNamespace(logprob=-2.0)}],
            )
            for index in range(params.n)
        ]
        unfinished = SimpleNamespace(finished=False, request_id="other")
        return [unfinished, SimpleNamespace(finished=True, request_id=name, outputs=outputs)]

    def abort_request(self, names):
        self.aborted += names


class Llm:
    def __init__(self):
        self.llm_engine, self.calls = Core(), []

    def collective_rpc(self, method, args):
        self.calls.append((method, [name for name, _ in args[0]]))

    def reset_prefix_cache(self):
        self.calls.append("reset")

    def sleep(self, level):
        self.calls.append(f"sleep {level}")

    def wake_up(self):
        self.calls.append("wake")


@pytest.fixture
def llm(monkeypatch):
    params = SimpleNamespace(RequestOutputKind=SimpleNamespace(FINAL_ONLY="final"))
    monkeypatch.setitem(sys.modules, "vllm", SimpleNamespace(SamplingParams=SimpleNamespace))
    monkeypatch.setitem(sys.modules, "vllm.sampling_params", params)
    return Llm()


def asks(*first_ids, n=2):
    return [Ask((token,), n, 5, 1.0, 1.0, 0, 10 * token, (3,)) for token in first_ids]


def test_every_ask_is_answered_and_torchs_generator_stands(llm):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    found = dict(Colocated(llm, sleeps=False).draw(asks(7, 8, 9)))
    assert torch.equal(before, torch.get_rng_state())
    assert {place: [each.token_ids for each in drawn] for place, drawn in found.items()} == {
        place: [[token, 0], [token, 1]] for place, token in enumerate((7, 8, 9))
    }
    assert found[0][1].logprobs == [-1.0, -2.0]
    assert [(each.seed, each.stop_token_ids) for each in llm.llm_engine.params] == [
        (70, [3]),
        (80, [3]),
        (90, [3]),
    ]
    assert llm.llm_engine.aborted == []


def test_what_nobody_waits_for_is_given_up(llm):
    run = Colocated(llm, sleeps=False).draw(asks(7, 8, 9))
    assert next(run)[0] == 2
    run.close()
    assert len(llm.llm_engine.aborted) == 2


def test_weights_come_then_old_prefixes_go_then_it_is_checked(llm):
    judged = []

    class Check:
        asks = asks(7, 8)

        def __call__(self, answers):
            judged.append((list(llm.calls), [each[0].token_ids for each in answers]))

    Colocated(llm, sleeps=False).load([("a", torch.ones(1))], Check())
    assert judged == [([("r1light_load", ["a"]), "reset"], [[7, 0], [8, 0]])]


def test_it_sleeps_where_it_can_and_wakes_when_it_is_asked(llm):
    idle = Colocated(llm, sleeps=False)
    idle.sleep()
    assert llm.calls == []
    colocated = Colocated(llm, sleeps=True)
    colocated.sleep()
    colocated.sleep()
    list(colocated.draw(asks(7)))
    assert llm.calls == ["sleep 1", "wake"]
