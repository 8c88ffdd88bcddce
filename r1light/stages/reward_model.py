"""`stage=reward_model`: a model that scores answers, from pairs or from judged answers.

The paper's two reward models (DeepSeek-R1, arXiv:2501.12948v2, 3.1): helpfulness from pairs (Bradley-Terry),
safety from answers that are safe or not (point by point).

Reads: a model, `data=preferences` or `data=judged`, or the miniature `tiny_preferences` and `tiny_judged`.
Writes: metrics.jsonl, checkpoints/, model/ (a Hugging Face sequence-classification directory with one label),
held_out.jsonl (the scores of held-out rows), result.json, report.html.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from r1light.config.schema import RunConfig
from r1light.core.errors import ConfigError
from r1light.core.run_folder import RunFolder, StageResult, write_atomic
from r1light.training.supervised_options import SupervisedOptions

if TYPE_CHECKING:
    from r1light.models.scorer import TurnEncoder
    from r1light.stages.fitting import Trained
    from r1light.training.supervised import Objective

Rows = Sequence[Any]
"""Pairs or judged answers, as token ids."""

LABELS = {"pairwise": "helpful", "pointwise": "safe"}
"""What a high score of each head means; the model's configuration says it, and rewards check it."""
_SOURCES = {"pairwise": "data=preferences or tiny_preferences", "pointwise": "data=judged or tiny_judged"}

SHARES_TRAINING = True
OUTPUTS = ("model", "held_out", "report")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config(SupervisedOptions):
    """What is learnt from judgments, besides how (`SupervisedOptions`)."""

    name: Literal["reward_model"] = "reward_model"
    """The stage."""
    head: Literal["pairwise", "pointwise"] = "pairwise"
    """What is learnt: which of two answers is better, or whether an answer is safe."""
    batch_size: int = 32
    """Pairs or answers an update (the paper: 256)."""
    epochs: float = 1.0
    """Times that every row is seen (the paper: 1)."""
    lr: float = 6e-6
    """The peak learning rate of AdamW (the paper: 6e-6)."""
    max_length: int | None = None
    """The longest text, prompt and answer together, in tokens (the paper: 8,192); null for the model's
    context."""
    too_long: Literal["refuse", "skip", "cut"] = "refuse"
    """What becomes of longer texts: an error, left out and counted, or cut at the beginning and counted."""
    chat_template: str | None = None
    """The template of conversations: chatml, chatml_open, a Jinja file, or null for the tokenizer's own. It
    is saved with the model. chatml_open reads the score at the answer's last token, which is the better
    choice for a base model, as that has never seen a turn end."""

    def __post_init__(self) -> None:
        SupervisedOptions.__post_init__(self)
        if self.max_length is not None and self.max_length < 2:
            raise ValueError(f"max_length={self.max_length} must be at least 2, or null")


def run(config: RunConfig, folder: RunFolder) -> StageResult:
    """Read the rows, train, measure on those held out, and save the model."""
    from r1light.models.chat_templates import TO_SCORE, chat_template
    from r1light.models.scorer import TurnEncoder, as_scorer
    from r1light.stages import build
    from r1light.stages.adapters import save_adapter, with_adapters
    from r1light.stages.supervised import forward_tokens, set_up, train_on_rows
    from r1light.training.reward_model import PairwiseObjective, PointwiseObjective

    options: Config = config.stage
    set_up(config)
    loaded = build.build_model(config)
    if options.chat_template is not None:
        loaded.tokenizer.chat_template = chat_template(options.chat_template, named=TO_SCORE)
    if not loaded.tokenizer.chat_template:
        raise ConfigError(
            "the tokenizer has no chat template; give one by stage.chat_template=chatml or =FILE"
        )
    limit = min(options.max_length or loaded.context, loaded.context)
    rows = _rows(config, TurnEncoder(loaded.tokenizer), limit)
    model = as_scorer(loaded.model, loaded.tokenizer, LABELS[options.head])
    with_adapters(model, config, "SEQ_CLS")
    kind = PairwiseObjective if options.head == "pairwise" else PointwiseObjective
    objective: Objective = kind(forward_tokens(config), model.config.pad_token_id)
    trained = train_on_rows(config, folder, model, objective, rows)
    save_adapter(folder, model, loaded.path)
    return _finish(config, folder, trained, model, loaded.tokenizer, rows[1])


def _rows(config: RunConfig, encode: TurnEncoder, limit: int) -> tuple[Rows, Rows]:
    """The rows to train on and those held out, as token ids.

    Raises:
        ConfigError: The data source gives something else than the head learns from.
        DataError: A row cannot be learnt from.
    """
    from r1light.data.preferences import Judged, Pair
    from r1light.stages.sources import build_rows
    from r1light.training.preference_rows import RowMaker

    options: Config = config.stage
    found: list[Rows] = []
    for split in ("train", "test"):
        texts = build_rows(config, split)
        if texts and not isinstance(texts[0], Pair if options.head == "pairwise" else Judged):
            raise ConfigError(
                f"stage.head={options.head} learns from {_SOURCES[options.head]}, and "
                f"data={config.data.name} gives something else"
            )
        maker = RowMaker(encode, limit, options.too_long)
        found.append(maker.pairs(texts) if options.head == "pairwise" else maker.judged(texts))
    train, held_out = found
    _log.info("%d rows to train on, %d held out", len(train), len(held_out))
    return train, held_out


def _finish(
    config: RunConfig, folder: RunFolder, trained: Trained, model: Any, tokenizer: Any, held_out: Rows
) -> StageResult:
    """Save the model, its adapters merged, and the scores of held-out rows."""
    from r1light.models.save import save_model
    from r1light.stages.supervised import finish, forward_tokens
    from r1light.training import ranks
    from r1light.training.held_out_scores import pair_accuracy, scored_rows
    from r1light.training.whole import whole_model

    options: Config = config.stage
    model = whole_model(model)
    metrics, held_out_path = trained.metrics(), folder.path / "held_out.jsonl"
    outputs = {"model": str(folder.model), "held_out": str(held_out_path)}
    if ranks.rank() > 0:
        return StageResult("reward_model", metrics, outputs)
    model.eval()
    scored = scored_rows(model, held_out, forward_tokens(config))
    lines = "".join(json.dumps(row) + "\n" for row in scored)
    write_atomic(held_out_path, lines.encode())
    if options.head == "pointwise":
        metrics |= pair_accuracy(scored)
    save_model(model, tokenizer, folder.model)
    return finish(folder, "reward_model", metrics, outputs)
