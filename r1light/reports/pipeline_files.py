"""What a pipeline's folder says: pipeline.json, and the run folder of each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from r1light.core.errors import DataError
from r1light.core.run_folder import RunFolder
from r1light.reports.axes import plottable
from r1light.reports.run_files import RunRecord, read_object, read_run

FILE = "pipeline.json"
"""What makes a run folder that of a pipeline."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step for one seed.

    Attributes:
        key: Its name and seed, such as "zero@0".
        name: The step's name.
        seed: Its seed.
        stage: The stage it ran.
        title: What it is in the recipe, in words.
        link: Where its folder lies from the pipeline's.
        run: What its folder holds.
        needs: The keys of the steps that it read.
        state: "waiting", "running", "done", "failed" or "left_out".
        reused: Whether it was not run again, as nothing had changed.
        why: What its state comes from, where there is something to say.
        started: When it began, as ISO text.
        seconds: Its wall time over all sessions.
        overrides: The command line that it was run by.
    """

    key: str
    name: str
    seed: int
    stage: str
    title: str
    link: str
    run: RunRecord
    needs: tuple[str, ...] = ()
    state: str = "waiting"
    reused: bool = False
    why: str = ""
    started: str | None = None
    seconds: float | None = None
    overrides: tuple[str, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether its numbers count: it is done, or was left out and has a result of before."""
        return self.state in ("done", "left_out") and self.run.result is not None


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One pipeline, as its files tell it.

    Attributes:
        folder: Where it lies.
        name: Its name, such as "r1_mini".
        title: What it does, in a line.
        seeds: The seeds that it was run with.
        steps: In the order of pipeline.json.
        story: The names of the steps from the base to the last model.
        questions: By name, as pipeline.json has them.
        scale: Its scale, such as "smoke"; None for the whole.
        jobs: How many steps ran side by side.
        inputs: What the user gave, by name.
        run: The files of the pipeline's own folder.
    """

    folder: RunFolder
    name: str
    title: str
    seeds: tuple[int, ...]
    steps: tuple[Step, ...]
    story: tuple[str, ...]
    questions: Mapping[str, Any]
    scale: str | None
    jobs: int
    inputs: Mapping[str, str]
    run: RunRecord
    _by_key: Mapping[str, Step] = field(default_factory=dict)

    def named(self, name: str) -> list[Step]:
        """A step for every seed that has one."""
        return [step for step in self.steps if step.name == name]

    def by_key(self, key: str) -> Step | None:
        """The step of that key."""
        return self._by_key.get(key)

    def of(self, name: str, seed: int) -> Step | None:
        """A step as a seed sees it: its own, or the only one there is, which serves all seeds."""
        found = self.named(name)
        own = next((step for step in found if step.seed == seed), None)
        return found[0] if own is None and len(found) == 1 else own

    def title_of(self, name: str) -> str:
        """What a step is called on the page."""
        return next((step.title for step in self.named(name)), name.replace("_", " "))

    @property
    def finished(self) -> bool:
        """Whether nothing is left to run."""
        return all(step.state in ("done", "left_out") for step in self.steps)


def is_pipeline(folder: RunFolder) -> bool:
    """Whether a folder is that of a pipeline."""
    return (folder.path / FILE).exists()


def read_pipeline(folder: RunFolder) -> Pipeline:
    """A pipeline and all its steps, their samples aside.

    Raises:
        DataError: If there is no pipeline.json, it is not what it should be, or a step's file cannot be read.
    """
    path = folder.path / FILE
    if not path.exists():
        raise DataError(f"{folder.path} is no pipeline's folder: it holds no {FILE}")
    value = read_object(path)
    entries = _sequence(value.get("steps"), f"{path}: steps")
    steps = tuple(_step(folder, entry, f"{path}: steps[{i}]") for i, entry in enumerate(entries))
    seeds = tuple(s for s in _sequence(value.get("seeds"), f"{path}: seeds") if isinstance(s, int))
    scale = value.get("scale")
    return Pipeline(
        folder=folder,
        name=str(value.get("name") or "pipeline"),
        title=str(value.get("title") or value.get("name") or "Pipeline"),
        seeds=seeds or tuple(sorted({step.seed for step in steps})),
        steps=steps,
        story=tuple(str(name) for name in _sequence(value.get("story"), f"{path}: story")),
        questions=mapping(value.get("questions"), f"{path}: questions"),
        scale=None if scale is None else str(scale),
        jobs=value["jobs"] if isinstance(value.get("jobs"), int) else 1,
        inputs={k: str(v) for k, v in mapping(value.get("inputs"), f"{path}: inputs").items()},
        run=read_run(folder, pipeline=True),
        _by_key={step.key: step for step in steps},
    )


def _step(folder: RunFolder, entry: Any, where: str) -> Step:
    value = mapping(entry, where)
    for key in ("key", "name", "folder"):
        if not isinstance(value.get(key), str) or not value[key]:
            raise DataError(f"{where}.{key} is absent; it should be text")
    seed, seconds = value.get("seed"), value.get("seconds")
    own = RunFolder(folder.path / Path(value["folder"]))
    started = value.get("started")
    return Step(
        key=value["key"],
        name=value["name"],
        seed=seed if isinstance(seed, int) else 0,
        stage=str(value.get("stage") or "unknown"),
        title=str(value.get("title") or value["name"].replace("_", " ")),
        link=value["folder"],
        run=read_run(own, pipeline=True),
        needs=tuple(map(str, _sequence(value.get("needs"), f"{where}.needs"))),
        state=str(value.get("state") or "waiting"),
        reused=value.get("reused") is True,
        why=str(value.get("why") or ""),
        started=None if started is None else str(started),
        seconds=float(seconds) if isinstance(seconds, int | float) and plottable(seconds) else None,
        overrides=tuple(map(str, _sequence(value.get("overrides"), f"{where}.overrides"))),
    )


def mapping(value: Any, where: str) -> Mapping[str, Any]:
    """A JSON object of pipeline.json; none is an empty one.

    Raises:
        DataError: If it is something else; says where.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise DataError(f"{where} should be an object, not a {type(value).__name__}")
    return value


def _sequence(value: Any, where: str) -> Sequence[Any]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise DataError(f"{where} should be a list, not a {type(value).__name__}")
    return value
