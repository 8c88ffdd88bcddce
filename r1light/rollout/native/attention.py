"""Attention of one token a row over what is cached of its text.

B rows, K key/value heads, G query heads a key/value head, L length, D head width.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


class Attention:
    """What each row sees in one step, prepared once for all layers with the same window."""

    def __init__(
        self, positions_B: Tensor, length: int, window: int | None, kv_heads: int, dtype: torch.dtype
    ) -> None:
        """Mask what lies behind each row's token, or out of its window.

        Args:
            positions_B: int64 [B], where each row's token stands.
            length: The largest position + 1.
            window: How many tokens a token sees, itself included; None for all before it.
            kv_heads: K.
            dtype: Of queries, keys and values.
        """
        places_L = torch.arange(length, device=positions_B.device)
        hidden_BL = places_L > positions_B.unsqueeze(1)
        if window is not None and window < length:
            hidden_BL |= places_L <= positions_B.unsqueeze(1) - window
        bias_BL = torch.zeros(hidden_BL.shape, dtype=dtype, device=positions_B.device)
        self._bias_BL = bias_BL.masked_fill_(hidden_BL, -torch.inf)
        self._in_products = dtype is torch.float32 and positions_B.device.type == "cpu"
        if self._in_products:
            self._bias_N1L = self._bias_BL.repeat_interleave(kv_heads, 0).unsqueeze(1)

    def __call__(self, queries_BKGD: Tensor, keys_BKLD: Tensor, values_BKLD: Tensor) -> Tensor:
        """Attend.

        Args:
            queries_BKGD: [B, K, G, D].
            keys_BKLD: [B, K, L, D].
            values_BKLD: [B, K, L, D].

        Returns:
            [B, K, G, D].
        """
        if not self._in_products:
            bias_BKGL = self._bias_BL[:, None, None].expand(-1, 1, queries_BKGD.shape[2], -1)
            return F.scaled_dot_product_attention(queries_BKGD, keys_BKLD, values_BKLD, attn_mask=bias_BKGL)
        # For so few queries two batched products take two thirds of the time of torch's kernel for a CPU.
        keys_NDL = keys_BKLD.flatten(0, 1).transpose(1, 2)
        scale = queries_BKGD.shape[-1] ** -0.5
        scores_NGL = torch.baddbmm(self._bias_N1L, queries_BKGD.flatten(0, 1), keys_NDL, alpha=scale)
        mixed_NGD = torch.bmm(scores_NGL.softmax(-1), values_BKLD.flatten(0, 1))
        return mixed_NGD.view(queries_BKGD.shape)
