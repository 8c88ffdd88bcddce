"""Layers compiled: on a GPU the many small operations between matrix products become few."""

from __future__ import annotations

from typing import Any

import torch

from r1light.training.forward import blocks
from r1light.training.tree_attention import NAME, attention_forward


def fuse_head(model: Any) -> None:
    """Have the passes over a model's logits compiled at their first use; see `chunked_logprobs`."""
    model.get_output_embeddings().fused = True


def compile_layers(model: Any, backend: str = "inductor") -> None:
    """Have a model's layers compiled at their first use, all of them to the same code, for any length.

    Attention is left as it is: its kernel is one already, and who sees whom is no concern of a compiler.

    Args:
        model: A Hugging Face model that knows trees.
        backend: Of torch.compile.
    """
    from transformers import AttentionInterface

    left: Any = torch.compiler.disable(attention_forward)  # type: ignore[no-untyped-call]
    AttentionInterface.register(NAME, left)
    for block in blocks(model):
        block.compile(dynamic=True, backend=backend)
