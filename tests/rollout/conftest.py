from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from r1light.core.types import RolloutRequest

VOCABULARY = 97
SHAPE = {
    "vocab_size": VOCABULARY,
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "max_position_embeddings": 96,
    "attn_implementation": "sdpa",
    "bos_token_id": None,
    "eos_token_id": None,
}
FAMILIES = ("Qwen2", "Qwen3", "Llama", "Mistral")


def build(family: str, seed: int = 0, **options: Any) -> Any:
    """A small model whose weights are large enough for every part to show in the logits."""
    import transformers

    config = getattr(transformers, f"{family}Config")(**{**SHAPE, **options})
    model = getattr(transformers, f"{family}ForCausalLM")(config).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(1 + 0.3 * noise if "norm" in name else noise * (1.5 / parameter.shape[-1] ** 0.5))
    return model


def requests_of(lengths: list[int], seed: int = 0) -> list[RolloutRequest]:
    generator = torch.Generator().manual_seed(seed)
    return [
        RolloutRequest(
            f"p{position}",
            tuple(torch.randint(0, VOCABULARY, (length,), generator=generator).tolist()),
            (3, position),
        )
        for position, length in enumerate(lengths)
    ]


def spell(ids: Any) -> str:
    """A decoder: one printable character an id."""
    return "".join(chr(33 + token) for token in ids)


@pytest.fixture
def build_model() -> Callable[..., Any]:
    return build


@pytest.fixture
def make_requests() -> Callable[..., list[RolloutRequest]]:
    return requests_of


@pytest.fixture
def decode() -> Callable[[Any], str]:
    return spell


@pytest.fixture(scope="session")
def qwen2() -> Any:
    """Shared by tests that do not change it."""
    return build("Qwen2", tie_word_embeddings=True)
