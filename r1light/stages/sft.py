"""`stage=sft`: supervised fine-tuning on texts and conversations, with the loss on completions only.

The paper's cold start, its 800k-row SFT from the base model, and its distillation are this stage
(DeepSeek-R1, arXiv:2501.12948v2, 2.3.1, B.4.2, B.4.3).

Reads: a model, `data=conversations`.
Writes: metrics.jsonl, checkpoints/, model/, mask_preview.txt, result.json, report.html.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from r1light.config.schema import RunConfig
from r1light.core.run_folder import RunFolder, StageResult
from r1light.training.sft_options import SftOptions

SHARES_TRAINING = True
OUTPUTS = ("model", "report")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config(SftOptions):
    """The options of the stage."""

    name: Literal["sft"] = "sft"
    """The stage."""


def run(config: RunConfig, folder: RunFolder) -> StageResult:
    """Read the rows, show what is learnt of them, train, and save the model."""
    from r1light.stages import build, texts
    from r1light.stages.adapters import with_adapters
    from r1light.stages.gpu import takes_segments
    from r1light.stages.supervised import finish, forward_tokens, set_up, train_on_rows
    from r1light.training.forward import check_head
    from r1light.training.sft import SftObjective

    options: Config = config.stage
    set_up(config)
    loaded = build.build_model(config)
    check_head(loaded.model)
    encoder = texts.text_encoder(options, loaded)
    limit = min(options.max_length or loaded.context, loaded.context)
    rows = texts.text_rows(config, encoder, limit)
    texts.show_targets(folder, rows[0], options.preview_rows, loaded.tokenizer)
    texts.check_packing(loaded.model, options)
    with_adapters(loaded.model, config)
    segments = takes_segments(config, loaded.model)
    objective = SftObjective(forward_tokens(config), options.packed, segments)
    trained = train_on_rows(config, folder, loaded.model, objective, rows)
    texts.save_writer(folder, loaded, encoder)
    return finish(folder, "sft", trained.metrics(), {"model": str(folder.model)}, encoder.example())
