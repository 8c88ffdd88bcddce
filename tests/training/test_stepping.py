from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch

from r1light.core.errors import R1LightError
from r1light.training.stepping import Skips, step


class Plain(torch.nn.Module):
    """What `step` needs of a LightningModule that nothing wraps."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor([3.0, 4.0]))
        self.trainer = SimpleNamespace(strategy=SimpleNamespace(model=self))


class Engine(Plain):
    """DeepSpeed's way: the step comes before the norm is known."""

    def get_global_grad_norm(self):
        return self.weight.grad.norm() if self.weight.grad is not None else math.nan


def run(module, gradient, skips, update=1):
    optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
    module.weight.grad = torch.tensor(gradient)
    return step(module, optimizer, 1.0, update, skips)


def test_a_step_is_clipped_to_the_norm():
    module = Plain()
    # norm 5, clipped to 1: [0.6, 0.8]; times 0.5: [0.3, 0.4]
    assert run(module, [3.0, 4.0], Skips(borne=0)) == 5.0
    assert torch.allclose(module.weight.detach(), torch.tensor([2.7, 3.6]), atol=1e-5)
    assert module.weight.grad is None


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
def test_a_gradient_that_is_not_finite_leaves_the_weights_and_is_counted(broken, caplog):
    module, skips = Plain(), Skips(borne=2)
    assert not math.isfinite(run(module, [broken, 1.0], skips, update=7))
    assert module.weight.tolist() == [3.0, 4.0]
    assert module.weight.grad is None
    assert skips.state() == [1, 1]
    assert "the gradient of update 7 is not finite: it is left out (1 in a row, 2 are borne)" in caplog.text


def test_a_finite_one_between_starts_the_row_anew_and_one_too_many_ends_it():
    module, skips = Plain(), Skips(borne=2)
    for gradient in (math.nan, math.nan, 0.0, math.nan, math.nan):
        run(module, [gradient, 0.0], skips)
    assert skips.state() == [4, 2]
    with pytest.raises(
        R1LightError, match="update 9 is not finite, as were 2 before it; the last checkpoint"
    ):
        run(module, [math.nan, 0.0], skips, update=9)
    assert module.weight.tolist() == [3.0, 4.0]


def test_the_count_goes_through_a_checkpoint():
    skips = Skips(borne=3)
    skips.load_state([5, 3])
    with pytest.raises(R1LightError, match="as were 3 before it"):
        skips.note(math.nan, 1)


def test_what_deepspeed_has_stepped_already_ends_the_run_at_once():
    module = Engine()
    with pytest.raises(R1LightError, match="update 1 is not finite; the last checkpoint is unharmed"):
        run(module, [math.nan, 0.0], Skips(borne=3))
