"""Data sources from a validated configuration, and what rewards ask of them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from r1light.config.schema import RunConfig
from r1light.config.validate import component_config
from r1light.core.errors import ConfigError, DataError, unknown_name
from r1light.core.preference import KIND, REWARDS, kind_of
from r1light.core.registry import ComponentGroup, registry
from r1light.core.types import Problem

if TYPE_CHECKING:
    from r1light.data.contamination import EvaluationTexts, Tally

_log = logging.getLogger(__name__)


def build_rows(config: RunConfig, split: Literal["train", "test"], *, as_they_are: bool = False) -> list[Any]:
    """The rows of the run's data source: problems, or texts to learn from.

    Args:
        config: The run's configuration.
        split: Which split.
        as_they_are: Whether rows to train on stay in though they are contaminated.

    Raises:
        DataError: A row is broken, or all rows to train on are contaminated.
    """
    rows: Iterable[Any] = _source("data", config.data.name, config.data.config, split)
    if as_they_are or split == "test" or not config.data.decontaminate.against:
        return list(rows)
    from r1light.data.contamination import Tally, clean

    tally = Tally()
    kept = list(clean(rows, evaluation_texts(config), tally))
    _say(config, tally)
    if tally.rows and not kept:
        text = tally.texts.most_common(1)[0][0]
        raise DataError(
            f"data.decontaminate: every one of {tally.rows} rows has something of evaluation data, such as "
            f"{text!r}; if that is an instruction that all of them share, name the columns to look at by "
            "data.decontaminate.columns"
        )
    return kept


def evaluation_texts(config: RunConfig) -> EvaluationTexts:
    """What `data.decontaminate.against` names.

    Raises:
        ConfigError: An entry is no file, no data source and no task.
        DataError: A file cannot be read, an entry has no rows, or none has a column that is named.
    """
    from r1light.data.contamination import EvaluationTexts, texts_of, texts_of_file_row
    from r1light.data.rows import HubSplit, read_rows

    found, columns = EvaluationTexts(), config.data.decontaminate.columns
    absent = set(columns or ())
    for entry in config.data.decontaminate.against:
        before = found.rows
        if Path(entry).expanduser().exists():
            missing = set(columns or ())
            for row in read_rows(entry, HubSplit(None, "test")):
                found.add(row.where, texts_of_file_row(row, columns))
                missing -= row.values.keys()
            absent &= missing
            if columns is not None and missing == set(columns) and found.rows > before:
                raise DataError(f"no row of {entry} has {_columns(missing)}")
        else:
            for problem in _held_out(config, entry):
                found.add(f"{entry}: {getattr(problem, 'id', '')}", texts_of(problem))
        if found.rows == before:
            raise DataError(
                f"data.decontaminate.against={entry} has no rows to keep training data apart from"
            )
    if absent:
        raise DataError(f"no row of data.decontaminate.against has {_columns(absent)}")
    return found


def _columns(names: Iterable[str]) -> str:
    """Columns that are not there, for an error."""
    listed = " or ".join(map(repr, sorted(names)))
    return f"a column {listed}; name those that hold texts in data.decontaminate.columns, or leave it null"


def _held_out(config: RunConfig, entry: str) -> Iterator[Any]:
    """The test split of a data source, or the questions of a task; the run's own source has its options."""
    groups: dict[str, ComponentGroup] = {
        known.name: group for group in ("tasks", "data") for known in registry(group).entries()
    }
    if entry not in groups:
        if "/" in entry or "." in entry:
            raise ConfigError(f"data.decontaminate.against={entry}: there is no such file or folder")
        raise unknown_name("entry of data.decontaminate.against", entry, groups)
    group = groups[entry]
    if group == "data" and entry == config.data.name:
        options = config.data.config
    else:
        try:
            options = component_config(group, entry, {}, f"data.decontaminate.{entry}")
        except ConfigError as error:
            raise ConfigError(
                f"data.decontaminate.against={entry}: {entry} cannot do without options of its own; give the "
                "file of its held-out rows instead"
            ) from error
    if group != "tasks":
        yield from _source(group, entry, options, "test")
        return
    folder = config.data.decontaminate.data_dir
    data_dir = None if folder is None else Path(folder).expanduser()
    try:
        yield from map(_question, registry(group).create(entry, options, data_dir=data_dir, split="test"))
    except DataError as error:
        raise DataError(
            f"data.decontaminate.against={entry}: name the folder with its file by "
            f"data.decontaminate.data_dir=, or the file itself in place of {entry} ({error})"
        ) from error


def _question(problem: Problem) -> Problem:
    """A problem without the words around its question, which training rows may share."""
    return replace(problem, prompt=problem.meta.get("question", problem.prompt))


def _say(config: RunConfig, tally: Tally) -> None:
    """How many rows were left out, and some of them."""
    against = ", ".join(config.data.decontaminate.against)
    if not tally.count:
        _log.info("none of %d training rows has anything of %s", tally.rows, against)
        return
    _log.warning(
        "%d of %d training rows are left out, as they have something of %s", tally.count, tally.rows, against
    )
    for name, match in tally.dropped:
        _log.warning("left out: %s, for %r of %s", name, match.text, match.where)
    text, count = tally.texts.most_common(1)[0]
    if count > 1:
        _log.warning("most often, in %d of them, for %r", count, text)


def _source(group: ComponentGroup, name: str, options: Any, split: Literal["train", "test"]) -> Iterable[Any]:
    """A component that gives rows, for one split; a mixture is given what builds the sources inside it."""

    def make_source(inner: str, plain: Mapping[str, Any], path: str) -> Iterable[Any]:
        return _source("data", inner, component_config("data", inner, plain, path), split)

    source: Iterable[Any] = registry(group).create(name, options, split=split, make_source=make_source)
    return source


def check_reward_sources(config: RunConfig, problems: Iterable[Problem]) -> None:
    """Refuse a reward that is limited to sources of which the data have no problem.

    Raises:
        UnknownNameError: Names the reward and the sources that there are.
    """
    named = [(spec.key, source) for spec in config.reward.components for source in spec.sources or ()]
    known = (
        {str(problem.meta["source"]) for problem in problems if "source" in problem.meta} if named else set()
    )
    for key, source in named:
        if source not in known:
            raise unknown_name(f"source of data={config.data.name} in reward.components.{key}", source, known)


def check_preferences(config: RunConfig, problems: Iterable[Problem]) -> None:
    """Refuse problems for a reward model where the run does not have it: nothing would judge their answers.

    Raises:
        ConfigError: Names a problem, and the reward that it needs; or a model is of the other kind.
        ModelError: There is no reward model where a reward that is needed looks for it.
    """
    from r1light.rewards.preference import check_model

    first = {kind_of(problem): problem for problem in reversed([*problems])}
    for kind, problem in first.items():
        if kind is None:
            continue
        specs = [spec for spec in config.reward.components if spec.name == REWARDS[kind]]
        if not specs:
            raise ConfigError(
                f"problem {problem.id!r} is to be scored by the reward {REWARDS[kind]}, which this run does "
                f"not have; take reward=r1_all with reward.components.{REWARDS[kind]}.path=<a reward model>, "
                f"or problems without meta.{KIND}"
            )
        for spec in specs:
            check_model(spec.config, kind)
