"""Codeforces: contest problems with tests, and the rating that solving them is worth.

The paper asks the problems of ten Div. 2 contests, 16 completions each, and reports rating and percentile
beside people (DeepSeek-R1, arXiv:2501.12948v2, section D.1); it does not print its arithmetic. Ours:

- `rating`: the k-th completions of a contest's problems are one attempt at it. Its points are those of the
  problems that it solves; its place is among the contest's own participants (a tie is half before, half
  behind); its performance is the rating whose expected place, by Elo's formula as Codeforces uses it, is that
  place (`elo.py`). The rating is the mean over contests and attempts, as CodeElo (arXiv:2501.01257) takes it.
  A contest counts where its standings are given and all of its problems were asked.
- `difficulty_rating`: the rating with which as many problems are expected to be solved as were, each taken
  for an opponent of its own rating. It needs no standings, is another measure, and is not the paper's.
- `percentile`, `difficulty_percentile`: the percentage of people with a lower rating, from a file of ratings.

Deviations: people lose points by the minute and by wrong attempts, the model does not; what the tests of the
file let through, Codeforces's own might not.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from r1light.algorithms.estimators import Estimate
from r1light.core.errors import DataError
from r1light.core.types import Benchmark, Problem
from r1light.data.code_rows import CodeColumns, read_code_row
from r1light.data.columns import has_cell, text_cell
from r1light.data.rows import HubSplit, Row
from r1light.evaluation.rating import Contest, Population, rating_by_contests, rating_by_difficulty
from r1light.evaluation.task import Answered, Hub, RowTask
from r1light.evaluation.tasks.codeforces_files import read_names, read_population, read_standings, split_name
from r1light.evaluation.tasks.programs import MAX_ROW_BYTES, program_problem, whole_program

_log = logging.getLogger(__name__)

_FILES = {
    "names": ("codeforces/names.json", "codeforces_rating/metadata_cf.json"),
    "ratings": ("codeforces/ratings.json", "codeforces_rating/ratings_2024.json"),
    "standings": ("codeforces/standings.jsonl", "codeforces_rating/standings.jsonl"),
}
_SECTIONS = (("input_format", "Input"), ("output_format", "Output"), ("note", "Note"))


class Codeforces:
    """Contest problems, and what solving them comes to.

    Example:
        >>> Codeforces.Config(language="cpp").ratings is None
        True
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """Where problems, names, ratings and standings stand, and what programs are written in."""

        path: str | None = None
        """A file or folder of problems; null looks into `stage.data_dir`, and without that takes them
        from the hub."""
        names: str | None = None
        """A JSON list of the problems' names ("1971A"), one a row, where rows have no `contest_id`; null
        looks into `stage.data_dir`, for the problems that stand there."""
        ratings: str | None = None
        """People's ratings, for the percentile: JSON, {"1500": 84, ...}; null looks into `stage.data_dir`."""
        standings: str | None = None
        """Contests with their participants, for the rating: JSON lines; null looks into `stage.data_dir`."""
        language: Literal["python", "cpp"] = "python"
        """What programs are to be written in."""

    about = Benchmark(
        "Codeforces",
        k=16,
        metric="rating",
        obtain="problems with tests are open-r1/codeforces on the hub (subset verifiable, split test)",
    )

    def __init__(self, config: Config, data_dir: Path | None = None) -> None:
        """The task, of which nothing but ratings and standings is read yet.

        Raises:
            DataError: The file of ratings or of standings is absent or broken.
        """
        self._config, self._data_dir = config, data_dir
        hub = Hub("open-r1/codeforces", HubSplit("verifiable", "test"))
        files = ("code_stdin/codeforces.jsonl",)
        self._table = RowTask("codeforces", self.about, hub, lambda *_: None, files, MAX_ROW_BYTES)
        ratings, standings = self._beside("ratings"), self._beside("standings")
        self._people: Population | None = None if ratings is None else read_population(ratings)
        self._contests: Mapping[str, Contest] = {} if standings is None else read_standings(standings)

    def __iter__(self) -> Iterator[Problem]:
        """The problems that tests can judge.

        Raises:
            DataError: The rows are absent, one is broken, or there are not as many names.
        """
        rows = list(self._table.rows(self._config.path, self._data_dir))
        names = self._names()
        if names is not None and len(names) != len(rows):
            raise DataError(f"task codeforces: {len(names)} names for {len(rows)} problems")
        left_out = 0
        for number, row in enumerate(rows, start=1):
            if _needs_more(row):
                left_out += 1
                continue
            contest, letter = _name(row, None if names is None else names[number - 1])
            yield self._problem(row, number, contest, letter)
        if left_out:
            _log.warning("codeforces: %d problems need a checker or files, and are not asked", left_out)

    def figures(self, answered: Sequence[Answered], seed: int) -> dict[str, Estimate]:
        """`rating`, `difficulty_rating` and their percentiles, where what they need is there."""
        del seed
        found: dict[str, Estimate] = {}
        performances = _performances(answered, self._contests)
        if performances:
            found["rating"] = rating_by_contests(performances)
        else:
            _log.warning(
                "codeforces: no rating, which needs the standings of a contest all of whose problems are "
                "asked: stage.task.codeforces.standings= (docs/evaluation.md)"
            )
        shares, difficulties = _by_difficulty(answered)
        if shares:
            found["difficulty_rating"] = rating_by_difficulty(shares, difficulties)
        if self._people is None:
            _log.warning("codeforces: no percentile, which needs stage.task.codeforces.ratings=")
            return found
        percentiles = {
            name.replace("rating", "percentile"): self._people.percentile_of(each)
            for name, each in found.items()
        }
        return found | percentiles

    def _beside(self, name: str) -> Path | None:
        """The file that an option names, or that stands in the folder of benchmarks."""
        given: str | None = getattr(self._config, name)
        if given is not None:
            path = Path(given).expanduser()
            if not path.is_file():
                raise DataError(f"stage.task.codeforces.{name}={given} is no file")
            return path
        folder = self._data_dir
        return (
            next((folder / file for file in _FILES[name] if (folder / file).is_file()), None)
            if folder
            else None
        )

    def _names(self) -> list[str] | None:
        if self._config.names is None and self._config.path is not None:
            return None  # those in the folder are of the folder's problems
        path = self._beside("names")
        return None if path is None else read_names(path)

    def _problem(self, row: Row, number: int, contest: str | None, letter: str | None) -> Problem:
        language = self._config.language
        read = read_code_row(_plain(row), "stdio", CodeColumns().of("stdio"))
        difficulty = row.values.get("rating")
        problem = program_problem(
            f"codeforces/{number if contest is None else f'{contest}{letter}'}",
            whole_program(read.statement, language),
            replace(read, solution=None),
            contest=contest,
            letter=letter,
            difficulty=float(difficulty) if isinstance(difficulty, int | float) else None,
        )
        return replace(problem, meta={**problem.meta, "language": language, "source": "codeforces"})


def _needs_more(row: Row) -> bool:
    """Whether a problem needs a checker of its own, or reads files."""
    return has_cell(row, "generated_checker") or row.values.get("input_mode") not in (None, "stdio")


def _name(row: Row, name: str | None) -> tuple[str | None, str | None]:
    if has_cell(row, "contest_id"):
        return text_cell(row, "contest_id", "meta"), text_cell(row, "index", "meta")
    return (None, None) if name is None else split_name(name, row.where)


def _plain(row: Row) -> Row:
    """The row with a statement and tests in one column each."""
    values = row.values
    if not has_cell(row, "description"):
        return row
    parts = [text_cell(row, "description", "prompt")]
    parts += [f"{head}:\n{values[column]}" for column, head in _SECTIONS if values.get(column)]
    examples = values.get("examples") or []
    parts += [f"Example:\n{each['input']}\nAnswer:\n{each['output']}" for each in examples]
    tests = [*examples, *(values.get("official_tests") or [])]
    return Row({"problem": "\n\n".join(parts), "tests": tests}, row.where)


def _performances(answered: Sequence[Answered], contests: Mapping[str, Contest]) -> list[list[float]]:
    """Of each contest that can be rated, the performance of each attempt whose programs were all judged."""
    by_contest: dict[str, dict[str, Answered]] = {}
    for each in answered:
        meta = each.problem.meta
        if "contest" in meta:
            by_contest.setdefault(meta["contest"], {})[meta["letter"]] = each
    found = []
    for name, of_it in by_contest.items():
        contest = contests.get(name)
        if contest is None or contest.points.keys() != of_it.keys():
            continue
        known: dict[frozenset[str], float] = {}
        row = []
        for attempt in range(min(len(each.outcomes) for each in of_it.values())):
            scores = {letter: each.outcomes[attempt].score for letter, each in of_it.items()}
            if None in scores.values():
                continue
            solved = frozenset(letter for letter, score in scores.items() if score == 1.0)
            if solved not in known:
                known[solved] = contest.performance(solved)
            row.append(known[solved])
        found += [row] if row else []
    return found


def _by_difficulty(answered: Sequence[Answered]) -> tuple[list[float], list[float]]:
    """The share of attempts that solved each problem whose rating is known, and that rating."""
    shares, difficulties = [], []
    for each in answered:
        scores = [outcome.score for outcome in each.outcomes if outcome.score is not None]
        if scores and "difficulty" in each.problem.meta:
            shares.append(sum(score == 1.0 for score in scores) / len(scores))
            difficulties.append(each.problem.meta["difficulty"])
    return shares, difficulties
