"""Arena-Hard: hard questions of users, whose answers a judge compares with a baseline's, in two games.

Version v0.1, which the paper scores, has 500 questions and the baseline gpt-4-0314. The judge sees the final
answer only (DeepSeek-R1, arXiv:2501.12948v2, section D.1). One completion a question is drawn, as the
published score is of single answers, and each costs two judgments.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from r1light.algorithms.estimators import Estimate
from r1light.core.errors import DataError
from r1light.core.types import Benchmark, Problem
from r1light.data.columns import text_cell
from r1light.data.rows import HubSplit, Row, read_rows
from r1light.evaluation.bradley_terry import battles, bootstrap_interval, win_probability
from r1light.evaluation.local_file import local_file
from r1light.evaluation.task import Answered

Version = Literal["v0.1", "v2.0"]
_NO_SPLIT = HubSplit(None, "train")
_LOST = {"first": -2.0, "second": -2.0}
_BASELINES: Mapping[str, str] = {
    "arena-hard-v0.1": "gpt-4-0314",
    "hard_prompt": "o3-mini-2025-01-31",
    "creative_writing": "gemini-2.0-flash-001",
}
"""By category, as github.com/lmarena/arena-hard-auto has them."""


@dataclass(frozen=True, slots=True)
class ArenaConfig:
    """Which questions are asked, and against whose answers."""

    version: Version = "v0.1"
    """v0.1, which the paper scores; or v2.0."""
    category: str | None = None
    """Of v2.0, `hard_prompt` or `creative_writing`, which have baselines of their own; null for the first."""
    path: str | None = None
    """The file of questions; null looks into `stage.data_dir`."""
    baseline: str | None = None
    """The file of the baseline's answers; null looks into `stage.data_dir`."""

    def __post_init__(self) -> None:
        if self.path == "" or self.baseline == "":
            raise ValueError("path and baseline must name a file, or be null")
        allowed = ("arena-hard-v0.1",) if self.version == "v0.1" else ("hard_prompt", "creative_writing")
        if self.category not in (None, *allowed):
            raise ValueError(f"category={self.category} of {self.version} must be {' or '.join(allowed)}")


@dataclass(frozen=True, slots=True)
class Games:
    """The questions, and what the games come to.

    Attributes:
        about: What is known of the task.
        config: Which questions.
        data_dir: A folder with the files of benchmarks, or None.
    """

    about: Benchmark
    config: ArenaConfig
    data_dir: Path | None

    def __iter__(self) -> Iterator[Problem]:
        """The problems, in the order of the file of questions.

        Raises:
            DataError: A file is absent or broken, or a question has no answer of the baseline.
        """
        version, category = self.config.version, self._category()
        model = _BASELINES[category]
        answers = dict(_answer(row) for row in read_rows(self._answers(model), _NO_SPLIT))
        number = 0
        for row in read_rows(self._questions(), _NO_SPLIT):
            if row.values.get("category", category) != category:
                continue
            number += 1
            uid, asked = _uid(row), _question(row)
            if uid not in answers:
                raise DataError(f"{row.where}: question {uid} has no answer of the baseline {model}")
            meta = {"source": "arena_hard", "version": version, "uid": uid}
            yield Problem(f"arena_hard/{number}", asked, "arena", answers[uid], meta=meta)

    def figures(self, answered: Sequence[Answered], seed: int) -> dict[str, Estimate]:
        """`score`, the probability in [0, 1] to beat the baseline, and its 95% interval's ends.

        The ends are `score_low` and `score_high`, of 100 bootstrap draws. A completion without an answer
        loses both games by much; one that could not be judged has no part.

        Args:
            answered: All questions that were asked.
            seed: Decides the bootstrap's draws.
        """
        outcomes = [each for one in answered for each in one.outcomes if each.score is not None]
        parts = [each.parts or _LOST for each in outcomes]
        shares = battles([round(each[game]) for each in parts for game in ("first", "second")])
        if not shares:
            return {}
        found = {"score": win_probability(shares)}
        found["score_low"], found["score_high"] = bootstrap_interval(shares, seed)
        return {name: Estimate(value, None, len(answered)) for name, value in found.items()}

    def _category(self) -> str:
        if self.config.version == "v0.1":
            return "arena-hard-v0.1"
        return self.config.category or "hard_prompt"

    def _questions(self) -> str:
        version = self.config.version
        names = (f"arena_hard/question_{version}.jsonl", f"arena-hard-{version}/question.jsonl")
        return self._file("path", self.config.path, names)

    def _answers(self, model: str) -> str:
        version = self.config.version
        names = (
            f"arena_hard/answers_{version}_{model}.jsonl",
            f"arena-hard-{version}/model_answer/{model}.jsonl",
        )
        return self._file("baseline", self.config.baseline, names)

    def _file(self, option: str, path: str | None, names: tuple[str, ...]) -> str:
        folder = f"data/arena-hard-{self.config.version}"
        obtain = f"it is in {folder} of {self.about.obtain}"
        if path is not None:
            if not Path(path).expanduser().is_file():
                raise DataError(f"stage.task.arena_hard.{option}={path} is no file; {obtain}")
            return path
        if self.data_dir is None:
            raise DataError(
                f"task arena_hard has no data here: {obtain}; name the folder of {names[0]} by "
                f"stage.data_dir=, or the file by stage.task.arena_hard.{option}="
            )
        return str(local_file(self.data_dir, Path(names[0]).stem, names, obtain))


def _uid(row: Row) -> str:
    return text_cell(row, "uid" if "uid" in row.values else "question_id", "id")


def _question(row: Row) -> str:
    """A question's text: `prompt`, or in older files the only turn."""
    if "prompt" in row.values:
        return text_cell(row, "prompt", "prompt")
    return _text(row, "turns", 0, "content")


def _answer(row: Row) -> tuple[str, str]:
    """A question's id, and the answer to it: the last message's, or in older files the only choice's."""
    keys = ("messages", -1, "content") if "messages" in row.values else ("choices", 0, "turns", 0, "content")
    return _uid(row), _text(row, *keys)


def _text(row: Row, *keys: str | int) -> str:
    value: Any = row.values
    try:
        for key in keys:
            value = value[key]
        if isinstance(value, dict):
            value = value["answer"]
    except (LookupError, TypeError):
        value = None
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{row.where} has no text in {'.'.join(map(str, keys))}, as rows of Arena-Hard have")
    return value


@dataclass(frozen=True, slots=True)
class ArenaHard:
    """The benchmark; called, it gives the task.

    Attributes:
        about: What is known of it.
    """

    about: Benchmark

    Config: ClassVar[type[ArenaConfig]] = ArenaConfig

    def __call__(self, config: ArenaConfig, data_dir: Path | None = None) -> Games:
        """The task, of which nothing is read yet.

        Args:
            config: Which questions, and where the files stand.
            data_dir: A folder with the files of benchmarks, or None.
        """
        return Games(self.about, config, data_dir)


ARENA_HARD = ArenaHard(
    Benchmark(
        "Arena-Hard",
        k=1,
        metric="score",
        obtain="github.com/lmarena/arena-hard-auto, with question.jsonl and the baseline in model_answer/",
    )
)
