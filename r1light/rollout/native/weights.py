"""The decoder's weights: fused, in buffers that stay where they are while their contents change.

Query, key and value projections are one matrix, gate and up another. Within each query and key head the
two halves that rotary embedding pairs are interleaved, so that a rotation is one complex multiplication;
attention does not notice: its scores are invariant under one permutation of both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from r1light.core.errors import EngineError
from r1light.rollout.native.linear import Gate, Linear
from r1light.rollout.native.support import Architecture, required_names


@dataclass(frozen=True, slots=True)
class LayerWeights:
    """One block. Absent norms are None."""

    input_norm: Tensor
    qkv: Linear
    q_norm: Tensor | None
    k_norm: Tensor | None
    out: Linear
    post_norm: Tensor
    gate_up: Gate
    down: Linear


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a named weight goes: a view of a fused buffer, and whether its heads get interleaved."""

    view: Tensor
    interleaved: bool = False


class Weights:
    """All weights of a decoder, and how to refill them by Hugging Face names.

    Attributes:
        embed: [V, H].
        layers: The blocks.
        norm: [H], the last RMSNorm.
        head: [V, H]; of the embedding itself where the two are tied.
    """

    def __init__(
        self, arch: Architecture, names: Iterable[str], dtype: torch.dtype, device: torch.device
    ) -> None:
        """Make room.

        Args:
            arch: The shape.
            names: The names in the model's state dict; they say which biases and norms there are.
            dtype: Of the buffers.
            device: Theirs.
        """
        self._arch = arch
        self._names = frozenset(names)
        self._dtype = dtype
        self._device = device
        self._targets: dict[str, _Target] = {}
        self.embed = self._single("model.embed_tokens.weight", arch.vocabulary, arch.hidden)
        self.layers = [self._layer(f"model.layers.{layer}.") for layer in range(arch.layers)]
        self.norm = self._single("model.norm.weight", arch.hidden)
        if arch.tied:
            self.head = Linear(self.embed)
            self._targets["lm_head.weight"] = _Target(self.embed)
        else:
            self.head = Linear(self._single("lm_head.weight", arch.vocabulary, arch.hidden))
        self._required = set(self._targets) - ({"lm_head.weight"} if arch.tied else set())
        assert self._required.issuperset(required_names(arch))

    def load(self, named_tensors: Iterable[tuple[str, Tensor]]) -> None:
        """Copy a whole model's weights into the buffers.

        Args:
            named_tensors: By the names of `model.state_dict()`; a tied `lm_head.weight` may be left out.

        Raises:
            EngineError: If a name is unknown or missing, or a shape is not the model's: weights left as they
                were would go unnoticed.
        """
        missing = set(self._required)
        with torch.no_grad():
            for name, tensor in named_tensors:
                if name.endswith("rotary_emb.inv_freq"):
                    continue
                target = self._targets.get(name)
                if target is None or target.view.shape != tensor.shape:
                    raise EngineError(
                        f"the rollout model has no weight {name!r} of shape {tuple(tensor.shape)}"
                    )
                target.view.copy_(self._interleave(tensor) if target.interleaved else tensor)
                missing.discard(name)
        if missing:
            raise EngineError(
                f"{len(missing)} weights are missing for the rollout model, such as {min(missing)!r}"
            )

    def _layer(self, prefix: str) -> LayerWeights:
        arch = self._arch
        queries, keys = arch.heads * arch.head_dim, arch.kv_heads * arch.head_dim
        qkv_names = [f"{prefix}self_attn.{part}_proj" for part in "qkv"]
        gate_up_names = [f"{prefix}mlp.{part}_proj" for part in ("gate", "up")]
        return LayerWeights(
            input_norm=self._single(f"{prefix}input_layernorm.weight", arch.hidden),
            qkv=Linear(*self._fused(qkv_names, (queries, keys, keys), arch.hidden, interleaved=2)),
            q_norm=self._head_norm(f"{prefix}self_attn.q_norm.weight"),
            k_norm=self._head_norm(f"{prefix}self_attn.k_norm.weight"),
            out=Linear(*self._fused([f"{prefix}self_attn.o_proj"], (arch.hidden,), queries)),
            post_norm=self._single(f"{prefix}post_attention_layernorm.weight", arch.hidden),
            gate_up=Gate(*self._fused(gate_up_names, (arch.intermediate,) * 2, arch.hidden)),
            down=Linear(*self._fused([f"{prefix}mlp.down_proj"], (arch.hidden,), arch.intermediate)),
        )

    def _room(self, *shape: int) -> Tensor:
        return torch.empty(shape, dtype=self._dtype, device=self._device)

    def _single(self, name: str, *shape: int) -> Tensor:
        buffer = self._room(*shape)
        self._targets[name] = _Target(buffer)
        return buffer

    def _head_norm(self, name: str) -> Tensor | None:
        if name not in self._names:
            return None
        buffer = self._room(self._arch.head_dim)
        self._targets[name] = _Target(buffer, interleaved=True)
        return buffer

    def _fused(
        self, names: list[str], rows: tuple[int, ...], columns: int, interleaved: int = 0
    ) -> tuple[Tensor, Tensor | None]:
        """One matrix and bias for several projections; the first `interleaved` of them have rotary heads."""
        weight = self._room(sum(rows), columns)
        with_bias = any(f"{name}.bias" in self._names for name in names)
        bias = self._room(sum(rows)).zero_() if with_bias else None
        start = 0
        for order, (name, count) in enumerate(zip(names, rows, strict=True)):
            part = slice(start, start + count)
            self._targets[f"{name}.weight"] = _Target(weight[part], order < interleaved)
            if bias is not None and f"{name}.bias" in self._names:
                self._targets[f"{name}.bias"] = _Target(bias[part], order < interleaved)
            start += count
        return weight, bias

    def _interleave(self, tensor: Tensor) -> Tensor:
        """Put row j of a head's first half before row j of its second half, in every head."""
        halves = tensor.reshape(-1, 2, self._arch.head_dim // 2, *tensor.shape[1:])
        return halves.transpose(1, 2).reshape(tensor.shape)
