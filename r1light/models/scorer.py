"""Reward models: language models with one number in the place of the vocabulary.

On disk each is a Hugging Face sequence-classification directory with one label. Its input is its tokenizer's
chat template over the prompt's turns and the assistant's text; its score is the logit at the last token.

Shapes: B texts, L tokens a text (padded).
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from r1light.core.errors import ModelError
from r1light.core.types import Message
from r1light.models.quiet import quiet_transformers

if TYPE_CHECKING:
    from torch import Tensor

_NEEDED = "it needs the weights of a sequence classification with one label, as stage=reward_model saves them"


@dataclass(frozen=True, slots=True)
class TurnEncoder:
    """Turns conversations into the token ids that a reward model reads.

    A message may hold what the tokenizer takes for the beginning or the end of a turn, and so forge turns
    that a model could be trained to forge. Such tokens are broken by a space behind their first character.

    Attributes:
        tokenizer: A transformers tokenizer with a chat template.
    """

    tokenizer: Any

    def __call__(self, messages: Sequence[Message]) -> tuple[int, ...]:
        """The ids of a conversation that ends with the answer to score."""
        turns = [{"role": turn.role, "content": self._plain(turn.content)} for turn in messages]
        found = self.tokenizer.apply_chat_template(turns, return_dict=True)
        return tuple(found["input_ids"])

    def length(self, text: str) -> int:
        """A text's tokens, without a template."""
        return len(self.tokenizer.encode(text, add_special_tokens=False))

    def _plain(self, text: str) -> str:
        for added in self.tokenizer.added_tokens_decoder.values():
            token = str(added)
            if added.special and token in text:
                text = text.replace(token, f"{token[:1]} {token[1:]}")
        return text


@dataclass(frozen=True, slots=True)
class Scorer:
    """A reward model that is ready to score.

    Attributes:
        model: The transformers module, in evaluation mode.
        encode: Conversations to token ids.
        context: The longest text, in tokens.
        label: What a high score means, such as "helpful"; transformers' own name where nobody gave one.
    """

    model: Any
    encode: TurnEncoder
    context: int
    label: str


def padded(rows: Sequence[Sequence[int]], pad_id: int, device: Any) -> tuple[Tensor, Tensor]:
    """Token ids [B, L], padded on the right, and the mask [B, L] of what is no padding; both int64."""
    import torch

    length = max(map(len, rows))
    ids_BL = torch.tensor([[*row, *[pad_id] * (length - len(row))] for row in rows])
    mask_BL = torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows])
    return ids_BL.to(device), mask_BL.to(device)


def length_sorted(lengths: Sequence[int], max_tokens: int) -> Iterator[list[int]]:
    """Positions in batches of like length, each filled to a budget of tokens, padding included.

    Args:
        lengths: Tokens a row.
        max_tokens: The most of a batch. A single longer row is one of its own.

    Example:
        >>> list(length_sorted([2, 5, 3], max_tokens=10))
        [[1, 2], [0]]
    """
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        if batch and (len(batch) + 1) * lengths[batch[0]] > max_tokens:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def scores_of(model: Any, rows: Sequence[Sequence[int]], max_tokens: int) -> list[float]:
    """The logits of token-id rows, in their order, without gradients.

    Args:
        model: A sequence-classification model with one label, in evaluation mode.
        rows: The token ids of each text. Not empty.
        max_tokens: The most tokens of one forward pass, padding included.
    """
    import torch

    found = [0.0] * len(rows)
    device, pad_id = next(model.parameters()).device, model.config.pad_token_id
    with torch.inference_mode():
        for batch in length_sorted([len(row) for row in rows], max_tokens):
            ids_BL, mask_BL = padded([rows[index] for index in batch], pad_id, device)
            logits_B1 = model(input_ids=ids_BL, attention_mask=mask_BL, use_cache=False).logits
            for index, logit in zip(batch, logits_B1[:, 0].float().tolist(), strict=True):
                found[index] = logit
    return found


def sigmoid(logit: float) -> float:
    """1 / (1 + exp(-logit)), without overflow."""
    return 1.0 / (1.0 + math.exp(-logit)) if logit >= 0 else math.exp(logit) / (1.0 + math.exp(logit))


def as_scorer(language_model: Any, tokenizer: Any, label: str) -> Any:
    """A sequence-classification model over a language model's own layers, with a fresh head.

    The head begins at 0, so that every score does: a random one ranks answers at random with confidence, and
    small sets of pairs do not make up for that (docs/reward-models.md has the figures). The layers are shared
    with the language model, and not copied.

    Args:
        language_model: A Hugging Face causal language model.
        tokenizer: Its tokenizer, whose padding the head looks past.
        label: What a high score means.

    Raises:
        ModelError: transformers knows no such classifier for this architecture.
    """
    import torch
    from transformers import AutoModelForSequenceClassification

    config = copy.deepcopy(language_model.config)
    config.num_labels = 1
    config.id2label, config.label2id = {0: label}, {label: 0}
    pad = tokenizer.pad_token_id
    config.pad_token_id = tokenizer.eos_token_id if pad is None else pad
    try:
        with torch.device("meta"):
            model = AutoModelForSequenceClassification.from_config(config)
    except ValueError as error:
        raise ModelError(
            f"transformers has no sequence classification for {type(language_model).__name__}; a reward "
            "model needs one, as the Qwen, Llama and Mistral families have"
        ) from error
    prefix = model.base_model_prefix
    if not isinstance(getattr(model, "score", None), torch.nn.Linear) or not hasattr(model, prefix):
        raise ModelError(f"{type(model).__name__} has no linear head of the name score; use another family")
    setattr(model, prefix, language_model.base_model)
    hidden, like = model.score.in_features, next(language_model.parameters())
    head = torch.nn.Linear(hidden, 1, bias=False)
    torch.nn.init.zeros_(head.weight)
    model.score = head.to(device=like.device, dtype=like.dtype)
    return model.eval()


def declared_label(path: str) -> str:
    """What a high score of a reward model means, such as "helpful", by its config.json; no weight is read.

    Args:
        path: A directory, as `load_scorer` takes it.

    Raises:
        ModelError: There is none, or it says that it is no classifier with one label.
    """
    file = Path(path).expanduser() / "config.json"
    if not file.is_file():
        raise ModelError(
            f"{path!r} is no reward model: there is no directory of that name with a config.json"
        )
    try:
        said = json.loads(file.read_bytes())
        labels, kinds = dict(said.get("id2label") or {}), list(said.get("architectures") or [])
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise ModelError(f"{path!r} is no reward model: its config.json cannot be read: {error}") from error
    if len(labels) != 1 or not any("SequenceClassification" in str(kind) for kind in kinds):
        raise ModelError(f"{path!r} is no reward model: {_NEEDED}")
    return str(next(iter(labels.values())))


def load_scorer(path: str, device: str) -> Scorer:
    """Read a reward model.

    Args:
        path: A directory as `stage=reward_model` writes it, or another of its kind.
        device: Where the weights go, as torch names it.

    Raises:
        ModelError: There is none, it has more labels than one, no head of its own, or no chat template.
    """
    from safetensors import SafetensorError
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    declared_label(path)
    folder = Path(path).expanduser()
    try:
        with quiet_transformers():
            tokenizer = AutoTokenizer.from_pretrained(folder)
            model, report = AutoModelForSequenceClassification.from_pretrained(
                folder, output_loading_info=True
            )
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
        raise ModelError(f"cannot load the reward model {path!r}: {type(error).__name__}: {first}") from error
    if report["missing_keys"] or report["mismatched_keys"] or model.config.num_labels != 1:
        raise ModelError(f"{path!r} is no reward model: {_NEEDED}")
    if not tokenizer.chat_template:
        raise ModelError(f"the tokenizer of the reward model {path!r} has no chat template")
    if model.config.pad_token_id is None:
        model.config.pad_token_id = tokenizer.eos_token_id
    context = int(getattr(model.config, "max_position_embeddings", None) or tokenizer.model_max_length)
    label = str(model.config.id2label[0])
    return Scorer(model.to(device).eval(), TurnEncoder(tokenizer), context, label)
