"""Pipelines' folders, fabricated: what their reports read, without a run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from r1light.core.run_folder import RunFolder


def write_lines(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def write_step(root: Path, key: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Write a step's run folder; returns its entry of pipeline.json."""
    name, _, seed = key.partition("@")
    link = f"steps/{name}/seed-{seed}"
    folder = RunFolder(root / link)
    folder.path.mkdir(parents=True)
    stage = given.get("stage", "evaluate")
    if "metrics" in given:
        result = {"stage": stage, "metrics": given["metrics"], "outputs": given.get("outputs", {})}
        folder.result.write_text(json.dumps(result), encoding="utf-8")
    if "manifest" in given:
        folder.manifest.write_text(json.dumps(given["manifest"]), encoding="utf-8")
    if "config" in given:
        folder.config.write_text(given["config"], encoding="utf-8")
    files = (
        ("rows", folder.metrics),
        ("samples", folder.samples),
        ("dropped", folder.path / "dropped.jsonl"),
    )
    for what, path in files:
        if what in given:
            write_lines(path, given[what])
    if given.get("report"):
        folder.report.write_text("<!DOCTYPE html><title>a step</title>", encoding="utf-8")
    kept = ("title", "needs", "state", "reused", "why", "started", "seconds", "overrides")
    entry = {"key": key, "name": name, "seed": int(seed), "stage": stage, "folder": link, "state": "done"}
    return entry | {field: given[field] for field in kept if field in given}


@pytest.fixture
def make_pipeline(tmp_path: Path) -> Callable[..., RunFolder]:
    """Write a pipeline's folder: pipeline.json, and a run folder for each of `steps`, by key."""

    def make(
        steps: Mapping[str, Mapping[str, Any]],
        questions: Mapping[str, Any] | None = None,
        /,
        *,
        name: str = "pipeline",
        result: Mapping[str, float] | None = None,
        **top: Any,
    ) -> RunFolder:
        folder = RunFolder(tmp_path / name)
        folder.path.mkdir()
        entries = [write_step(folder.path, key, given) for key, given in steps.items()]
        value: dict[str, Any] = {
            "name": "mini",
            "title": "A miniature",
            "scale": None,
            "seeds": sorted({entry["seed"] for entry in entries}),
            "jobs": 1,
            "inputs": {},
            "story": [],
            "questions": questions or {},
            "steps": entries,
        }
        (folder.path / "pipeline.json").write_text(json.dumps(value | top), encoding="utf-8")
        if result is not None:
            folder.result.write_text(json.dumps({"stage": "pipeline", "metrics": result}), encoding="utf-8")
        return folder

    return make
