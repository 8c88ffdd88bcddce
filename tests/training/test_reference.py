from __future__ import annotations

import pytest
import torch

from r1light.models.lora import add_adapters
from r1light.training.lanes import Lanes
from r1light.training.reference import CopiedReference, reference_of


def linear(value):
    layer = torch.nn.Linear(2, 1, bias=False)
    torch.nn.init.constant_(layer.weight, value)
    return layer


def test_it_is_a_frozen_copy():
    policy = linear(1.0)
    reference = CopiedReference(policy)
    with torch.no_grad():
        policy.weight.fill_(5.0)
    assert reference.model.weight.tolist() == [[1.0, 1.0]]
    assert not reference.model.weight.requires_grad
    assert policy.weight.requires_grad


def test_reset_and_trail():
    policy = linear(1.0)
    reference = CopiedReference(policy)
    with torch.no_grad():
        policy.weight.fill_(3.0)
    reference.trail(policy, 0.75)  # 0.75 * 1 + 0.25 * 3
    assert reference.model.weight.tolist() == [[1.5, 1.5]]
    reference.reset(policy)
    assert reference.model.weight.tolist() == [[3.0, 3.0]]


def adapted(make_qwen2):
    """A policy whose adapters have learnt something, in float64."""
    policy = make_qwen2(0)
    add_adapters(policy, rank=2, alpha=4.0, dropout=0.0, targets="all-linear")
    return policy.double()


def learn(policy, seed):
    torch.manual_seed(seed)
    with torch.no_grad():
        for each in policy.parameters():
            if each.requires_grad:
                each.normal_(std=0.3)


def outputs(model):
    return model(torch.arange(6)[None]).logits


def test_of_adapters_it_is_the_base_until_a_reset_and_holds_no_second_model(make_qwen2):
    base, policy = outputs(make_qwen2(0)), adapted(make_qwen2)
    reference = reference_of(policy)
    learn(policy, 1)
    own = outputs(policy)
    with torch.no_grad(), reference.acting(policy) as model:
        assert model is policy
        torch.testing.assert_close(outputs(model), base)
    assert torch.equal(outputs(policy), own)
    reference.reset(policy)
    kept = {name: each.clone() for name, each in reference.state_dict().items()}
    learn(policy, 2)
    with torch.no_grad(), reference.acting(policy) as model:
        assert torch.equal(outputs(model), own)
    again = reference_of(adapted(make_qwen2))
    again.load_state_dict(kept)
    with torch.no_grad(), again.acting(policy) as model:
        assert torch.equal(outputs(model), own)
    held = sum(each.numel() for each in kept.values())
    assert held == sum(each.numel() for each in policy.parameters() if each.requires_grad)


@pytest.mark.parametrize("lanes", [1, 2])
def test_reading_the_reference_between_forward_and_backward_changes_no_gradient(make_qwen2, lanes):
    def gradients(reference, policy):
        passes = Lanes(policy, lanes)

        def one(_item):
            own = outputs(passes.model)
            with torch.no_grad(), reference.acting(passes.model) as model:
                theirs = outputs(model)
            (own * (own - theirs)).sum().backward()

        passes.map(one, [0, 1, 2])
        return {name: each.grad.clone() for name, each in policy.named_parameters() if each.requires_grad}

    policy, other = adapted(make_qwen2), adapted(make_qwen2)
    learn(policy, 1)
    learn(other, 1)
    shared, copied = reference_of(policy), CopiedReference(other)
    learn(policy, 2)
    learn(other, 2)
    found, expected = gradients(shared, policy), gradients(copied, other)
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert all(each.grad is None for each in policy.parameters() if not each.requires_grad)
