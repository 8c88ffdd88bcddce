"""What supervised training leaves behind, update by update: metrics, held-out loss, checkpoints."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import lightning

from r1light.core.progress import Progress
from r1light.core.run_folder import RunFolder
from r1light.training import ranks
from r1light.training.host import rss_gb
from r1light.training.interrupt import Halt, Interrupt
from r1light.training.keeper import Keeper
from r1light.training.supervised import SupervisedModule, Update

_log = logging.getLogger(__name__)


class Measure(Protocol):
    """Something to look at before, in the course of, and after training."""

    def measure(self, module: SupervisedModule) -> Mapping[str, float]:
        """Numbers named `eval/...`."""
        ...


@dataclass(frozen=True, slots=True)
class HeldOutRows:
    """Rows that are not trained on.

    Attributes:
        rows: The rows; none where there is nothing to measure on.
    """

    rows: Sequence[Any]

    def measure(self, module: SupervisedModule) -> dict[str, float]:
        """The objective's numbers on them, named `eval/...`."""
        if not self.rows:
            return {}
        return {f"eval/{name}": value for name, value in module.measure(self.rows).items()}


class SupervisedRecord(lightning.Callback):
    """Writes a row first, then the checkpoint, and then says that the update is done.

    A run that is killed in between repeats the updates since its checkpoint, and `keep_rows` drops their rows
    on resume.
    """

    def __init__(
        self,
        folder: RunFolder,
        measures: Sequence[Measure],
        interrupt: Interrupt,
        bar: Progress,
        keeper: Keeper,
    ) -> None:
        self.folder = folder
        self.measures = measures
        self.interrupt = interrupt
        self.bar = bar
        self.keeper = keeper
        self.before: dict[str, float] = {}
        self.after: dict[str, float] = {}
        self.last: dict[str, float] = {}
        self.train_seconds = 0.0
        self.num_tokens = 0
        self.flops = 0
        self._recorded = 0

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps of the record."""
        names = ("before", "after", "last", "train_seconds", "num_tokens", "flops")
        return {name: getattr(self, name) for name in names}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take it back."""
        for name, value in state_dict.items():
            setattr(self, name, value)

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Look at the untrained model, unless the run is resumed."""
        self._recorded = pl_module.iteration
        self.keeper.begin(pl_module)
        if pl_module.iteration >= pl_module.iterations:
            trainer.should_stop = True
        if self.before or pl_module.iteration:
            return
        self.before = self._measured(pl_module)
        if self.before:
            self._append(_row(0, self.before))
        if "eval/loss" in self.before:
            _log.info("before training: held-out loss %.4f", self.before["eval/loss"])

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Record the update that is done, save if it is time, and end if it is time."""
        module: SupervisedModule = pl_module
        done = module.last
        if done is None:
            return
        started = time.perf_counter()
        ending = done.number >= module.iterations
        every = module.options.eval_every
        measured = ending or (every > 0 and done.number % every == 0)
        found = self._measured(module) if measured else {}
        self.after = found if ending else {}
        self.num_tokens += done.tokens
        self.flops += done.flops
        self.train_seconds += done.seconds + time.perf_counter() - started
        row = self._metrics(module, done) | found
        self.last = {name: value for name, value in row.items() if isinstance(value, float)}
        self._append(_row(done.number, row))
        self.keeper.shortage.of_memory()
        self._recorded = done.number
        halting = self.interrupt.agreed()
        if ending or halting or done.number % module.options.checkpoint_every == 0:
            self.keeper.save(trainer, done.number)
        self.bar.advance(loss=row["loss"])
        if halting:
            raise Halt

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Be done with checkpoints."""
        self.keeper.end(trainer, self._recorded)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Save where a signal broke off the drawing of rows."""
        self.keeper.end(trainer, self._recorded, exception)

    def _measured(self, module: SupervisedModule) -> dict[str, float]:
        return {name: value for each in self.measures for name, value in each.measure(module).items()}

    def _metrics(self, module: SupervisedModule, done: Update) -> dict[str, Any]:
        return {
            **done.metrics,
            "skipped_updates": module.skips.total,
            "learning_rate": done.learning_rate,
            "grad_norm": done.grad_norm,
            "num_tokens": self.num_tokens,
            "flops": self.flops,
            "step_time": done.seconds,
            "time/total": self.train_seconds,
            "perf/tokens_per_second": done.tokens / done.seconds,
            "host/rss_gb": rss_gb(),
        }

    def _append(self, row: Mapping[str, Any]) -> None:
        if ranks.rank() == 0:
            self.folder.append(self.folder.metrics, [row])


def _row(number: int, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """A row of metrics.jsonl; JSON has no NaN, so an undefined number is null."""
    plain = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in metrics.items()
    }
    return {"iteration": number, "update": number, "time": time.time(), **plain}
