"""The output head of a language model: its products, in the precision that log-probabilities need.

Shapes: T tokens (any rows flattened), V vocabulary, H hidden.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Head:
    """An output head.

    Attributes:
        weight_VH: Float [V, H].
        bias_V: Float [V], or None.
    """

    weight_VH: Tensor
    bias_V: Tensor | None = None

    def first(self, tokens: int) -> Head:
        """The head of the first so many tokens of the vocabulary; gradients reach the whole one."""
        if tokens == self.weight_VH.shape[0]:
            return self
        return Head(self.weight_VH[:tokens], None if self.bias_V is None else self.bias_V[:tokens])


def head_logits(hidden_TH: Tensor, head: Head, temperature: float) -> Tensor:
    """(hidden @ weight^T + bias) / temperature, [T, V], in at least float32."""
    dtype = operand_dtype(hidden_TH, head.weight_VH)
    logits_TV = product(hidden_TH.to(dtype), head.weight_VH.to(dtype).T)
    if head.bias_V is not None:
        logits_TV += head.bias_V
    if temperature != 1.0:
        logits_TV /= temperature
    return logits_TV


def operand_dtype(hidden_TH: Tensor, weight_VH: Tensor) -> torch.dtype:
    """The dtype in which the head's products are taken."""
    device = hidden_TH.device.type
    dtype = torch.promote_types(hidden_TH.dtype, weight_VH.dtype)
    if torch.is_autocast_enabled(device) and dtype != torch.float64:
        dtype = torch.get_autocast_dtype(device)
    if device != "cuda" and dtype.itemsize < 4:
        return torch.float32
    return dtype


def product(left: Tensor, right: Tensor) -> Tensor:
    """Matrix product of operands of one dtype, in float32 where they are half precision (CUDA alone)."""
    with torch.autocast(left.device.type, enabled=False):
        if left.dtype.itemsize < 4:
            return torch.mm(left, right, out_dtype=torch.float32)
        return torch.mm(left, right)


def add_product(total: Tensor, left: Tensor, right: Tensor) -> None:
    """Add a matrix product to a total, in place where the dtypes are one."""
    if left.dtype != total.dtype:
        total += product(left, right)
        return
    with torch.autocast(left.device.type, enabled=False):
        total.addmm_(left, right)


def row_products(left_CW: Tensor, right_CW: Tensor) -> Tensor:
    """The scalar product of each row with the other's, [C], in their own dtype.

    Autocast would take it in 16 bits.
    """
    with torch.autocast(left_CW.device.type, enabled=False):
        products_C: Tensor = torch.linalg.vecdot(left_CW, right_CW)
    return products_C
