"""The run of a SupervisedModule in its folder, from its checkpoint to its last update."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from r1light.config.schema import RunConfig
from r1light.core.errors import Interrupted
from r1light.core.progress import progress
from r1light.core.run_folder import RunFolder
from r1light.training.interrupt import Halt, Interrupt, catch_signals

if TYPE_CHECKING:
    from r1light.training.supervised import SupervisedModule
    from r1light.training.supervised_record import Measure, SupervisedRecord


@dataclass(frozen=True, slots=True)
class Watch:
    """What a run looks at besides its rows.

    Attributes:
        measures: Measured before, in the course of, and after training.
        callbacks: Further callbacks, called before the record's.
        interrupt: Where a signal is noted.
    """

    measures: Sequence[Measure] = ()
    callbacks: Sequence[Any] = ()
    interrupt: Interrupt = field(default_factory=Interrupt)


@dataclass(frozen=True, slots=True)
class Trained:
    """What is left of a run over rows."""

    module: SupervisedModule
    record: SupervisedRecord

    def metrics(self) -> dict[str, float]:
        """Its figures for result.json: held-out ones before and after, and of the last update."""
        record = self.record
        found = {f"before/{name.removeprefix('eval/')}": value for name, value in record.before.items()}
        found |= {f"after/{name.removeprefix('eval/')}": value for name, value in record.after.items()}
        return found | {
            "loss": record.last["loss"],
            "updates": self.module.iteration,
            "epochs": self.module.stream.epoch,
            "num_tokens": record.num_tokens,
            "flops": record.flops,
            "train_seconds": record.train_seconds,
        }


@contextmanager
def halting(interrupt: Interrupt) -> Iterator[None]:
    """Take signals for as long as the context lasts, and leave it where one was obeyed.

    Raises:
        Interrupted: A signal came; the run is saved.
    """
    with catch_signals(interrupt):
        try:
            yield
        except Halt:
            raise Interrupted(interrupt.signum or 0) from None


def train(config: RunConfig, folder: RunFolder, module: SupervisedModule, watch: Watch) -> Trained:
    """Train a module to the end, from a checkpoint where there is one.

    Raises:
        ConfigError: Weights, gradients and moments do not fit the device.
        Interrupted: A signal came; the run is saved.
    """
    from r1light.stages.build import device_of
    from r1light.stages.memory import check_memory
    from r1light.stages.resume import starting_point
    from r1light.training import ranks
    from r1light.training.fit import fit, make_trainer
    from r1light.training.keeper import Keeper
    from r1light.training.supervised_record import SupervisedRecord

    check_memory(config, module.model)
    checkpoint, start = ranks.of_first(lambda: starting_point(config, folder))
    with halting(watch.interrupt), progress(module.iterations, "update", start) as bar:
        keeper = Keeper(folder, module.options.checkpoints_kept, module.options.checkpoint_url)
        record = SupervisedRecord(folder, watch.measures, watch.interrupt, bar, keeper)
        callbacks = [*watch.callbacks, record]  # what they write is there before the checkpoint that has it
        limit = module.options.max_grad_norm
        trainer = make_trainer(callbacks, device_of(config), config.trainer, folder.path, limit)
        fit(trainer, module, checkpoint)
    return Trained(module, record)
