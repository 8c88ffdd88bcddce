"""What a run folder's files say, read without trusting them to be complete."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from r1light.core.errors import DataError
from r1light.core.run_folder import RunFolder, StageResult, read_jsonl


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run, as its files tell it; what is absent is empty.

    Attributes:
        folder: Where it lies.
        manifest: manifest.json.
        config: The text of config.yaml.
        rows: The rows of metrics.jsonl.
        result: result.json; None while the run has not finished.
    """

    folder: RunFolder
    manifest: Mapping[str, Any] = field(default_factory=dict)
    config: str = ""
    rows: tuple[Mapping[str, Any], ...] = ()
    result: StageResult | None = None

    @property
    def metrics(self) -> Mapping[str, float]:
        """The result's metrics, none before the run has finished."""
        return self.result.metrics if self.result is not None else {}

    @property
    def stage(self) -> str:
        """The stage's name, from the result, the manifest or the rows, in this order."""
        return self.result.stage if self.result is not None else str(self.manifest.get("stage", "unfinished"))


@dataclass(frozen=True, slots=True)
class SampleScore:
    """What one reward said of one completion."""

    name: str
    value: float | None
    status: str
    detail: str


@dataclass(frozen=True, slots=True)
class SampleRow:
    """One completion that a run kept.

    Attributes:
        phase: "before", "train" or "after".
        iteration: The iteration that drew it.
        problem_id: Its problem.
        prompt: What the model was given, without the prefill.
        prefill: What the completion was made to begin with.
        completion: What the model wrote.
        finish_reason: Why it ended.
        reference: The gold answer, None where there is none.
        thinking: The thoughts that the template found.
        answer: The answer that the template found.
        well_formed: Whether the completion keeps the template's format; None where not recorded.
        reward: The mixed reward; None where dropped or not computed.
        advantage: Its advantage in its group; None outside training.
        tokens: The completion's length; None where not recorded.
        scores: Every reward's score.
    """

    phase: str
    iteration: int
    problem_id: str
    prompt: str
    prefill: str
    completion: str
    finish_reason: str
    reference: str | None
    thinking: str | None
    answer: str | None
    well_formed: bool | None
    reward: float | None
    advantage: float | None
    tokens: int | None
    scores: tuple[SampleScore, ...]

    @property
    def correct(self) -> bool | None:
        """Whether the accuracy score is a full one; None where there is no such score."""
        for score in self.scores:
            if score.name == "accuracy" and score.status == "ok" and score.value is not None:
                return score.value >= 1
        return None


def read_object(path: Path) -> Mapping[str, Any]:
    """A file's JSON object; an empty one where there is no file.

    Raises:
        DataError: If the file holds anything else.
    """
    if not path.exists():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise DataError(f"{path} should hold a JSON object, not a {type(value).__name__}")
    return value


def json_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """The rows of a JSON-lines file; none where there is no file.

    Raises:
        DataError: A line is no JSON object.
    """
    if not path.exists():
        return
    try:
        for row in read_jsonl(path):
            if not isinstance(row, dict):
                raise DataError(f"{path} should hold one JSON object a line, not a {type(row).__name__}")
            yield row
    except ValueError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} holds a line that is not valid JSON: {error}") from error


def _result(path: Path) -> StageResult | None:
    value = read_object(path)
    if not value:
        return None
    metrics, outputs = value.get("metrics") or {}, value.get("outputs") or {}
    for name, inner in (("metrics", metrics), ("outputs", outputs)):
        if not isinstance(inner, dict):
            raise DataError(f"{path}: {name} should be a JSON object, not a {type(inner).__name__}")
    return StageResult(str(value.get("stage", "")), metrics, outputs)


def read_run(folder: RunFolder, *, pipeline: bool = False) -> RunRecord:
    """A run's files, samples.jsonl aside.

    Args:
        folder: Of a finished or an unfinished run; any file in it may be absent.
        pipeline: Whether it is a pipeline's or one of its steps', which may not have begun.

    Raises:
        DataError: If it holds no file of a run at all, or one that cannot be read.
    """
    files = (folder.manifest, folder.config, folder.metrics, folder.result, folder.samples)
    if not pipeline and not any(path.exists() for path in files):
        raise DataError(
            f"{folder.path} is no run folder: it should hold at least one of "
            + ", ".join(path.name for path in files)
        )
    return RunRecord(
        folder,
        read_object(folder.manifest),
        folder.config.read_text(encoding="utf-8", errors="replace") if folder.config.exists() else "",
        tuple(json_rows(folder.metrics)),
        _result(folder.result),
    )


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _maybe(value: object) -> str | None:
    return None if value is None else _text(value)


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _count(value: object) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number == number and abs(number) < 1e15 else None


def _scores(value: object) -> tuple[SampleScore, ...]:
    if not isinstance(value, dict):
        return ()
    found = []
    for name, score in value.items():
        score = score if isinstance(score, dict) else {"value": score}
        found.append(
            SampleScore(
                name,
                _number(score.get("value")),
                _text(score.get("status", "ok")),
                _text(score.get("detail")),
            )
        )
    return tuple(found)


def _sample(row: Mapping[str, Any]) -> SampleRow:
    well_formed = row.get("well_formed")
    return SampleRow(
        phase=_text(row.get("phase")),
        iteration=_count(row.get("iteration")) or 0,
        problem_id=_text(row.get("problem_id")),
        prompt=_text(row.get("prompt")),
        prefill=_text(row.get("prefill")),
        completion=_text(row.get("completion")),
        finish_reason=_text(row.get("finish_reason")),
        reference=_maybe(row.get("reference")),
        thinking=_maybe(row.get("thinking")),
        answer=_maybe(row.get("answer")),
        well_formed=well_formed if isinstance(well_formed, bool) else None,
        reward=_number(row.get("reward")),
        advantage=_number(row.get("advantage")),
        tokens=_count(row.get("tokens")),
        scores=_scores(row.get("scores")),
    )


def read_samples(folder: RunFolder) -> Iterator[SampleRow]:
    """The rows of samples.jsonl, one at a time, as the file may be larger than memory.

    Args:
        folder: A run folder; without samples.jsonl there are none.

    Raises:
        DataError: If a line is not a JSON object.
    """
    return map(_sample, json_rows(folder.samples))
