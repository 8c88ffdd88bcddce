"""`stage=report`: writes a run's report.html anew, from the files of its folder.

Reads: the folder `stage.run`, of any run that has one. Writes: report.html in it, and nothing else. Of a
pipeline it recomputes the verdicts on its questions, and says where its result.json has others.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from r1light.config.schema import RunConfig
from r1light.core.errors import ConfigError
from r1light.core.run_folder import RunFolder, StageResult

if TYPE_CHECKING:
    from r1light.reports.questions import Answer

MAKES_RUN_FOLDER = False
USES_COMPONENTS = False  # what the run was made with may no longer be installed
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Config:
    """Which run."""

    run: str
    """A run folder."""


def run(config: RunConfig, folder: RunFolder) -> StageResult:
    """Write the page, and print a pipeline's questions with their verdicts.

    Raises:
        ConfigError: There is no such folder.
        DataError: It is no run folder, or a file in it cannot be read.
    """
    from r1light.reports.pipeline_files import is_pipeline

    del folder
    options: Config = config.stage
    shown = RunFolder(Path(options.run))
    if not shown.path.is_dir():
        raise ConfigError(f"stage.run={options.run}: there is no such folder; name one that a run wrote")
    metrics = _pipeline(shown) if is_pipeline(shown) else _one(shown)
    _log.info("report: %s", shown.report)
    return StageResult("report", metrics, {"report": str(shown.report)})


def _one(folder: RunFolder) -> Mapping[str, float]:
    """The page of a run that is no pipeline; a check of data has a page of its own."""
    from r1light.reports.run_files import read_run
    from r1light.reports.run_report import write_report
    from r1light.reports.validation import write_validation_report

    if read_run(folder).stage == "validate" and folder.result.exists() and folder.config.exists():
        write_validation_report(folder)
    else:
        write_report(folder)
    return {}


def _pipeline(folder: RunFolder) -> Mapping[str, float]:
    from r1light.reports.pipeline_report import write_pipeline_report
    from r1light.reports.questions import answer_metrics, answers
    from r1light.reports.run_files import read_run

    write_pipeline_report(folder)
    found = answers(folder.path)
    metrics = answer_metrics(found)
    for line in _lines(found):
        _log.info("%s", line)
    recorded = read_run(folder, pipeline=True).result
    if recorded is not None:
        for line in _differences(metrics, recorded.metrics, found):
            _log.warning("%s", line)
    return metrics


def _lines(found: Sequence[Answer]) -> Iterator[str]:
    """Every question with its verdict, and below it its numbers."""
    from r1light.reports.pipeline_words import compared_words, need_words, side_words

    for answer in found:
        yield f"{answer.name}: {answer.verdict}. {answer.asks}"
        for check in answer.checks:
            numbers = [side_words(check, side) for side in (check.before, check.after) if side is not None]
            said = " -> ".join(numbers)
            if check.compare != "value":
                said += f" ({compared_words(check, check.compared.mean)})"
            need = f", asked for {need_words(check)}" if check.decides else ""
            yield f"  {check.what}: {said}{need}".replace("\u2212", "-").replace("–", "?")


def _differences(
    now: Mapping[str, float], recorded: Mapping[str, float], found: Sequence[Answer]
) -> Iterator[str]:
    """Where result.json says something else of a question than its folders do."""
    ours = tuple(f"{answer.name}_holds" for answer in found)
    prefixes = tuple(f"{answer.name}/" for answer in found)
    names = {name for name in (*now, *recorded) if name in ours or name.startswith(prefixes)}
    for name in sorted(names):
        here, there = now.get(name), recorded.get(name)
        if here is None or there is None or not math.isclose(here, there, rel_tol=1e-9, abs_tol=1e-12):
            yield (
                f"result.json has {name} {_number(there)}, and the run folders give {_number(here)}: "
                "they have changed since, or another version wrote it"
            )


def _number(value: float | None) -> str:
    return "not at all" if value is None else f"{value:.6g}"
