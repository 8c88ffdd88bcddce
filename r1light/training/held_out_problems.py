"""Accuracy on held-out problems around supervised training and distillation, and samples for the report."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import lightning

from r1light.core.run_folder import RunFolder
from r1light.core.types import Problem
from r1light.training import ranks
from r1light.training.held_out import (
    SHOWN_TEST_SAMPLES,
    HeldOut,
    HeldOutResult,
    Judged,
    in_words,
    judge,
    judged_rows,
)
from r1light.training.on_policy import OnPolicyRows, Student
from r1light.training.supervised import SupervisedModule

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HeldOutProblems:
    """A student's accuracy.

    Attributes:
        held_out: Evaluates with the student's engine.
        student: That engine, and the student's weights.
        validation: Problems to look at in the course of training.
        test: Other problems, for the figures before and after.
    """

    held_out: HeldOut
    student: Student
    validation: Sequence[Problem]
    test: Sequence[Problem]

    def measure(self, module: SupervisedModule) -> dict[str, float]:
        """On the validation problems, named `eval/...`.

        Raises:
            Halt: If a signal has come before the first update.
        """
        if not self.validation:
            return {}
        self.student.follow(module.iteration)
        found = self.held_out.evaluate(self.validation, module.iteration, interruptible=module.iteration == 0)
        return {f"eval/{name}": value for name, value in found.metrics.items()}

    def test_figures(self, update: int) -> HeldOutResult:
        """On the test problems.

        Raises:
            Halt: If a signal has come.
        """
        self.student.follow(update)
        return self.held_out.evaluate(self.test, update)


class ProblemRecord(lightning.Callback):
    """Keeps the figures before training and the teacher's, and writes samples.jsonl."""

    def __init__(
        self,
        folder: RunFolder,
        problems: HeldOutProblems,
        teacher: Callable[[], HeldOutResult] | None,
        logged_groups: int,
    ) -> None:
        self.folder = folder
        self.problems = problems
        self.teacher = teacher
        self.logged_groups = logged_groups
        self.before: dict[str, float] = {}

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps of it."""
        return {"before": self.before}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take it back."""
        self.before = dict(state_dict["before"])

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Look at the teacher and the untrained student, unless the run is resumed."""
        if self.before or pl_module.iteration:
            return
        figures: dict[str, float] = {}
        if self.teacher is not None:
            teacher = self.teacher().metrics
            _log.info("the teacher: %s", in_words(teacher))
            figures |= {f"teacher/{name}": value for name, value in teacher.items()}
        before = self.problems.test_figures(0)
        _log.info("before training: %s", in_words(before.metrics))
        self._write("before", 0, before.judged[:SHOWN_TEST_SAMPLES])
        self.before = figures | {f"before/{name}": value for name, value in before.metrics.items()}

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Some of what the student has written for this update, graded."""
        stream = pl_module.stream
        if isinstance(stream, OnPolicyRows):
            samples = [sample for group in stream.last[: self.logged_groups] for sample in group]
            self._write("train", pl_module.iteration, judge(samples, self.problems.held_out.graders))

    def after(self, update: int) -> Mapping[str, float]:
        """All figures, for result.json: the teacher's, before and after.

        Raises:
            Halt: If a signal has come.
        """
        after = self.problems.test_figures(update)
        _log.info("after training: %s%s", in_words(after.metrics), self._beside_teacher(after))
        self._write("after", update, after.judged[:SHOWN_TEST_SAMPLES])
        return self.before | {f"after/{name}": value for name, value in after.metrics.items()}

    def _beside_teacher(self, after: HeldOutResult) -> str:
        """How far the student is from its teacher, where that was measured."""
        teacher = self.before.get("teacher/pass@1")
        if teacher is None:
            return ""
        points = 100 * (after.metrics["pass@1"] - teacher)
        return f"; {points:+.1f} points from the teacher's sampled pass@1 of {teacher:.3f}"

    def _write(self, phase: str, iteration: int, judged: Sequence[Judged]) -> None:
        if ranks.rank() == 0:
            self.folder.append(self.folder.samples, judged_rows(phase, iteration, judged))
