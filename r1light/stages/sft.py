"""`stage=sft`: supervised fine-tuning on texts and conversations, with the loss on completions only.

The paper's cold start, its 800k-row SFT from the base model, and its distillation are this stage
(DeepSeek-R1, arXiv:2501.12948v2, 2.3.1, B.4.2, B.4.3).

Reads: a model, `data=conversations`.
Writes: metrics.jsonl, checkpoints/, model/, mask_preview.txt, result.json, report.html.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from r1light.config.schema import RunConfig
from r1light.core.errors import ConfigError
from r1light.core.run_folder import RunFolder, StageResult, write_atomic
from r1light.training.supervised_options import SupervisedOptions

if TYPE_CHECKING:
    from r1light.stages.supervised import Trained
    from r1light.training.conversation_tokens import ConversationEncoder
    from r1light.training.sft import SftRow

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config(SupervisedOptions):
    """What is learnt from rows, besides how (`SupervisedOptions`)."""

    name: Literal["sft"] = "sft"
    """The stage."""
    max_length: int | None = None
    """The longest row, in tokens (the paper: 32,768); null for the model's context."""
    too_long: Literal["refuse", "skip", "cut"] = "refuse"
    """What becomes of longer rows: an error, left out and counted, or cut at the end and counted."""
    turns: Literal["all", "last"] = "all"
    """The assistant's turns of a conversation that are learnt."""
    packed: bool = False
    """Whether several rows share a line of a forward pass, without seeing one another."""
    chat_template: str | None = None
    """The template of conversations: chatml, a Jinja file, or null for the tokenizer's own. It is saved with
    the model."""
    preview_rows: int = 4
    """Rows, evenly spread, shown with what is learnt in them marked, in the log and in mask_preview.txt."""

    def __post_init__(self) -> None:
        SupervisedOptions.__post_init__(self)
        if self.max_length is not None and self.max_length < 2:
            raise ValueError(f"max_length={self.max_length} must be at least 2, or null")
        if self.preview_rows < 0:
            raise ValueError(f"preview_rows={self.preview_rows} must not be negative")


def run(config: RunConfig, folder: RunFolder) -> StageResult:
    """Read the rows, show what is learnt of them, train, and save the model."""
    from r1light.models.chat_templates import chat_template
    from r1light.stages import build
    from r1light.stages.supervised import forward_tokens, set_up, train_on_rows
    from r1light.training.conversation_tokens import ConversationEncoder
    from r1light.training.forward import can_share_prompts, check_head
    from r1light.training.sft import SftObjective

    options: Config = config.stage
    set_up(config)
    loaded = build.build_model(config)
    check_head(loaded.model)
    if options.chat_template is not None:
        loaded.tokenizer.chat_template = chat_template(options.chat_template)
    encoder = ConversationEncoder(loaded.tokenizer, options.turns)
    limit = min(options.max_length or loaded.context, loaded.context)
    rows = _rows(config, encoder, limit)
    shown = min(options.preview_rows, len(rows[0]))
    _preview(folder, [rows[0][index * len(rows[0]) // shown] for index in range(shown)], loaded.tokenizer)
    adapted = _adapted(loaded.model, options)
    if options.packed and not can_share_prompts(loaded.model):
        raise ConfigError("stage.packed=true needs model.attention=sdpa, and a model without sliding window")
    objective = SftObjective(forward_tokens(config), options.packed)
    trained = train_on_rows(config, folder, loaded.model, objective, rows)
    return _finish(folder, trained, adapted, loaded, encoder)


def _rows(config: RunConfig, encoder: ConversationEncoder, limit: int) -> tuple[list[SftRow], list[SftRow]]:
    """The rows to train on and those held out, as token ids.

    Raises:
        DataError: A row cannot be learnt from.
        ConfigError: The data source gives problems.
    """
    from r1light.data.conversations import Conversation
    from r1light.stages.sources import build_rows
    from r1light.training.conversation_tokens import encoded

    found: list[list[SftRow]] = []
    splits: tuple[Literal["train", "test"], ...] = ("train", "test")
    for split in splits:
        texts = build_rows(config, split)
        if texts and not isinstance(texts[0], Conversation):
            raise ConfigError(
                f"data={config.data.name} gives problems, and stage=sft learns from texts: take "
                "data=conversations data.path=..., or draw completions for problems first (stage=sample)"
            )
        found.append(encoded(texts, encoder, limit, config.stage.too_long))
    train, held_out = found
    for name, rows in (("train", train), ("held out", held_out)):
        if rows:
            tokens = [len(row.input_ids) for row in rows]
            _log.info(
                "%s: %d rows, %d tokens, %d of them learnt, the longest row %d",
                name, len(rows), sum(tokens), sum(row.targets for row in rows), max(tokens),
            )  # fmt: skip
    return train, held_out


def _preview(folder: RunFolder, rows: Iterable[SftRow], tokenizer: Any) -> None:
    """Show what is learnt, between ⟦ and ⟧, and keep it in mask_preview.txt."""
    from r1light.training.conversation_tokens import mask_preview

    def decode(ids: Sequence[int]) -> str:
        text: str = tokenizer.decode(list(ids), skip_special_tokens=False)
        return text

    shown = [mask_preview(row, decode) for row in rows]
    for text in shown:
        _log.info("learnt is what stands between ⟦ and ⟧:\n%s", text)
    write_atomic(folder.path / "mask_preview.txt", ("\n\n----\n\n".join(shown) + "\n").encode())


def _adapted(model: Any, options: Config) -> Any:
    """The model with adapters where they are asked for, else None."""
    from r1light.models.lora import add_adapters

    lora = options.lora
    adapted = None
    if lora.rank:
        adapted = add_adapters(
            model, rank=lora.rank, alpha=lora.alpha, dropout=lora.dropout, targets=lora.targets
        )
    if options.gradient_checkpointing:
        model.gradient_checkpointing_enable()
        if adapted is not None:
            model.enable_input_require_grads()
    return adapted


def _finish(folder: RunFolder, trained: Trained, adapted: Any, loaded: Any, encoder: Any) -> StageResult:
    """Save the model, its adapters merged; at the end of a turn it stops."""
    from r1light.models.lora import merged
    from r1light.models.save import save_model
    from r1light.stages.supervised import finish

    model = loaded.model if adapted is None else merged(adapted)
    ends = set(loaded.eos_ids) | ({encoder.end_of_turn()} if encoder.saw_turns else set())
    model.generation_config.eos_token_id = sorted(ends) if len(ends) > 1 else min(ends)
    save_model(model, loaded.tokenizer, folder.model)
    return finish(folder, "sft", trained.metrics(), {"model": str(folder.model)})
