"""Log-probabilities of completion tokens under a causal language model, without ever making full logits.

Shapes: see batching.py; V vocabulary, H hidden.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor

from r1light.algorithms.lm_head import Head
from r1light.algorithms.logprob import TokenLogprobs, chunked_logprobs
from r1light.core.errors import ModelError
from r1light.training.tree_attention import NAME as TREES


class Targets(Protocol):
    """Token ids in lines, and which of them are to be predicted; see `MicroBatch` and `TokenBatch`."""

    @property
    def input_ids_NL(self) -> Tensor:
        """int64."""
        ...

    @property
    def position_ids_NL(self) -> Tensor:
        """int64."""
        ...

    @property
    def attention(self) -> dict[str, Any]:
        """Arguments of the forward pass that say who sees whom; empty for plain causal attention."""
        ...

    @property
    def source_K(self) -> Tensor:
        """int64."""
        ...

    @property
    def target_K(self) -> Tensor:
        """int64."""
        ...


def target_logprobs(model: Any, batch: Targets, temperature: float) -> TokenLogprobs:
    """Log-probabilities and entropies of all target tokens of a micro-batch, [K], in nats.

    Args:
        model: A Hugging Face causal language model.
        batch: The micro-batch, on the model's device.
        temperature: Divides the logits.
    """
    head = output_head(model)
    return chunked_logprobs(
        target_hidden(model, batch),
        head.weight_VH,
        batch.target_K,
        temperature=temperature,
        bias_V=head.bias_V,
    )


def target_hidden(model: Any, batch: Targets) -> Tensor:
    """The last hidden states that predict the target tokens of a micro-batch, [K, H]."""
    hidden_NLH: Tensor = model.base_model(
        input_ids=batch.input_ids_NL,
        position_ids=batch.position_ids_NL,
        use_cache=False,
        **batch.attention,
    ).last_hidden_state
    return hidden_NLH.flatten(0, 1).index_select(0, batch.source_K)


def output_head(model: Any) -> Head:
    """The output head of a causal language model."""
    head = model.get_output_embeddings()
    return Head(head.weight, getattr(head, "bias", None))


def blocks(model: Any) -> list[Any]:
    """The model's decoder layers: gathered and let go one by one where weights are shared out."""
    stacks = [each for each in model.modules() if isinstance(each, torch.nn.ModuleList)]
    return [block for stack in stacks[:1] for block in stack]


@torch.no_grad()
def check_head(model: Any) -> None:
    """Refuse a model whose logits are not its last hidden state times its head (soft caps, scales).

    Raises:
        ModelError: If so; log-probabilities in chunks would be wrong without an error.
    """
    device = next(model.parameters()).device
    probe = torch.arange(4, device=device)[None] % model.config.vocab_size
    logits = model(input_ids=probe, use_cache=False).logits.float()
    hidden = model.base_model(input_ids=probe, use_cache=False).last_hidden_state
    plain = model.get_output_embeddings()(hidden).float()
    if not torch.allclose(logits, plain, rtol=1e-2, atol=1e-2):
        raise ModelError(
            f"{type(model).__name__} changes its logits after the output head; training such a model is not "
            "supported; use one of the Qwen, Llama or Mistral families"
        )


def disable_dropout(model: Any) -> None:
    """Put a model in training mode without dropout: what learns must be what wrote the rollout."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        for name in ("attention_dropout", "dropout"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)
    model.train()


def can_mask(model: Any) -> bool:
    """Whether rows can stand in one line and not see one another: SDPA attention, and no sliding window.

    Eager attention would add a bool mask to its scores instead of obeying it, without an error.
    """
    config = model.config
    windowed = getattr(config, "use_sliding_window", True) and getattr(config, "sliding_window", None)
    return getattr(config, "_attn_implementation", "") in ("sdpa", TREES) and not windowed


def can_share_prompts(model: Any) -> bool:
    """Whether the model can be told of trees; only these hand what they are told on to their attention."""
    return can_mask(model) and model.config.model_type in ("qwen2", "qwen3", "llama", "mistral")
