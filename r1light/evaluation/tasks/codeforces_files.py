"""The files beside the problems of Codeforces: their names, the standings of contests, people's ratings.

Formats:
    names: a JSON list of as many texts as the file of problems has rows, such as ["1971A", "1971B", ...].
    ratings: a JSON object of rating to number of people, {"1500": 84, ...}; or a list of ratings.
    standings: JSON lines, a contest each, of rated participants:
        {"contest": "1971", "points": {"A": 500, "B": 750},
         "participants": [{"rating": 1432, "points": 1240}, ...]}
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from r1light.core.errors import DataError
from r1light.data.rows import HubSplit, Row, read_rows
from r1light.evaluation.rating import Contest, Population

_MAX_ROW_BYTES = 1 << 26  # of one contest's standings
_MAX_RATING = 10_000
_NAME = re.compile(r"(\d+)([A-Z]\d*)")


def split_name(name: str, where: str) -> tuple[str, str]:
    """A problem's name as its contest and its letter there.

    Raises:
        DataError: It is no such name.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise DataError(f"{where}: {name!r:.40} is no name of a problem such as 1971A or 1972D2")
    return match[1], match[2]


def read_names(path: Path) -> list[str]:
    """Names of problems, in the order of the rows.

    Raises:
        DataError: It is no file of names.
    """
    found = _read_json(path)
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise DataError(f'{path} must be a list of names such as ["1971A", "1971B"]')
    return found


def read_population(path: Path) -> Population:
    """People's ratings.

    Raises:
        DataError: It is no file of ratings.
    """
    found = _read_json(path)
    fault = DataError(
        f'{path} must be an object of rating to people such as {{"1500": 84}}, or a list of ratings'
    )
    counts: Mapping[Any, Any]
    if isinstance(found, dict):
        counts = found
    elif isinstance(found, list) and all(isinstance(each, int | float) for each in found):
        counts = Counter(found)
    else:
        raise fault
    try:
        if not all(type(count) is int for count in counts.values()):
            raise fault
        return Population.of({_finite(float(rating)): count for rating, count in counts.items()})
    except ValueError as error:
        raise DataError(f"{fault} ({error})") from error


def read_standings(path: Path) -> dict[str, Contest]:
    """Contests by their numbers.

    Raises:
        DataError: It is no file of standings; names the line.
    """
    found = {}
    for row in read_rows(str(path), HubSplit(None, "train"), _MAX_ROW_BYTES):
        name, contest = _contest(row)
        found[name] = contest
    return found


def _contest(row: Row) -> tuple[str, Contest]:
    values = row.values
    try:
        points = {str(letter): _finite(float(worth)) for letter, worth in values["points"].items()}
        results = [
            (_finite(float(each["rating"])), _finite(float(each["points"])))
            for each in values["participants"]
        ]
        name = str(values["contest"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f'{row.where} is no standing ({error!r:.80}); it must be {{"contest": "1971", "points": '
            '{"A": 500}, "participants": [{"rating": 1432, "points": 1240}]}'
        ) from error
    if not points or not results or min(points.values()) < 0:
        raise DataError(f"{row.where}: a contest has problems of 0 points or more, and participants")
    return name, Contest(points, results)


def _finite(value: float) -> float:
    if not math.isfinite(value) or abs(value) > 10 * _MAX_RATING:
        raise ValueError(f"{value} is out of range")
    return value


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is no JSON: {error}") from error
