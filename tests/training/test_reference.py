from __future__ import annotations

import torch

from r1light.training.reference import Reference


def linear(value):
    layer = torch.nn.Linear(2, 1, bias=False)
    torch.nn.init.constant_(layer.weight, value)
    return layer


def test_it_is_a_frozen_copy():
    policy = linear(1.0)
    reference = Reference(policy)
    with torch.no_grad():
        policy.weight.fill_(5.0)
    assert reference.model.weight.tolist() == [[1.0, 1.0]]
    assert not reference.model.weight.requires_grad
    assert policy.weight.requires_grad


def test_reset_and_trail():
    policy = linear(1.0)
    reference = Reference(policy)
    with torch.no_grad():
        policy.weight.fill_(3.0)
    reference.trail(policy.named_parameters(), 0.75)  # 0.75 * 1 + 0.25 * 3
    assert reference.model.weight.tolist() == [[1.5, 1.5]]
    reference.reset(policy.named_parameters())
    assert reference.model.weight.tolist() == [[3.0, 3.0]]
