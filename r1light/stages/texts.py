"""What the stages that learn to write from texts have in common: rows, their preview, adapters, the model."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from r1light.config.schema import RunConfig
from r1light.core.errors import ConfigError
from r1light.core.run_folder import RunFolder, write_atomic
from r1light.training.sft_options import SftOptions

if TYPE_CHECKING:
    from r1light.training.conversation_tokens import ConversationEncoder
    from r1light.training.sft import SftRow

_log = logging.getLogger(__name__)


def text_encoder(options: SftOptions, loaded: Any) -> ConversationEncoder:
    """What turns texts into rows; the tokenizer takes the chat template that the options name."""
    from r1light.models.chat_templates import chat_template
    from r1light.training.conversation_tokens import ConversationEncoder

    if options.chat_template is not None:
        loaded.tokenizer.chat_template = chat_template(options.chat_template)
    return ConversationEncoder(loaded.tokenizer, options.turns)


def text_rows(
    config: RunConfig, encoder: ConversationEncoder, limit: int
) -> tuple[list[SftRow], list[SftRow]]:
    """The rows of the data to train on and those held out, as token ids.

    Raises:
        DataError: A row cannot be learnt from.
        ConfigError: The data source gives problems.
    """
    train, held_out = (source_rows(config, split, encoder, limit) for split in ("train", "test"))
    return train, held_out


def source_rows(
    config: RunConfig, split: Literal["train", "test"], encoder: ConversationEncoder, limit: int
) -> list[SftRow]:
    """One split of the run's texts, as token ids.

    Raises:
        DataError: A row cannot be learnt from.
        ConfigError: The data source gives problems.
    """
    from r1light.data.conversations import Conversation
    from r1light.stages.sources import build_rows
    from r1light.training.conversation_tokens import encoded

    texts = build_rows(config, split)
    if texts and not isinstance(texts[0], Conversation):
        raise ConfigError(
            f"data={config.data.name} gives problems, and stage={config.stage_name} learns from texts: take "
            "data=conversations data.path=..., or draw completions for problems first (stage=sample)"
            + ("; stage.mode=on_policy learns on problems" if config.stage_name == "distill" else "")
        )
    rows = encoded(texts, encoder, limit, config.stage.too_long)
    if rows:
        tokens = [len(row.input_ids) for row in rows]
        _log.info(
            "%s: %d rows, %d tokens, %d of them learnt, the longest row %d",
            "train" if split == "train" else "held out",
            len(rows), sum(tokens), sum(row.targets for row in rows), max(tokens),
        )  # fmt: skip
    return rows


def show_targets(folder: RunFolder, rows: Sequence[SftRow], count: int, tokenizer: Any) -> None:
    """Show what is learnt of some rows, evenly spread, between ⟦ and ⟧; keep it in mask_preview.txt."""
    from r1light.training import ranks
    from r1light.training.conversation_tokens import mask_preview

    def decode(ids: Sequence[int]) -> str:
        text: str = tokenizer.decode(list(ids), skip_special_tokens=False)
        return text

    count = min(count, len(rows))
    shown = [mask_preview(rows[index * len(rows) // count], decode) for index in range(count)]
    for text in shown:
        _log.info("learnt is what stands between ⟦ and ⟧:\n%s", text)
    if ranks.rank() > 0:
        return
    write_atomic(folder.path / "mask_preview.txt", ("\n\n----\n\n".join(shown) + "\n").encode())


def check_packing(model: Any, options: SftOptions) -> None:
    """Refuse rows that share a line where the model cannot keep them apart.

    Raises:
        ConfigError: If so.
    """
    from r1light.training.forward import can_mask

    if options.packed and not can_mask(model):
        raise ConfigError("stage.packed=true needs model.attention=sdpa, and a model without sliding window")


def save_writer(folder: RunFolder, loaded: Any, encoder: ConversationEncoder | None) -> None:
    """Save the model, its adapters merged; at the end of a turn it stops, if it has learnt turns."""
    from r1light.stages.adapters import save_trained

    if encoder is not None:
        ends = set(loaded.eos_ids) | ({encoder.end_of_turn()} if encoder.saw_turns else set())
        loaded.model.generation_config.eos_token_id = sorted(ends) if len(ends) > 1 else min(ends)
    save_trained(folder, loaded)
