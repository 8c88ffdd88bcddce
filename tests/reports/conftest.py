from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from r1light.core.run_folder import RunFolder

Make = Callable[..., RunFolder]


def sample_row(**changed: Any) -> dict[str, Any]:
    """A row of samples.jsonl; keys given replace the defaults."""
    row: dict[str, Any] = {
        "phase": "train",
        "iteration": 1,
        "problem_id": "p/1",
        "prompt": "Compute 2+3",
        "prefill": "<think>",
        "completion": "2+3 is 5</think> <answer>5</answer>",
        "finish_reason": "stop",
        "reference": "5",
        "thinking": "2+3 is 5",
        "answer": "5",
        "well_formed": True,
        "reward": 1.1,
        "scores": {"accuracy": {"value": 1.0, "status": "ok", "detail": "equal"}},
        "advantage": 0.5,
        "tokens": 12,
    }
    return {**row, **changed}


@pytest.fixture
def sample() -> Callable[..., dict[str, Any]]:
    return sample_row


@pytest.fixture
def make_run(tmp_path: Path) -> Make:
    """Write a run folder from the files' contents; what is not given is not written."""

    def make(
        *,
        rows: Iterable[Mapping[str, Any]] | None = None,
        samples: Iterable[Mapping[str, Any]] | None = None,
        result: Mapping[str, Any] | None = None,
        manifest: Mapping[str, Any] | None = None,
        config: str | None = None,
        name: str = "run",
    ) -> RunFolder:
        folder = RunFolder(tmp_path / name)
        folder.path.mkdir(exist_ok=True)
        for path, lines in ((folder.metrics, rows), (folder.samples, samples)):
            if lines is not None:
                path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        for path, value in ((folder.result, result), (folder.manifest, manifest)):
            if value is not None:
                path.write_text(json.dumps(value), encoding="utf-8")
        if config is not None:
            folder.config.write_text(config, encoding="utf-8")
        return folder

    return make


@pytest.fixture
def lay_run(make_run: Make) -> Make:
    """Write a run folder of a stage as it looks when it has ended; what is given replaces the defaults."""

    def lay(
        name: str,
        *,
        seed: int = 0,
        options: Mapping[str, Any] | None = None,
        metrics: Mapping[str, float] | None = None,
        stage: str = "grpo",
        overrides: Iterable[str] = (),
        manifest: Mapping[str, Any] | None = None,
        rows: Iterable[Mapping[str, Any]] | None = None,
    ) -> RunFolder:
        (make_run(name=".").path / name).mkdir(parents=True, exist_ok=True)
        config = {"stage": {"name": stage, **(options or {})}, "seed": seed, "objective": None}
        told = {"stage": stage, "seed": seed, "sessions": [{"overrides": list(overrides)}]}
        return make_run(
            name=name,
            config=json.dumps(config),  # JSON is YAML
            manifest={**told, **(manifest or {})},
            result=None if metrics is None else {"stage": stage, "metrics": metrics, "outputs": {}},
            rows=rows,
        )

    return lay
