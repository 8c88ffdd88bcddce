"""SimpleQA and Chinese SimpleQA: short questions of fact, graded right, wrong or not attempted by a model.

The question is asked alone, as simple-evals does (arXiv:2411.04368) and Chinese SimpleQA after it
(arXiv:2411.07140). The paper's own figure is `correct`, which is pass@1 too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from r1light.algorithms.estimators import Estimate, mean_over_samples
from r1light.core.types import Benchmark, Problem
from r1light.data.columns import text_cell
from r1light.data.rows import HubSplit, Row
from r1light.evaluation.outcome import Outcome
from r1light.evaluation.ratio import ratio_of_means
from r1light.evaluation.task import Answered, Hub, RowTask, TaskConfig

_GRADES = ("correct", "incorrect", "not_attempted")


def _asked(question: str, language: str) -> Callable[[Row, str], Problem]:
    def problem(row: Row, name: str) -> Problem:
        text, right = text_cell(row, question, "prompt"), text_cell(row, "answer", "answer")
        return Problem(name, text.strip(), "facts", right, language=language)

    return problem


@dataclass(frozen=True, slots=True)
class GradedRows:
    """The questions, and what the grades of their answers come to.

    Attributes:
        about: What is known of the task.
        read: Reads its problems.
    """

    about: Benchmark
    read: Callable[[], Iterator[Problem]]

    def __iter__(self) -> Iterator[Problem]:
        return self.read()

    def figures(self, answered: Sequence[Answered], seed: int) -> dict[str, Estimate]:
        """Shares of all completions, and what SimpleQA makes of them.

        `correct`, `incorrect` and `not_attempted` sum to 1. `correct_given_attempted` is correct over correct
        and incorrect; `f1` the harmonic mean of that and `correct`, 2 correct / (1 + attempted). The standard
        error of ratios is that of the linear approximation, clustered by problem. A completion without an
        answer is not attempted; one that could not be judged has no part in any figure.

        Args:
            answered: All questions that were asked.
            seed: Decides nothing.
        """
        del seed
        judged = [[each for each in one.outcomes if each.score is not None] for one in answered]
        parts_PK = [[_parts(each) for each in outcomes] for outcomes in judged if outcomes]
        if not parts_PK:
            return {}
        found = {
            name: mean_over_samples([[parts[name] for parts in row] for row in parts_PK]) for name in _GRADES
        }
        correct = [[parts["correct"] for parts in row] for row in parts_PK]
        attempted = [[1.0 - parts["not_attempted"] for parts in row] for row in parts_PK]
        if any(map(any, attempted)):
            found["correct_given_attempted"] = ratio_of_means(correct, attempted)
        twice = [[2.0 * value for value in row] for row in correct]
        found["f1"] = ratio_of_means(twice, [[1.0 + value for value in row] for row in attempted])
        return found


def _parts(outcome: Outcome) -> dict[str, float]:
    if not outcome.parts:
        return {"correct": 0.0, "incorrect": 0.0, "not_attempted": 1.0}
    return {name: outcome.parts[name] for name in _GRADES}


@dataclass(frozen=True, slots=True)
class FactTask:
    """A benchmark of questions of fact; called, it gives the task.

    Attributes:
        rows: Where they stand.
    """

    rows: RowTask

    Config: ClassVar[type[TaskConfig]] = TaskConfig

    def __call__(self, config: TaskConfig, data_dir: Path | None = None) -> GradedRows:
        """The task, of which nothing is read yet.

        Args:
            config: Where its rows stand.
            data_dir: A folder with the files of benchmarks, or None for the hub.
        """
        found = self.rows(config, data_dir)
        return GradedRows(found.about, found.read)


SIMPLE_QA = FactTask(
    RowTask(
        "simpleqa",
        Benchmark(
            "SimpleQA",
            k=4,
            metric="correct",
            obtain="it is https://openaipublic.blob.core.windows.net/simple-evals/simple_qa_test_set.csv, "
            "4,326 rows",
        ),
        Hub("basicv8vc/SimpleQA", HubSplit(None, "test")),
        _asked("problem", "en"),
        files=("simpleqa/simple_qa_test_set.csv", "simple_qa_test_set.csv"),
    )
)
C_SIMPLE_QA = FactTask(
    RowTask(
        "c_simpleqa",
        Benchmark(
            "Chinese SimpleQA",
            k=4,
            metric="correct",
            obtain="it is chinese_simpleqa.jsonl of OpenStellarTeam/Chinese-SimpleQA on the hub, 3,000 rows",
        ),
        Hub("OpenStellarTeam/Chinese-SimpleQA", HubSplit(None, "train")),
        _asked("question", "zh"),
        files=("c_simpleqa/chinese_simpleqa.jsonl", "chinese_simpleqa.jsonl"),
    )
)
