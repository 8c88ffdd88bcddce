"""IFEval (arXiv:2311.07911): prompts with instructions that a program can check, by the grader `ifeval`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from r1light.algorithms.estimators import Estimate, pass_at_1
from r1light.core.errors import DataError
from r1light.core.types import Benchmark, Problem
from r1light.data.columns import cell, text_cell
from r1light.data.rows import HubSplit, Row
from r1light.evaluation.outcome import Outcome
from r1light.evaluation.task import Answered, Hub, RowTask, TaskConfig


def _problem(row: Row, name: str) -> Problem:
    """A prompt as it is, and what it asks for.

    Raises:
        DataError: The row names no instructions, or not as many kwargs.
    """
    names, options = cell(row, "instruction_id_list", "meta"), cell(row, "kwargs", "meta")
    if (
        not isinstance(names, list)
        or not isinstance(options, list)
        or not names
        or len(names) != len(options)
    ):
        raise DataError(f"{row.where}: instruction_id_list and kwargs must be two lists of one length")
    asked = [{key: value for key, value in (each or {}).items() if value is not None} for each in options]
    meta = {"instruction_id_list": names, "kwargs": asked}
    return Problem(name, text_cell(row, "prompt", "prompt"), "ifeval", meta=meta)


_ROWS = RowTask(
    "ifeval",
    Benchmark(
        "IFEval",
        k=4,
        metric="prompt_strict",
        obtain="it is google/IFEval on the hub, 541 rows, and input_data.jsonl of "
        "instruction_following_eval in the repository google-research/google-research",
    ),
    Hub("google/IFEval", HubSplit(None, "train")),
    _problem,
    files=("ifeval/input_data.jsonl",),
)


class IFEval:
    """The task; its figures are `prompt_strict`, `prompt_loose`, `inst_strict` and `inst_loose`.

    Prompt-level: the share of completions that follow all their instructions, as pass@1 is computed.
    Instruction-level: instructions that are followed over instructions that there are, a problem's count
    being the mean over its completions. A completion without an answer follows none.
    """

    Config = TaskConfig

    def __init__(self, config: TaskConfig, data_dir: Path | None = None) -> None:
        self._rows = _ROWS(config, data_dir)
        self.about = self._rows.about

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._rows)

    def figures(self, answered: Sequence[Answered], seed: int) -> Mapping[str, Estimate]:
        """The four figures, each with its standard error over prompts."""
        del seed
        judged = [
            (each.problem, told)
            for each in answered
            if (told := [outcome for outcome in each.outcomes if outcome.score is not None])
        ]
        if not judged:
            return {}
        found = {}
        for how in ("strict", "loose"):
            found[f"prompt_{how}"] = pass_at_1([_parts(told, f"prompt_{how}") for _, told in judged])
            counts = [len(problem.meta["instruction_id_list"]) for problem, _ in judged]
            shares = [_parts(told, f"inst_{how}") for _, told in judged]
            followed = [n * math.fsum(row) / len(row) for n, row in zip(counts, shares, strict=True)]
            found[f"inst_{how}"] = share_of(followed, counts)
        return found


def _parts(outcomes: Sequence[Outcome], name: str) -> list[float]:
    return [outcome.parts.get(name, 0.0) for outcome in outcomes]  # none where there was no answer


def share_of(counts_P: Sequence[float], totals_P: Sequence[float]) -> Estimate:
    """The sum of counts over the sum of totals, P problems, with its standard error over problems.

    The error is that of a ratio of means (by its linear term): sqrt(P / (P - 1) * sum of (count - share *
    total)^2) over the sum of totals. With equal totals it is that of the mean of the problems' shares.
    """
    problems, total = len(totals_P), math.fsum(totals_P)
    share = math.fsum(counts_P) / total
    if problems < 2:
        return Estimate(share, None, problems)
    squares = math.fsum((count - share * each) ** 2 for count, each in zip(counts_P, totals_P, strict=True))
    return Estimate(share, math.sqrt(problems / (problems - 1) * squares) / total, problems)
