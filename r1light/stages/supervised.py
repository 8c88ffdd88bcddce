"""What the stages that train on rows have in common: from the process's set-up to the finished folder."""

from __future__ import annotations

import logging
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from r1light.config.schema import RunConfig
from r1light.core.collector import uncollected
from r1light.core.errors import ConfigError, DataError
from r1light.core.run_folder import RunFolder, StageResult
from r1light.stages.fitting import Trained, Watch, train
from r1light.training.supervised_options import SupervisedOptions

if TYPE_CHECKING:
    from r1light.training.supervised import Objective

_log = logging.getLogger(__name__)

CPU_TOKENS, ACCELERATOR_TOKENS = 4096, 16384
"""Tokens of a forward pass where the options name none."""


def set_up(config: RunConfig) -> None:
    """Threads and seeds of this process."""
    with uncollected():
        import numpy
        import torch

    if config.trainer.threads:
        torch.set_num_threads(config.trainer.threads)
    elif config.trainer.devices > 1:
        torch.set_num_threads(max(1, torch.get_num_threads() // config.trainer.devices))
    torch.manual_seed(config.seed)
    numpy.random.seed(config.seed)
    random.seed(config.seed)


def forward_tokens(config: RunConfig) -> int:
    """The most tokens of a forward pass."""
    from r1light.stages.build import device_of

    options: SupervisedOptions = config.stage
    return options.micro_batch_tokens or (CPU_TOKENS if device_of(config) == "cpu" else ACCELERATOR_TOKENS)


def train_on_rows(
    config: RunConfig,
    folder: RunFolder,
    model: Any,
    objective: Objective,
    rows: tuple[Sequence[Any], Sequence[Any]],
    watch: Watch | None = None,
) -> Trained:
    """Train on rows to the end, from a checkpoint where there is one.

    Args:
        config: The run's configuration, whose stage has `SupervisedOptions`.
        folder: Where metrics and checkpoints go.
        model: What is trained, on its device.
        objective: What is learnt.
        rows: Those to train on, and those held out.
        watch: What else is looked at.

    Raises:
        DataError: There is nothing to train on.
        Interrupted: A signal came; the run is saved.
    """
    from r1light.training.row_stream import RowStream
    from r1light.training.supervised import SupervisedModule
    from r1light.training.supervised_record import HeldOutRows

    options: SupervisedOptions = config.stage
    learnt, held_out = rows
    if not learnt:
        raise DataError(f"data={config.data.name} has no rows to train on; see its options under data.")
    stream = RowStream(learnt, config.seed, options.epochs)
    if not stream.total:
        raise ConfigError(f"stage.epochs={options.epochs} of {len(learnt)} rows is none; raise it")
    module = SupervisedModule(model, objective, stream, options)
    _log.info(
        "%d rows x %g epochs in batches of %d: %d updates; learning rate %g, %s",
        len(learnt), options.epochs, options.batch_size, module.iterations, options.lr, options.lr_schedule,
    )  # fmt: skip
    others = watch or Watch()
    everything = replace(others, measures=(HeldOutRows(held_out), *others.measures))
    return train(config, folder, module, everything)


def finish(
    folder: RunFolder,
    stage: str,
    metrics: Mapping[str, float],
    outputs: Mapping[str, str],
    prompt: str | None = None,
) -> StageResult:
    """Write result.json, the report and the model's card, and sum the run up, in the first process.

    Args:
        folder: The run folder.
        stage: The stage's name.
        metrics: Name to number.
        outputs: Name to path.
        prompt: How a prompt of the trained model looks; see `reports.model_card.write_model_card`.
    """
    from r1light.core.manifest import finish_manifest
    from r1light.reports.console import summary_lines
    from r1light.reports.model_card import write_model_card
    from r1light.reports.run_report import write_report
    from r1light.training import ranks

    known = {name: value for name, value in metrics.items() if math.isfinite(value)}
    result = StageResult(stage, known, {**outputs, "report": str(folder.report)})
    if ranks.rank() > 0:
        return result
    folder.save_result(result)
    finish_manifest(folder)  # the report shows it
    try:
        write_report(folder)
        if "model" in outputs:
            write_model_card(folder, prompt)
    except BaseException:
        folder.result.unlink()  # a folder with a result is finished, and this one is not
        raise
    for line in summary_lines(result):
        _log.info("%s", line)
    return result
