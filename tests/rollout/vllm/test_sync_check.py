"""Log-probabilities of a vLLM beside the trainer's."""

from __future__ import annotations

import copy

import pytest
import torch

from r1light.core.errors import EngineError
from r1light.rollout.vllm.backend import Drawn
from r1light.rollout.vllm.sync_check import SyncCheck, probes, trainer_logprobs


def answers(model, asks, token=5):
    """One and the same token all along, with the log-probabilities of `model`."""
    ids = [token] * 4
    return [[Drawn(ids, trainer_logprobs(model, ask, ids))] for ask in asks]


def test_probes_fit_the_context_and_are_the_same_each_time():
    assert probes(97, 1024) == probes(97, 1024)
    assert [len(ask.prompt_ids) for ask in probes(97, 1024)] == [16, 160]
    for context in (20, 96):
        assert all(len(ask.prompt_ids) + ask.max_tokens <= context for ask in probes(97, context))
    assert max(max(ask.prompt_ids) for ask in probes(3, 96)) == 2


def test_the_trainers_log_probabilities_are_those_of_plain_logits(qwen2):
    ask = probes(97, 96)[1]
    ids = [4, 9, 4]
    with torch.no_grad():
        logits_LV = qwen2(torch.tensor([[*ask.prompt_ids, *ids]])).logits[0]
    start = len(ask.prompt_ids) - 1  # the last prompt token predicts the first of the completion
    expected = [float(logits_LV[start + k].log_softmax(-1)[token]) for k, token in enumerate(ids)]
    assert trainer_logprobs(qwen2, ask, ids) == pytest.approx(expected, abs=1e-5)


def test_weights_that_did_not_arrive_are_noticed(qwen2):
    check = SyncCheck(qwen2, 96, tolerance=1e-3)
    check.begin(7)
    check(answers(qwen2, check.asks))
    assert check.difference == 0.0
    stale = copy.deepcopy(qwen2)
    with torch.no_grad():
        stale.get_output_embeddings().weight[5] += 0.05  # the token that is drawn
    with pytest.raises(EngineError, match=r"weights version 7: .* rollout\.tolerance is 0\.001"):
        check(answers(stale, check.asks))
    check.begin(8)
    assert check.difference == 0.0


def test_a_log_probability_that_is_no_number_is_a_mismatch(qwen2):
    check = SyncCheck(qwen2, 96, tolerance=1e9)
    broken = [[Drawn([5], [float("nan")])] for _ in check.asks]
    with pytest.raises(EngineError, match="up to inf nats"):
        check(broken)
