from __future__ import annotations

import torch

from r1light.training.batching import Row, micro_batches
from r1light.training.forward import disable_dropout, target_logprobs
from r1light.training.tree_attention import use_trees


def gradients(model, batches):
    """The gradients of a loss over all tokens and entropies, and how often the first layer ran."""
    passes = []
    hook = model.model.layers[0].input_layernorm.register_forward_hook(lambda *_: passes.append(True))
    model.zero_grad()
    for batch in batches:
        out = target_logprobs(model, batch, temperature=0.7)
        (out.logprobs_T.square().sum() + out.entropy_T.sum()).backward()
    hook.remove()
    return {name: each.grad.clone() for name, each in model.named_parameters()}, len(passes)


def test_recomputed_activations_give_the_same_gradients_to_the_bit(make_qwen2):
    # two groups, the first of which hangs on one prompt
    rows = [
        Row(group, tuple(range(1, 5)), tuple(range(5, 5 + length)), (0.0,) * length, 1.0)
        for group, length in ((0, 3), (0, 6), (1, 4))
    ]
    batches = list(micro_batches(rows, 12))
    assert any(batch.trees is not None for batch in batches)
    model = make_qwen2(0)
    use_trees(model)
    disable_dropout(model)
    kept, once = gradients(model, batches)
    model.gradient_checkpointing_enable()
    again, twice = gradients(model, batches)
    assert (once, twice) == (len(batches), 2 * len(batches))
    assert all(torch.equal(kept[name], again[name]) for name in kept)
