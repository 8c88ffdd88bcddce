"""What finished steps hand on: their outputs and metrics, by reference."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from r1light.config.pipeline_schema import InputSpec
from r1light.core.errors import ConfigError, WorkerError, unknown_name
from r1light.core.run_folder import RunFolder, StageResult
from r1light.pipeline.graph import Instance
from r1light.pipeline.references import Lookup, Reference

HEADLINES = (
    "after/pass@1",
    "pass@1",
    "held_out/accuracy",
    "accuracy",
    "kept",
    "held_out/loss",
    "reward",
    "loss",
)
"""The number that a step is summed up in: the first of these that it has."""


def read_result(folder: RunFolder) -> StageResult:
    """A finished step's result.

    Raises:
        WorkerError: There is none, or it cannot be read.
    """
    try:
        plain = json.loads(folder.result.read_text(encoding="utf-8"))
        return StageResult(str(plain["stage"]), dict(plain["metrics"]), dict(plain["outputs"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WorkerError(f"{folder.result} is absent or broken: {error}") from error


def lookup(root: Path, instance: Instance, folders: Mapping[str, str], inputs: Mapping[str, str]) -> Lookup:
    """What an instance's references stand for.

    Args:
        root: The pipeline's run folder.
        instance: The one that reads.
        folders: The run folder of every instance, from the pipeline's, by key.
        inputs: The paths that the user gave.

    What it gives raises ConfigError where an output was deleted since.
    """

    def find(reference: Reference) -> str | float:
        if reference.kind == "input":
            return inputs[reference.name]
        folder = RunFolder(root / folders[instance.source(reference)])
        result = read_result(folder)
        _check(reference, result)
        if reference.kind == "metric":
            return result.metrics[reference.name]
        path = placed(result.outputs[reference.name], folder)
        if not Path(path).exists():
            raise ConfigError(f"{reference}: {path} is gone; run {reference.step} again too, or put it back")
        return path

    return find


def gone_outputs(key: str, folder: RunFolder, instances: Sequence[Instance]) -> list[str]:
    """The outputs of a finished instance that others read, and that are no longer where it wrote them.

    Args:
        key: The instance.
        folder: Its run folder.
        instances: The whole graph.
    """
    outputs = read_result(folder).outputs
    read = [
        reference.name
        for instance in instances
        for reference, source in instance.reads
        if source == key and reference.kind == "output" and reference.name in outputs
    ]
    return [name for name in dict.fromkeys(read) if not Path(placed(outputs[name], folder)).exists()]


def stand_in(root: Path, instance: Instance, folders: Mapping[str, str], inputs: Mapping[str, str]) -> Lookup:
    """Likely values for an instance's references, to check its configuration before anything has run."""

    def find(reference: Reference) -> str | float:
        if reference.kind == "input":
            return inputs.get(reference.name, f"<{reference.name}>")
        if reference.kind == "metric":
            return 1.0
        return str(root / folders[instance.source(reference)] / reference.name)

    return find


def placed(path: str, folder: RunFolder) -> str:
    """An output's path as it is now, where the pipeline's folder was moved since it was written."""
    if Path(path).exists():
        return path
    # what follows steps/NAME/seed-N in the path of before
    _, found, rest = path.partition("/".join(("", *folder.path.parts[-3:], "")))
    moved = folder.path / rest
    return str(moved) if found and moved.exists() else path


def check_readers(key: str, result: StageResult, instances: Sequence[Instance]) -> None:
    """Refuse a result that lacks what other steps read of it.

    Raises:
        ConfigError: Names the step that reads, what it reads, and what there is.
    """
    for instance in instances:
        for reference, source in instance.reads:
            if source == key:
                try:
                    _check(reference, result)
                except ConfigError as error:
                    raise ConfigError(f"pipeline.steps.{instance.name}: {error}") from error


def given_inputs(inputs: Mapping[str, InputSpec]) -> dict[str, str]:
    """Name to path of the inputs that have one."""
    return {name: spec.path for name, spec in inputs.items() if spec.path is not None}


def check_inputs(inputs: Mapping[str, InputSpec], instances: Sequence[Instance]) -> None:
    """Refuse to begin without an input that some step reads.

    Raises:
        ConfigError: Says what it is, or which file is not there.
    """
    for instance in instances:
        for reference, _ in instance.reads:
            if reference.kind != "input":
                continue
            spec = inputs[reference.name]
            key = f"pipeline.inputs.{reference.name}.path"
            if spec.path is None:
                raise ConfigError(f"step {instance.name} needs {spec.what}; set {key}=...")
            if is_lost(spec):
                raise ConfigError(f"{key}={spec.path}: there is no such file; it is to be {spec.what}")


def is_lost(spec: InputSpec) -> bool:
    """Whether an input names a file of rows that is not there; other paths may be names on the hub."""
    suffixes = (".jsonl", ".ndjson", ".json", ".csv", ".parquet")
    return spec.path is not None and Path(spec.path).suffix in suffixes and not Path(spec.path).exists()


def headline(result: StageResult) -> str:
    """A step's number for the log, such as "pass@1 0.421"; empty where it has none of those."""
    name = next((name for name in HEADLINES if name in result.metrics), None)
    return "" if name is None else f"{name} {result.metrics[name]:.4g}"


def _check(reference: Reference, result: StageResult) -> None:
    known = result.metrics if reference.kind == "metric" else result.outputs
    if reference.name not in known:
        raise ConfigError(
            f"{reference}: {unknown_name(f'{reference.kind} of {reference.step}', reference.name, known)}"
        )
