"""Supervised training as a LightningModule: one `training_step` is one update on a batch of rows.

What a row is and what its loss is says an `Objective`: `training/sft.py` for fine-tuning, others for reward
models and distillation. The loss is a sum over rows, divided by the weight of the whole update's rows over
all ranks, so that the gradient does not depend on how rows are split into micro-batches.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import lightning
import torch
from torch import Tensor

from r1light.training import ranks
from r1light.training.checkpoint import check_trained, keep_trained
from r1light.training.flops import forward_flops, matmul_parameters, training_flops
from r1light.training.row_stream import RowSource
from r1light.training.schedule import learning_rate_factor
from r1light.training.stepping import Skips, adamw, backward, one_pass, set_learning_rate, step, wrapped
from r1light.training.strategies import share_out
from r1light.training.supervised_options import SupervisedOptions


@dataclass(frozen=True, slots=True)
class Sums:
    """What an objective makes of a micro-batch.

    Attributes:
        loss: Scalar, the sum of the rows' losses, with its gradient.
        metrics: Float64 [M], detached sums that `Objective.finish` turns into numbers.
    """

    loss: Tensor
    metrics: Tensor


class Objective(Protocol):
    """What is learnt from rows."""

    @property
    def metrics(self) -> int:
        """How many sums there are, M."""
        ...

    def weight(self, row: Any) -> float:
        """What a row counts in the mean, such as its target tokens."""
        ...

    def tokens(self, row: Any) -> int:
        """Tokens that the model reads for a row, for counts of the work done."""
        ...

    def micro_batches(self, rows: Sequence[Any], device: torch.device) -> Iterator[Any]:
        """The rows as inputs of forward passes."""
        ...

    def __call__(self, model: Any, batch: Any) -> Sums:
        """The loss of a micro-batch."""
        ...

    def finish(self, sums: Tensor) -> dict[str, float]:
        """The numbers that sums over any rows, [M], come to; `loss` is one of them."""
        ...


@dataclass(frozen=True, slots=True)
class Update:
    """What one update did, for those who record it."""

    number: int
    metrics: Mapping[str, float]
    tokens: int
    flops: int
    grad_norm: float
    learning_rate: float
    seconds: float


class SupervisedModule(lightning.LightningModule):
    """The model, how it is updated, and the counters that a checkpoint keeps.

    Attributes:
        model: What is trained: a module that the objective knows how to call.
        iteration: Updates done.
        iterations: Updates in all.
        last: The update just done.
    """

    def __init__(
        self, model: Any, objective: Objective, stream: RowSource, options: SupervisedOptions
    ) -> None:
        super().__init__()
        self.automatic_optimization = False  # an update has several micro-batches and one loss
        self.model = model
        self.objective = objective
        self.stream = stream
        self.options = options
        self.iteration = 0
        self.iterations = options.updates(len(stream.rows))
        self.last: Update | None = None
        self.skips = Skips(options.max_skipped_updates)
        self.matmul_parameters = matmul_parameters(model)
        self._spare: Sequence[Any] = stream.rows[:1]
        model.train()

    def forward(self, batch: Any) -> tuple[Tensor, Tensor]:
        """Loss and metrics of a micro-batch, in a tuple, as strategies look for tensors in nothing else."""
        sums = self.objective(self.model, batch)
        return sums.loss, sums.metrics

    def training_step(self, _batch: Any, _index: int) -> None:
        """One update."""
        started = time.perf_counter()
        rows = self.stream.take(self.options.batch_size)
        self._spare = rows[:1] or self._spare
        total = self._total(sum(self.objective.weight(row) for row in rows))
        optimizer: Any = self.optimizers()
        rate = set_learning_rate(optimizer, self._learning_rate())
        found: list[Tensor] = []
        for batch, counts, last in self._in_step(rows):
            with one_pass(self, last) as model:
                loss, metrics_M = model(batch)
                backward(self, loss / total, counts)
            found += [metrics_M] if counts else []
        norm = step(self, optimizer, self.options.max_grad_norm, self.iteration + 1, self.skips)
        metrics = {**self.objective.finish(ranks.add_up(self._sum(found))), **self.stream.facts()}
        tokens = int(self._total(sum(self.objective.tokens(row) for row in rows)))
        drawn = int(self._total(self.stream.drawn_tokens))
        flops = training_flops(self.matmul_parameters, tokens) + forward_flops(self.matmul_parameters, drawn)
        self.iteration += 1
        seconds = time.perf_counter() - started
        self.last = Update(self.iteration, metrics, tokens, flops, norm, rate, seconds)

    def _in_step(self, rows: Sequence[Any]) -> Iterator[tuple[Any, bool, bool]]:
        """Micro-batches, as many in each process; see `ranks.in_step`."""

        def cut(some: Sequence[Any]) -> list[Any]:
            return list(self.objective.micro_batches(some, self.device))

        return ranks.in_step(cut(rows), lambda: cut(self._spare)[0])

    def _total(self, value: float) -> float:
        return float(ranks.add_up(ranks.on_device([value], self.device)))

    def _learning_rate(self) -> float:
        """Of the next update."""
        options = self.options
        return options.lr * learning_rate_factor(
            options.lr_schedule, self.iteration, options.warmup_updates, self.iterations, options.lr_floor
        )

    def configure_model(self) -> None:
        """Share the weights out, where the strategy asks for it."""
        share_out(self, self.model)

    @torch.no_grad()
    def measure(self, rows: Sequence[Any]) -> dict[str, float]:
        """The objective's numbers on rows, without learning from them."""
        self.model.eval()
        found: list[Tensor] = []
        own = ranks.share_of(rows)
        self._spare = own[:1] or list(rows[:1])
        with self.trainer.precision_plugin.forward_context():  # as a training step has it
            for batch, counts, _ in self._in_step(own):
                _, metrics_M = wrapped(self)(batch)
                found += [metrics_M] if counts else []
        self.model.train()
        return self.objective.finish(ranks.add_up(self._sum(found)))

    def _sum(self, found: Sequence[Tensor]) -> Tensor:
        """Of all passes' metrics, read at their end: a GPU that is asked after each waits for the next."""
        sums = torch.zeros(self.objective.metrics, dtype=torch.float64)
        for metrics_M in found:
            sums += metrics_M.to("cpu", torch.float64)
        return sums

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW on all weights that require a gradient."""
        options = self.options
        return adamw(
            self.model.parameters(),
            lr=options.lr,
            beta2=options.adam_beta2,
            weight_decay=options.weight_decay,
        )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the counters; leave out what is not trained."""
        keep_trained(self, checkpoint)
        checkpoint["progress"] = {
            "iteration": self.iteration,
            "cursor": self.stream.cursor,
            "skips": self.skips.state(),
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the counters back; Lightning's own say that an epoch is over where a run has ended."""
        checkpoint.pop("loops", None)
        check_trained(self, checkpoint)
        self.iteration = checkpoint["progress"]["iteration"]
        self.stream.cursor = checkpoint["progress"]["cursor"]
        self.skips.load_state(checkpoint["progress"]["skips"])
