"""The forward pass of a Llama-like decoder over fused weights and a static cache.

Numerically that of transformers' Qwen2, Qwen3, Llama and Mistral up to rounding, in fewer and larger
operations. N tokens, B rows that decode, R prompts in one prefill, L length, H hidden, A query heads,
K key/value heads, D head width, V vocabulary; F = A + 2K heads of the fused projection.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.attention.bias import causal_lower_right

from r1light.algorithms.lm_head import product
from r1light.rollout.native.attention import Attention
from r1light.rollout.native.support import Architecture
from r1light.rollout.native.weights import LayerWeights, Weights


class Decoder:
    """Runs prompts and single tokens; keeps no state but the weights and the rotary table."""

    def __init__(self, arch: Architecture, weights: Weights, inv_freq: Tensor, rotary_scale: float) -> None:
        """Put a decoder together.

        Args:
            arch: Its shape.
            weights: Its weights.
            inv_freq: [D/2], rotary frequencies in radians a token, scaling included.
            rotary_scale: Factor on the rotated vectors (yarn's; 1 otherwise).
        """
        self.arch = arch
        self.weights = weights
        self._inv_freq = inv_freq.float()
        self._rotary_scale = rotary_scale
        self._rotary_LD = torch.empty(0, arch.head_dim // 2, dtype=torch.complex64, device=inv_freq.device)

    @property
    def rotary_LD2(self) -> Tensor:
        """The rotary table, float32 [L, D/2, 2]: cosine and sine."""
        return torch.view_as_real(self._rotary_LD)

    def reserve(self, length: int) -> None:
        """Make the rotary table long enough for texts of `length` tokens."""
        if length <= self._rotary_LD.shape[0]:
            return
        positions_L = torch.arange(length, device=self._inv_freq.device, dtype=torch.float32)
        angles_LD = torch.outer(positions_L, self._inv_freq)
        self._rotary_LD = torch.polar(torch.full_like(angles_LD, self._rotary_scale), angles_LD)

    def prefill(self, tokens_RL: Tensor, lengths_R: Tensor, cache: Tensor, chunk: int) -> Tensor:
        """Read prompts.

        Args:
            tokens_RL: int64 [R, L], padded on the right with any id.
            lengths_R: int64 [R], at least 1.
            cache: [layers, 2, R, K, L, D]; filled with keys and values. Those of padding are there too, but
                no token before the padding has seen them.
            chunk: Most tokens of each prompt that are read at a time.

        Returns:
            Logits after each prompt's last token, [R, V].
        """
        rows, length = tokens_RL.shape
        rows_R = torch.arange(rows, device=lengths_R.device)
        last_RH = self.weights.embed.new_empty(rows, self.arch.hidden)
        for start in range(0, length, chunk):
            end = min(start + chunk, length)
            hidden_RLH = self._read(tokens_RL[:, start:end], start, cache)
            last_R = lengths_R - 1 - start
            inside_R1 = ((last_R >= 0) & (last_R < end - start)).unsqueeze(1)
            found_RH = hidden_RLH[rows_R, last_R.clamp(0, end - start - 1)]
            last_RH = torch.where(inside_R1, found_RH, last_RH)
        return self.logits(last_RH)

    def _read(self, tokens_RL: Tensor, start: int, cache: Tensor) -> Tensor:
        """Hidden states [R, L, H] of a stretch of prompts that begins at `start`; all before it is cached."""
        arch = self.arch
        rows, length = tokens_RL.shape
        end = start + length
        rotary_N1D = self._rotary_LD[start:end].repeat(rows, 1).unsqueeze(1)
        hidden_NH = F.embedding(tokens_RL.reshape(-1), self.weights.embed)
        bands = {window: _band(start, end, window, tokens_RL.device) for window in set(arch.windows)}
        for index, layer in enumerate(self.weights.layers):
            heads_NFD = self._heads(layer, hidden_NH, rotary_N1D)
            heads_RFLD = heads_NFD.view(rows, length, arch.fused_heads, arch.head_dim).transpose(1, 2)
            kept_RFLD = heads_RFLD[:, arch.heads :]
            keys_RKLD, values_RKLD = kept_RFLD[:, : arch.kv_heads], kept_RFLD[:, arch.kv_heads :]
            cache[index, 0, :, :, start:end] = keys_RKLD
            cache[index, 1, :, :, start:end] = values_RKLD
            if start:
                keys_RKLD, values_RKLD = cache[index, :, :, :, :end]
            band_LL = bands[arch.windows[index]]
            mixed_RALD = F.scaled_dot_product_attention(
                heads_RFLD[:, : arch.heads],
                keys_RKLD,
                values_RKLD,
                attn_mask=band_LL,
                is_causal=band_LL is None,
                enable_gqa=True,
            )
            mixed_NA = mixed_RALD.transpose(1, 2).reshape(rows * length, -1)
            hidden_NH = self._residual(layer, hidden_NH, mixed_NA)
        return hidden_NH.view(rows, length, -1)

    def step(self, tokens_B: Tensor, positions_B: Tensor, length: int, cache: Tensor) -> Tensor:
        """Read one more token a row.

        Args:
            tokens_B: int64 [B].
            positions_B: int64 [B], where each stands in its text.
            length: The largest position + 1.
            cache: [layers, 2, at least B, K, at least `length`, D], finite everywhere; takes keys and values.

        Returns:
            Logits after the tokens, [B, V].
        """
        arch = self.arch
        rows = tokens_B.shape[0]
        rows_B = torch.arange(rows, device=tokens_B.device)
        rotary_B1D = self._rotary_LD.index_select(0, positions_B).unsqueeze(1)
        hidden_BH = F.embedding(tokens_B, self.weights.embed)
        attend = {
            window: Attention(positions_B, length, window, arch.kv_heads, hidden_BH.dtype)
            for window in set(arch.windows)
        }
        for index, layer in enumerate(self.weights.layers):
            heads_BFD = self._heads(layer, hidden_BH, rotary_B1D)
            kept_B2KD = heads_BFD[:, arch.heads :].reshape(rows, 2, arch.kv_heads, arch.head_dim)
            cache[index][:, rows_B, :, positions_B] = kept_B2KD
            keys_BKLD, values_BKLD = cache[index, :, :rows, :, :length]
            # The query heads that share a key head stand as its queries: grouped attention without copies.
            queries_BKGD = heads_BFD[:, : arch.heads].view(rows, arch.kv_heads, -1, arch.head_dim)
            mixed_BKGD = attend[arch.windows[index]](queries_BKGD, keys_BKLD, values_BKLD)
            hidden_BH = self._residual(layer, hidden_BH, mixed_BKGD.reshape(rows, -1))
        return self.logits(hidden_BH)

    def _heads(self, layer: LayerWeights, hidden_NH: Tensor, rotary_N1D: Tensor) -> Tensor:
        """Queries and keys, normed where the model does and rotated, and values: [N, F, D]."""
        arch = self.arch
        normed_NH = _rms_norm(hidden_NH, layer.input_norm, arch.eps)
        heads_NFD = layer.qkv(normed_NH).view(-1, arch.fused_heads, arch.head_dim)
        rotated = arch.heads + arch.kv_heads
        if layer.q_norm is not None:
            queries_NAD = heads_NFD[:, : arch.heads]
            queries_NAD.copy_(_rms_norm(queries_NAD, layer.q_norm, arch.eps))
        if layer.k_norm is not None:
            keys_NKD = heads_NFD[:, arch.heads : rotated]
            keys_NKD.copy_(_rms_norm(keys_NKD, layer.k_norm, arch.eps))
        turning_NFD = heads_NFD[:, :rotated]
        if heads_NFD.dtype is torch.float32:
            _as_complex(turning_NFD).mul_(rotary_N1D)
        else:
            wide_NFD = turning_NFD.float()
            _as_complex(wide_NFD).mul_(rotary_N1D)
            turning_NFD.copy_(wide_NFD)
        return heads_NFD

    def _residual(self, layer: LayerWeights, hidden_NH: Tensor, mixed_NA: Tensor) -> Tensor:
        """Attention's output projection and the gated MLP, each added to the residual stream."""
        hidden_NH = layer.out.plus(mixed_NA, hidden_NH)
        normed_NH = _rms_norm(hidden_NH, layer.post_norm, self.arch.eps)
        return layer.down.plus(layer.gate_up(normed_NH), hidden_NH)

    def logits(self, hidden_NH: Tensor) -> Tensor:
        """The last norm and the head, [N, V]."""
        return self.head(_rms_norm(hidden_NH, self.weights.norm, self.arch.eps))

    def head(self, normed_NH: Tensor) -> Tensor:
        """The head, [N, V]: on a GPU in float32, which the trainer's logits are in too."""
        if normed_NH.is_cuda:
            return product(normed_NH, self.weights.head.weight.t())
        return self.weights.head(normed_NH)


def _rms_norm(input: Tensor, weight: Tensor, eps: float) -> Tensor:
    """RMSNorm over the last dimension (Zhang and Sennrich 2019).

    On a CPU torch composes `F.rms_norm` of many passes; this takes half the time in float32.
    """
    if input.dtype is not torch.float32 or input.device.type != "cpu":
        return F.rms_norm(input, weight.shape, weight, eps)
    length: Tensor = torch.linalg.vector_norm(input, dim=-1, keepdim=True)
    scale = (length * length / weight.shape[0] + eps).rsqrt_()
    return (input * scale).mul_(weight)


def _as_complex(heads_NFD: Tensor) -> Tensor:
    """Interleaved pairs as complex numbers, in place."""
    return torch.view_as_complex(heads_NFD.view(*heads_NFD.shape[:-1], -1, 2))


def _band(start: int, end: int, window: int | None, device: torch.device) -> Tensor | None:
    """What tokens from `start` to `end` see, [L, end]; None where that is all before, from the first."""
    if window is None or window >= end:
        if start == 0:
            return None
        if device.type == "cuda":  # by its name, which kernels for half precision know: a mask they do not
            return causal_lower_right(end - start, end)
    distance_LL = torch.arange(start, end, device=device).unsqueeze(1) - torch.arange(end, device=device)
    return (distance_LL >= 0) & (distance_LL < (window or end))
