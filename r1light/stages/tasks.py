"""The tasks that `stage.tasks` names, and their problems."""

from __future__ import annotations

import logging
import random
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from r1light.config.schema import RunConfig
from r1light.config.validate import component_config
from r1light.core.errors import ConfigError, DataError, unknown_name
from r1light.core.protocols import Task
from r1light.core.registry import registry
from r1light.core.types import Problem
from r1light.evaluation import GROUPS
from r1light.evaluation.outcome import Outcome
from r1light.evaluation.summary import summarise
from r1light.evaluation.task import Answered, Figures

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A task of this run.

    Attributes:
        name: Its registered name.
        task: The task.
        problems: Those that are asked, with positions that no problem of another task has, and that do not
            hang on which others are asked.
    """

    name: str
    task: Task
    problems: Sequence[tuple[int, Problem]]


def names_of(entries: Iterable[str]) -> list[str]:
    """The names of tasks, groups spelt out, each once.

    Raises:
        UnknownNameError: An entry is neither; lists those there are and the nearest.
    """
    known = [*GROUPS, *(entry.name for entry in registry("tasks").entries())]
    for entry in entries:
        if entry not in known:
            raise unknown_name("entry of stage.tasks:", entry, known)
    return list(dict.fromkeys(name for entry in entries for name in GROUPS.get(entry, (entry,))))


def check(entries: Iterable[str], options: Mapping[str, Any]) -> None:
    """Look at the names of tasks and at their options, before anything is read.

    Raises:
        UnknownNameError: There is no task or group of a name.
        ConfigError: An option of a task is wrong, or is one of a task that is not asked.
    """
    names = names_of(entries)
    for name in options:
        if name not in names:
            raise unknown_name("task in stage.task:", name, names)
    for name in names:
        component_config("tasks", name, options.get(name, {}), f"stage.task.{name}")


def chosen_tasks(config: RunConfig) -> list[Chosen]:
    """The tasks of the run with the problems that are asked; all of them where completions are given.

    Raises:
        DataError: A task's data are absent or broken, or it has no problems; of several tasks without their
            files in `stage.data_dir`, names each.
    """
    options = config.stage
    limit = options.limit if options.completions is None else None
    data_dir = None if options.data_dir is None else Path(options.data_dir).expanduser()
    found, absent = [], list[tuple[str, DataError]]()
    for name in names_of(options.tasks):
        plain = options.task.get(name, {})
        built = component_config("tasks", name, plain, f"stage.task.{name}")
        task = registry("tasks").create(name, built, data_dir=data_dir)
        if not isinstance(task, Task):
            raise ConfigError(f"stage.tasks: {name} is no task: it has no `about`, or no problems")
        try:
            found.append(Chosen(name, task, _limited(name, list(task), limit, config.seed)))
        except DataError as error:
            if data_dir is None:  # each look at the hub may take a minute
                raise
            absent.append((name, error))
    if absent:
        others = ", ".join(name for name, _ in absent[1:])
        more = f"; nor can these be asked: {others}" if others else ""
        raise DataError(f"{absent[0][1]}{more}") from absent[0][1]
    return found


def _limited(
    name: str, problems: Sequence[Problem], limit: int | None, seed: int
) -> list[tuple[int, Problem]]:
    if not problems:
        raise DataError(f"task {name} has no problems")
    if len({problem.id for problem in problems}) < len(problems):
        raise DataError(f"task {name}: two problems have one id")
    indices = list(range(len(problems)))
    if limit is not None:
        random.Random(f"evaluate/{seed}/{name}").shuffle(indices)
        indices = sorted(indices[:limit])
    first = zlib.crc32(name.encode()) << 24
    return [(first + index, problems[index]) for index in indices]


def about(tasks: Sequence[Chosen]) -> dict[str, dict[str, str]]:
    """What a report tells of the tasks, by their names: for tasks.json."""
    return {each.name: {"title": each.task.about.title, "metric": each.task.about.metric} for each in tasks}


def figures_of(outcomes: Sequence[Sequence[Outcome]], tasks: Sequence[Chosen], seed: int) -> dict[str, float]:
    """The metrics of all completions, under `<task>/` where tasks were asked, with each task's own."""
    metrics = summarise(outcomes, seed=seed, overall=not tasks)
    by_problem = {outcomes_K[0].problem_id: tuple(outcomes_K) for outcomes_K in outcomes}
    asked = {problem.id for chosen in tasks for _, problem in chosen.problems}
    if tasks and (strangers := [name for name in by_problem if name not in asked]):
        _log.warning(
            "%d problems are of no task that is named, such as %s: they count under their sources alone",
            len(strangers), strangers[0],
        )  # fmt: skip
    for chosen in tasks:
        compute: Figures | None = getattr(chosen.task, "figures", None)
        answered = [
            Answered(problem, by_problem[problem.id])
            for _, problem in chosen.problems
            if problem.id in by_problem
        ]
        found = compute(answered, seed) if compute is not None and answered else {}
        for name, estimate in found.items():
            metrics[f"{chosen.name}/{name}"] = estimate.mean
            if estimate.stderr is not None:
                metrics[f"{chosen.name}/{name}_stderr"] = estimate.stderr
    return metrics
