"""Projections in the fastest form that the device has.

In float32 on a CPU oneDNN multiplies faster by a copy of the matrix that lies as its kernels read it, and
adds or activates while the result is still in the processor's cache. torch's names for that are what
torch.compile calls after freezing a model; they are not public, so plain torch stands in where they lack.
N tokens, I inputs, O outputs.
"""

from __future__ import annotations

from typing import Any

import torch
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
        self._packed: Tensor | None = None

    def refresh(self) -> None:
        """Take note of new contents of `weight`; those of `bias` are read where they are."""
        self._packed = _packed(self.weight)

    def __call__(self, input_NI: Tensor) -> Tensor:
        """The projection, [N, O]."""
        if self._packed is None:
            return F.linear(input_NI, self.weight, self.bias)
        return _pointwise(input_NI, self._packed, self.bias)

    def plus(self, input_NI: Tensor, residual_NO: Tensor) -> Tensor:
        """The projection added to a residual stream, [N, O], whose memory it may take."""
        if self._packed is not None:
            return _pointwise(input_NI, self._packed, self.bias, residual_NO, "add")
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
        self._width = weight.shape[0] // 2
        self._packed: tuple[Tensor | None, Tensor | None] = (None, None)

    def refresh(self) -> None:
        """Take note of new contents of `weight`."""
        self._packed = _packed(self.weight[: self._width]), _packed(self.weight[self._width :])

    def __call__(self, input_NI: Tensor) -> Tensor:
        """Gate and projection, [N, O]."""
        gate, up = self._packed
        if gate is None or up is None:
            both_N2 = F.linear(input_NI, self.weight, self.bias)
            if self.fused and both_N2.is_cuda:
                from r1light.rollout.native.operations import gate as opened

                return opened(both_N2)
            return F.silu(both_N2[:, : self._width]).mul_(both_N2[:, self._width :])
        of_gate, of_up = (None, None) if self.bias is None else self.bias.view(2, -1)
        gate_NO = torch.ops.mkldnn._linear_pointwise(input_NI, gate, of_gate, "swish", [], "")
        return _pointwise(input_NI, up, of_up, gate_NO, "mul")


def _packed(weight: Tensor) -> Tensor | None:
    """The matrix as oneDNN wants it; None where plain torch is to be used."""
    usable = weight.device.type == "cpu" and weight.dtype is torch.float32
    names = ("_reorder_linear_weight", "_linear_pointwise")
    if not usable or not all(hasattr(torch.ops.mkldnn, name) for name in names):
        return None
    packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight, None)
    return packed


def _pointwise(
    input_NI: Tensor, packed: Tensor, bias: Tensor | None, other_NO: Tensor | None = None, how: str = ""
) -> Tensor:
    """The projection, then added to (`how` "add") or multiplied by ("mul") another tensor."""
    operation: Any = torch.ops.mkldnn._linear_pointwise
    result: Tensor
    if other_NO is None:
        result = operation(input_NI, packed, bias, "none", [], "")
    else:
        result = operation.binary(input_NI, other_NO, packed, bias, how)
    return result
