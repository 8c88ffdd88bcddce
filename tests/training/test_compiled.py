"""Compiled layers, by the parts of torch.compile that need no compiler of C++."""

from __future__ import annotations

import pytest
import torch

from r1light.training.batching import Row, micro_batches
from r1light.training.compiled import compile_layers
from r1light.training.forward import disable_dropout, target_logprobs
from r1light.training.tree_attention import use_trees


def gradients(model, batches):
    model.zero_grad()
    for batch in batches:
        out = target_logprobs(model, batch, temperature=0.7)
        (out.logprobs_T.square().sum() + out.entropy_T.sum()).backward()
    return [each.grad.clone() for each in model.parameters()]


@pytest.mark.slow
def test_compiled_layers_compute_the_same_for_any_length(make_qwen2):
    rows = [
        Row(group, tuple(range(1, 5)), tuple(range(5, 5 + length)), (0.0,) * length, 1.0)
        for group, length in ((0, 3), (0, 6), (1, 4), (2, 9))
    ]
    batches = [*micro_batches(rows, 12, segments=True), *micro_batches(rows, 12)]
    assert len({batch.input_ids_NL.shape for batch in batches}) > 1
    model = make_qwen2(0)
    use_trees(model)
    disable_dropout(model)
    plain = gradients(model, batches)
    compile_layers(model, backend="aot_eager")
    ran = torch._dynamo.utils.counters
    ran.clear()
    for mine, theirs in zip(gradients(model, batches), plain, strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-6, rtol=1e-5)
    assert ran["stats"]["unique_graphs"] > 0  # something was compiled
    graphs = ran["stats"]["unique_graphs"]
    gradients(model, batches[::-1])
    assert ran["stats"]["unique_graphs"] == graphs  # and nothing anew for another length
