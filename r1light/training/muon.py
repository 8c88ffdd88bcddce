"""Muon for the matrices of a small model: momentum whose singular values are all made about 1.

On the miniature bases it reaches a loss in about half the tokens that AdamW takes. torch has a Muon too; it
works matrix by matrix and in bfloat16; on a CPU that took three times as long as all the rest of the update.
This one stacks the matrices of one shape, stays in float32, and takes a tenth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

QUINTIC = (3.4445, -4.7750, 2.0315)
"""Of the iteration: they pull singular values fast to about 1, rather than slowly to exactly 1."""
ITERATIONS = 5


class Muon(torch.optim.Optimizer):
    """Stochastic gradient descent with Nesterov momentum, made orthogonal matrix by matrix.

    Source: Keller Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024.

    Args:
        matrices: Parameters of two dimensions; not embeddings.
        lr: The learning rate. An update changes a matrix [m, n] by a step of spectral norm about
            `lr * sqrt(max(1, m / n))`.
        momentum: The share of the momentum that is kept.
        weight_decay: Decoupled, as AdamW's.
    """

    def __init__(
        self, matrices: Iterable[Tensor], lr: float, momentum: float = 0.95, weight_decay: float = 0.0
    ) -> None:
        super().__init__(matrices, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.ndim != 2:
                    raise ValueError(f"Muon is for matrices, not for a tensor of shape {list(matrix.shape)}")

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Update every matrix that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[Tensor]] = {}
            for matrix in group["params"]:
                if matrix.grad is not None:
                    by_shape.setdefault(matrix.shape, []).append(matrix)
            for shape, matrices in by_shape.items():
                directions = [self._direction(one, group["momentum"]) for one in matrices]
                steps_BMN = orthogonalize(torch.stack(directions))
                scale = max(1.0, shape[0] / shape[1]) ** 0.5
                for matrix, step in zip(matrices, steps_BMN, strict=True):
                    matrix.mul_(1 - group["lr"] * group["weight_decay"])
                    matrix.add_(step, alpha=-group["lr"] * scale)
        return loss

    def _direction(self, matrix: Tensor, kept: float) -> Tensor:
        """The gradient with Nesterov momentum."""
        if matrix.grad is None:
            raise ValueError("a matrix without a gradient has no direction")
        state = self.state[matrix]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(matrix)
        momentum: Tensor = state["momentum"]
        momentum.mul_(kept).add_(matrix.grad)
        return matrix.grad.add(momentum, alpha=kept)


def orthogonalize(matrices_BMN: Tensor) -> Tensor:
    """Matrices of the same singular vectors, whose singular values lie between about 0.7 and 1.2.

    Args:
        matrices_BMN: Floating point, [B, M, N]. Singular values below about a hundredth of the largest may
            come out smaller.
    """
    tall = matrices_BMN.shape[1] > matrices_BMN.shape[2]
    x_BMN = matrices_BMN.mT if tall else matrices_BMN
    x_BMN = x_BMN / (x_BMN.norm(dim=(1, 2), keepdim=True) + 1e-7)
    linear, cubic, quintic = QUINTIC
    for _ in range(ITERATIONS):
        gram_BMM = x_BMN @ x_BMN.mT
        x_BMN = linear * x_BMN + (cubic * gram_BMM + quintic * gram_BMM @ gram_BMM) @ x_BMN
    orthogonal_BMN: Tensor = x_BMN.mT if tall else x_BMN
    return orthogonal_BMN
