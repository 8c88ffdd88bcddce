"""Projections. N tokens, I inputs, O outputs."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


class Linear:
    """x W^T + b."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        """Take a projection.

        Args:
            weight: [O, I].
            bias: [O].
        """
        self.weight = weight
        self.bias = bias

    def __call__(self, input_NI: Tensor) -> Tensor:
        """The projection, [N, O]."""
        return F.linear(input_NI, self.weight, self.bias)

    def plus(self, input_NI: Tensor, residual_NO: Tensor) -> Tensor:
        """The projection added to a residual stream, [N, O], whose memory it takes."""
        summed_NO = residual_NO.addmm_(input_NI, self.weight.t())
        return summed_NO if self.bias is None else summed_NO.add_(self.bias)


class Gate:
    """silu(x G^T) * (x U^T), each with its bias: the first half of a gated MLP (Shazeer 2020).

    Attributes:
        fused: Whether a GPU takes the last product by the kernel of operations.py.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        """Take both projections.

        Args:
            weight: [2 O, I], G above U.
            bias: [2 O].
        """
        self.weight = weight
        self.bias = bias
        self.fused = False

    def __call__(self, input_NI: Tensor) -> Tensor:
        """Gate and projection, [N, O]."""
        both_N2 = F.linear(input_NI, self.weight, self.bias)
        if self.fused and both_N2.is_cuda:
            from r1light.rollout.native.operations import gate

            return gate(both_N2)
        opened_NO, passed_NO = both_N2.chunk(2, -1)
        return F.silu(opened_NO).mul_(passed_NO)
