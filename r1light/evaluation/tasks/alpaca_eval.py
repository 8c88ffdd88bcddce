"""AlpacaEval 2.0: 805 instructions, whose answers a judge compares with those of gpt4_1106_preview.

The judge sees the final answer only, as the paper has it (DeepSeek-R1, arXiv:2501.12948v2, section D.1). One
completion an instruction is drawn, as the published win rate is over single outputs.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from r1light.algorithms.estimators import Estimate, mean_over_samples
from r1light.core.errors import DataError
from r1light.core.types import Benchmark, Problem
from r1light.data.columns import text_cell
from r1light.data.rows import HubSplit, Row, read_rows
from r1light.evaluation.length_control import PARTS, Comparison, Gamed, length_controlled
from r1light.evaluation.outcome import Outcome
from r1light.evaluation.task import Answered, RowTask, TaskConfig

_NO_SPLIT = HubSplit(None, "train")


@dataclass(frozen=True, slots=True)
class AlpacaConfig:
    """Where the instructions stand, and what controls for lengths."""

    path: str | None = None
    """The file of instructions with the baseline's outputs; null looks into `stage.data_dir`."""
    gamed: str | None = None
    """`df_gamed.csv` of tatsu-lab/alpaca_eval on the hub: the instructions' published difficulties, and the
    comparisons that regularise. With it there is `lc_win_rate`, the published one; null for none."""
    order_seed: int = 0
    """With the instruction it decides which of the two outputs the judge sees first."""

    def __post_init__(self) -> None:
        if self.path == "" or self.gamed == "":
            raise ValueError("path and gamed must name a file, or be null")


@dataclass(frozen=True, slots=True)
class Compared:
    """The instructions, and what the judge's preferences come to.

    Attributes:
        about: What is known of the task.
        read: Reads its problems.
        gamed: The published rows that regularise, in their order; None where they are not given.
    """

    about: Benchmark
    read: Callable[[], Iterator[Problem]]
    gamed: Sequence[tuple[int, Gamed]] | None = None

    def __iter__(self) -> Iterator[Problem]:
        return self.read()

    def figures(self, answered: Sequence[Answered], seed: int) -> dict[str, Estimate]:
        """Win rates in [0, 1]: `win_rate`, `lc_win_rate_minimal`, and `lc_win_rate` with the published rows.

        A completion without an answer loses, with length 0; one that could not be judged has no part. Of
        several completions of an instruction, length control sees the mean preference and length. It needs
        five instructions.

        Args:
            answered: All instructions that were asked.
            seed: Decides nothing.
        """
        del seed
        judged = [
            (one.problem, [each for each in one.outcomes if each.score is not None]) for one in answered
        ]
        rows = [(problem, outcomes) for problem, outcomes in judged if outcomes]
        if not rows:
            return {}
        found = {"win_rate": mean_over_samples([[each.score or 0.0 for each in row] for _, row in rows])}
        if len(rows) < PARTS:
            return found
        plain = [_comparison(problem, outcomes) for problem, outcomes in rows]
        minimal = length_controlled(plain)
        found["lc_win_rate_minimal"] = Estimate(minimal.win_rate, None, len(rows))
        if self.gamed is not None:
            difficulty = {index: row.difficulty for index, row in reversed(self.gamed)}
            known = [
                replace(each, difficulty=difficulty[problem.meta["index"]])
                for each, (problem, _) in zip(plain, rows, strict=True)
            ]
            full = length_controlled(known, [row for _, row in self.gamed])
            found["lc_win_rate"] = Estimate(full.win_rate, full.stderr, len(rows))
        return found


def _comparison(problem: Problem, outcomes: Sequence[Outcome]) -> Comparison:
    lengths = [each.parts.get("length", 0.0) for each in outcomes]
    preference = math.fsum(each.score or 0.0 for each in outcomes) / len(outcomes)
    return Comparison(preference, len(problem.answer or "") - math.fsum(lengths) / len(lengths))


@dataclass(frozen=True, slots=True)
class AlpacaEval:
    """The benchmark; called, it gives the task.

    Attributes:
        about: What is known of it.
    """

    about: Benchmark

    Config: ClassVar[type[AlpacaConfig]] = AlpacaConfig

    def __call__(self, config: AlpacaConfig, data_dir: Path | None = None) -> Compared:
        """The task.

        Args:
            config: Where its files stand.
            data_dir: A folder with the files of benchmarks, or None where `path` names the file.

        Raises:
            DataError: The file of published rows is absent or broken.
        """
        gamed = None if config.gamed is None else _gamed_rows(config.gamed)
        known = {index for index, _ in gamed or ()}

        def problem(row: Row, name: str) -> Problem:
            asked = text_cell(row, "instruction", "prompt")
            baseline = text_cell(row, "output", "answer")
            index = int(name.rpartition("/")[2]) - 1
            if gamed is not None and index not in known:
                raise DataError(f"{row.where}: {config.gamed} has no difficulty of the instruction {index}")
            meta = {"swapped": _swapped(asked, config.order_seed), "index": index}
            return Problem(name, asked, "preference", baseline, meta=meta)

        rows = RowTask(
            "alpaca_eval",
            self.about,
            None,  # on the hub there is a script, which today's `datasets` does not run
            problem,
            files=(
                "alpaca_eval/alpaca_eval_instructions_with_gpt4_1106.jsonl",
                "alpaca_eval/alpaca_eval_gpt4_baseline.json",
                "alpaca_eval_gpt4_baseline.json",
            ),
        )
        return Compared(self.about, rows(TaskConfig(config.path), data_dir).read, gamed)


def _swapped(instruction: str, seed: int) -> bool:
    """Whether the model's output is shown first: one of two by a hash, and the same in every run."""
    return hashlib.sha256(f"{seed}/{instruction}".encode()).digest()[0] % 2 == 1


def _gamed_rows(path: str) -> list[tuple[int, Gamed]]:
    """The published rows, each with the index of its instruction.

    Raises:
        DataError: There is no such file, or a row lacks a number.
    """
    if not Path(path).expanduser().is_file():
        raise DataError(
            f"stage.task.alpaca_eval.gamed={path} is no file; it is df_gamed.csv of tatsu-lab/alpaca_eval on "
            "the hub"
        )
    found = []
    for row in read_rows(path, _NO_SPLIT):
        if not str(row.values.get("preference") or "").strip():
            continue  # the published method leaves comparisons without a verdict out
        preference, difference, difficulty = (
            _number(row, name) for name in ("preference", "std_delta_len", "instruction_difficulty")
        )
        found.append((int(_number(row, "index")), Gamed(preference, difference, difficulty)))
    return found


def _number(row: Row, column: str) -> float:
    text = text_cell(row, column, "answer")
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise DataError(f"{row.where}: {column}={text!r:.40} is no number")
    return number


ALPACA_EVAL = AlpacaEval(
    Benchmark(
        "AlpacaEval 2.0",
        k=1,
        metric="lc_win_rate",
        obtain="it is alpaca_eval_gpt4_baseline.json of tatsu-lab/alpaca_eval on the hub, 805 rows",
    )
)
