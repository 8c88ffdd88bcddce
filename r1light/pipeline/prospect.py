"""What is expected of each step: rows, memory and time, with what earlier steps hand on."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from r1light.config.pipeline_schema import InputSpec, StepSpec
from r1light.config.schema import RunConfig
from r1light.models.sizes import ModelSize, model_size
from r1light.models.tiny import WEIGHTS
from r1light.pipeline.estimate import ACCELERATORS, Accelerator, memory_of, work_of
from r1light.pipeline.rows import Rows, given_by, rows_in, rows_of

_INPUT = re.compile(r"\$\{input:\s*(\w+)\s*\}|<(\w+)>")
_OUTPUT = re.compile(r"\$\{output:\s*(\w+)\.[^{}]*\}|(?:.*/)?steps/(\w+)/seed-\d+/.*")
"""References as they are written, or what stands for them: a path in a run folder, or an input's name."""


@dataclass(frozen=True, slots=True)
class Prospect:
    """What is expected of a step.

    Attributes:
        rows: Rows that it learns from or problems that it asks; None where that is not known.
        size: Its model; None where that is not known.
        memory: Bytes a device; None where that is not known.
        seconds: Wall-clock seconds; None where they are not known.
        measured: Whether the pipeline's YAML says how long it took.
        device: The accelerator's name.
        devices: How many it takes.
        too_large: Whether a device has less memory.
    """

    rows: Rows | None = None
    size: ModelSize | None = None
    memory: float | None = None
    seconds: float | None = None
    measured: bool = False
    device: str = "cpu"
    devices: int = 1
    too_large: bool = False


class Prospects:
    """Looks at steps in the order in which they run, and remembers what they hand on."""

    def __init__(self, inputs: Mapping[str, InputSpec], accelerator: str) -> None:
        """Start before the first step.

        Args:
            inputs: What the user gives.
            accelerator: The machine's device, as its driver names it, or "cpu".
        """
        self._inputs = inputs
        self._accelerator = accelerator
        self._models: dict[str, ModelSize | None] = {}
        self._data: dict[str, Rows | None] = {}

    def of(self, key: str, spec: StepSpec, config: RunConfig | None) -> Prospect:
        """What is expected of a step; of the same step for another seed the same."""
        if config is None:
            return Prospect(seconds=_measured(spec), measured=spec.minutes is not None)
        device, devices = self._device(spec, config)
        size, rows = self._size(config), rows_of(config, self._rows)
        name = name_of(key)
        self._models[name] = size
        self._data[name] = given_by(config, rows)
        count, tokens = (None, None) if rows is None else (rows.count, rows.tokens)
        work = work_of(config, count, tokens, None if size is None else size.context)
        memory = None if size is None else memory_of(config, size, device, devices)
        seconds = None
        if size is not None and work is not None:
            cores = (config.trainer.threads or os.cpu_count() or 1) if device.name == "cpu" else 1
            seconds = work.seconds(size, device, devices * cores)
        return Prospect(
            rows=rows,
            size=size,
            memory=memory,
            seconds=_measured(spec) or seconds,
            measured=spec.minutes is not None,
            device=device.name,
            devices=devices,
            too_large=None not in (memory, device.memory) and (memory or 0.0) > (device.memory or 0.0),
        )

    def _device(self, spec: StepSpec, config: RunConfig) -> tuple[Accelerator, int]:
        """The device, and how many of it a step takes: processes on a CPU."""
        here = next((one for name, one in ACCELERATORS.items() if name in self._accelerator), None)
        here = here or ACCELERATORS["cpu"]
        asked = config.trainer.accelerator
        if asked == "cpu" or (asked == "auto" and here.name == "cpu"):
            return ACCELERATORS["cpu"], config.trainer.devices
        return (ACCELERATORS["H800"] if here.name == "cpu" else here), max(
            spec.devices, config.trainer.devices
        )

    def _size(self, config: RunConfig) -> ModelSize | None:
        """The size of the step's model: what an earlier step trained is as large as what it began with."""
        path = getattr(config.model.config, "path", None)
        if path is None:
            return model_size(str(WEIGHTS / config.model.name))
        earlier = _OUTPUT.fullmatch(path)
        if earlier is not None:
            return self._models.get(earlier[1] or earlier[2])
        given = self._given(path)
        return None if given is None else model_size(given)

    def _rows(self, path: str) -> Rows | None:
        earlier = _OUTPUT.fullmatch(path)
        if earlier is not None:
            return rows_in(path) or self._data.get(earlier[1] or earlier[2])
        given = self._given(path)
        return None if given is None else rows_in(given)

    def _given(self, path: str) -> str | None:
        """A path as it is, or that of the input that it refers to; None where that is absent."""
        found = _INPUT.fullmatch(path)
        if found is None:
            return path
        spec = self._inputs.get(found[1] or found[2])
        return None if spec is None else spec.path


def name_of(key: str) -> str:
    """A step's name: "zero" of "zero@0"."""
    return key.partition("@")[0]


def _measured(spec: StepSpec) -> float | None:
    return None if spec.minutes is None else 60 * spec.minutes
