"""pipeline.json: what a pipeline's run folder says of its steps, rewritten at every change."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from r1light.core.run_folder import RunFolder, write_json
from r1light.pipeline.graph import Instance
from r1light.pipeline.reuse import is_finished

FILE = "pipeline.json"
"""Its name in the run folder."""

State = Literal["waiting", "running", "done", "failed", "left_out"]


@dataclass(frozen=True, slots=True)
class StepRow:
    """What is known of one instance of a step.

    Attributes:
        key: The step and its seed, such as "zero@0".
        name: The step.
        seed: Its seed.
        stage: The stage that it runs.
        title: What it is in the recipe.
        folder: Its run folder, from the pipeline's.
        needs: The keys of the instances that it reads or waits for.
        state: How far it is.
        reused: Whether it was not run again, as nothing had changed.
        why: Why it was run or not, or what it failed of.
        started: When it began, in ISO 8601; None before.
        seconds: Its wall time over all sessions; None before.
        overrides: What its command line says, secrets masked.
    """

    key: str
    name: str
    seed: int
    stage: str
    title: str
    folder: str
    needs: tuple[str, ...] = ()
    state: State = "waiting"
    reused: bool = False
    why: str = ""
    started: str | None = None
    seconds: float | None = None
    overrides: tuple[str, ...] = ()


class PipelineRecord:
    """The rows of all instances, and the file that has them."""

    def __init__(self, folder: RunFolder, header: Mapping[str, Any], rows: Sequence[StepRow]) -> None:
        """Take over when and how long steps ran in earlier sessions, and write the file.

        Args:
            folder: The pipeline's run folder.
            header: What stands in the file before the steps.
            rows: The instances, in their order.
        """
        earlier = read_record(folder)
        self._folder, self._header = folder, header
        self._before = _number(earlier.get("wall_seconds"))
        self._start = time.monotonic()
        known = {row.key: row for row in earlier_rows(folder)}
        self._rows = {row.key: _with_times(row, known.get(row.key)) for row in rows}
        self.save()

    @property
    def wall_seconds(self) -> float:
        """Wall time of the pipeline over all sessions; of a killed one, until its last change."""
        return self._before + time.monotonic() - self._start

    @property
    def rows(self) -> tuple[StepRow, ...]:
        """All rows, in the pipeline's order."""
        return tuple(self._rows.values())

    def row(self, key: str) -> StepRow:
        """The row of one instance."""
        return self._rows[key]

    def update(self, key: str, **changes: Any) -> StepRow:
        """Change a row, and write the file."""
        self._rows[key] = replace(self._rows[key], **changes)
        self.save()
        return self._rows[key]

    def save(self) -> None:
        """Write the file, atomically.

        Raises:
            StorageError: It cannot be written.
        """
        rows = [asdict(row) for row in self._rows.values()]
        times = {"wall_seconds": round(self.wall_seconds, 3)}
        write_json(self._folder.path / FILE, {**self._header, **times, "steps": rows})


def begin_record(
    folder: RunFolder, header: Mapping[str, Any], instances: Sequence[Instance], names: set[str]
) -> PipelineRecord:
    """pipeline.json at the start: steps that are left out are done where an earlier run finished them.

    Args:
        folder: The pipeline's run folder.
        header: What stands in the file before the steps.
        instances: The graph.
        names: The steps that are to run.
    """

    def row(one: Instance) -> StepRow:
        asked = one.name in names
        finished = not asked and is_finished(RunFolder(folder.path / one.folder))
        return StepRow(
            one.key, one.name, one.seed, one.spec.stage, one.spec.title, one.folder, one.needs,
            state="waiting" if asked else "done" if finished else "left_out",
            reused=finished,
            why="" if asked else "it was not asked for",
        )  # fmt: skip

    return PipelineRecord(folder, header, [row(instance) for instance in instances])


def read_record(folder: RunFolder) -> dict[str, Any]:
    """What pipeline.json holds; an empty dict where there is none that can be read."""
    try:
        record = json.loads((folder.path / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def earlier_rows(folder: RunFolder) -> list[StepRow]:
    """The rows that an earlier session left; those that cannot be understood are left out."""
    names = {field.name for field in fields(StepRow)}
    rows = []
    for plain in read_record(folder).get("steps") or []:
        try:
            row = StepRow(**{key: value for key, value in plain.items() if key in names})
        except (AttributeError, TypeError):
            continue
        rows.append(replace(row, needs=tuple(row.needs), overrides=tuple(row.overrides)))
    return rows


def is_whole(folder: RunFolder) -> bool:
    """Whether every step of the pipeline in that folder is done: none waits, failed or was left out."""
    rows = earlier_rows(folder)
    return folder.result.exists() and bool(rows) and all(row.state == "done" for row in rows)


def _with_times(row: StepRow, earlier: StepRow | None) -> StepRow:
    if earlier is None:
        return row
    return replace(row, started=earlier.started, seconds=earlier.seconds)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
