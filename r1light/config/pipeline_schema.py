"""A pipeline as its YAML writes it: inputs, steps, and the questions that its numbers answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from r1light.core.errors import ConfigError, unknown_name

_NAME = re.compile(r"[a-z][a-z0-9_]*")

_NOT_A_STEPS = {"groups": {"stage", "pipeline"}, "options": {"hydra", "pipeline", "resume"}}
"""What the step's key `stage` says, and what the pipeline decides: it would be passed over in silence."""

Compare = Literal["value", "difference", "ratio"]
"""What is held against a threshold: the number after, after minus before, or after over before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSpec:
    """A file or a model that the user gives."""

    what: str
    """What it is, in a line: what is said where it is absent."""
    path: str | None = None
    """Where it lies: a path, or a name on the hub."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSpec:
    """One stage with its options.

    In texts below `groups` and `options`, `${output:STEP.NAME}` is an output of another step,
    `${metric:STEP.NAME}` a metric of its result.json, and `${input:NAME}` an input of the pipeline.
    """

    stage: str
    """The stage, such as "grpo"."""
    title: str = ""
    """What it is in the recipe, in a few words, such as "cold start"."""
    groups: dict[str, str] = field(default_factory=dict)
    """Choices of configuration groups, such as data: countdown; `experiment` among them."""
    options: dict[str, Any] = field(default_factory=dict)
    """Options below the top, nested as in the configuration: stage: {lr: 1e-4}."""
    after: list[str] = field(default_factory=list)
    """Steps to wait for though nothing of theirs is read."""
    each_seed: bool = True
    """Whether there is one a seed; otherwise one serves all seeds."""
    devices: int = 1
    """Accelerators that it takes of the pipeline's; nothing where there are none."""
    minutes: float | None = None
    """How long it took where the pipeline was measured, for the plan; None for an estimate."""
    deadline_hours: float = 720.0
    """After so long the step is ended, and the pipeline with it."""

    def __post_init__(self) -> None:
        if self.devices < 1:
            raise ValueError(f"devices={self.devices} must be at least 1")
        for name in ("minutes", "deadline_hours"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name}={value} must be above 0")
        if self.stage in ("pipeline", "report", "compare", "chat", "plugins", "doctor"):
            raise ValueError(f"stage={self.stage} is no step of a pipeline")
        for where, taken in _NOT_A_STEPS.items():
            for name in taken & getattr(self, where).keys():
                raise ValueError(f"{where}.{name} is not for a step to say; leave it out")


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueSpec:
    """A number of the run folders: a metric of a step's result, or when a curve reached another's end."""

    step: str
    """The step whose number it is."""
    metric: str
    """Its name in result.json; in metrics.jsonl where `reaches` is given."""
    reaches: str | None = None
    """A step whose curve of this metric ends at a level: the mean of its last three values. The number is
    then how much of `counted` this step's curve needed to come within `tolerance` of that level."""
    counted: str = "update"
    """What is counted until then: a field of metrics.jsonl, such as update or time/total (seconds)."""
    tolerance: float = 0.0
    """How far below the level counts as reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSpec:
    """One number of a question, and what it must be for the claim to hold."""

    what: str
    """What the number is, in words of everyday."""
    after: ValueSpec
    """The number after, or of what the claim is about."""
    before: ValueSpec | None = None
    """The number before, or of what it is compared with."""
    compare: Compare = "difference"
    """What is held against the threshold."""
    at_least: float | None = None
    """The least that holds."""
    at_most: float | None = None
    """The most that holds."""
    percent: bool = False
    """Whether the numbers are shares, shown in percent."""

    def __post_init__(self) -> None:
        if self.before is None and self.compare != "value":
            raise ValueError(f"compare={self.compare} needs before; give it, or compare=value")


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionSpec:
    """A research question. Its claim holds where every check with a threshold holds."""

    asks: str
    """The question."""
    claim: str
    """What the paper claims."""
    paper: str
    """The paper's own numbers, with their source."""
    checks: dict[str, CheckSpec]
    """By a short name; those without a threshold are shown and decide nothing."""
    curve: str | None = None
    """A metric of metrics.jsonl that the question's figure draws, such as eval/pass@1."""
    curve_steps: list[str] = field(default_factory=list)
    """The steps whose curves it draws over `curve_over`."""
    curve_over: str = "update"
    """The axis of that figure: a field of metrics.jsonl."""

    def __post_init__(self) -> None:
        if not any(check.at_least is not None or check.at_most is not None for check in self.checks.values()):
            raise ValueError("no check has a threshold; give one at_least or at_most")


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineSpec:
    """The whole of it."""

    name: str
    """Its name, that of its YAML."""
    title: str
    """What it does, in a line."""
    jobs: int = 1
    """Steps that may run side by side where `stage.jobs` does not say."""
    inputs: dict[str, InputSpec] = field(default_factory=dict)
    """What the user gives."""
    steps: dict[str, StepSpec] = field(default_factory=dict)
    """By name; a step stands behind those that it reads."""
    story: list[str] = field(default_factory=list)
    """The steps that lead from the base to the last model, whose curves the report draws end to end."""
    questions: dict[str, QuestionSpec] = field(default_factory=dict)
    """By name, such as rq1."""
    scales: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By name, such as smoke: what `stage.scale` merges into this pipeline, nested as it is."""

    def __post_init__(self) -> None:
        if self.jobs < 1:
            raise ValueError(f"jobs={self.jobs} must be at least 1")
        if not self.steps:
            raise ValueError("steps is empty; name at least one")
        for name in (*self.inputs, *self.steps):
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name!r} must be small letters, digits and underscores")
        named = {name for name, _ in self._mentions()}
        for name in sorted(named - self.steps.keys()):
            raise ValueError(f"there is no step {name!r}; steps: {', '.join(self.steps)}")

    def _mentions(self) -> list[tuple[str, str]]:
        """Steps that are named anywhere but in references, and where."""
        found = [(name, "story") for name in self.story]
        for key, question in self.questions.items():
            found += [(name, f"questions.{key}") for name in question.curve_steps]
            for check in question.checks.values():
                values = [value for value in (check.after, check.before) if value is not None]
                found += [(value.step, f"questions.{key}") for value in values]
                found += [(value.reaches, f"questions.{key}") for value in values if value.reaches]
        for key, step in self.steps.items():
            found += [(name, f"steps.{key}.after") for name in step.after]
        return found


def check_members(pipeline: Mapping[str, Any]) -> None:
    """Refuse options of a step or an input that there is not: a wrong name on the command line makes one.

    Args:
        pipeline: The pipeline as plain data.

    Raises:
        ConfigError: Names it, and the nearest that there is.
    """
    for group, required in (("steps", "stage"), ("inputs", "what")):
        members = pipeline.get(group)
        if not isinstance(members, Mapping):
            continue
        for name, member in members.items():
            if isinstance(member, Mapping) and required not in member:
                known = [str(each) for each in members if each != name]
                raise ConfigError(
                    f"pipeline.{group}.{name}.{required} is required; set it for a new one, or: "
                    f"{unknown_name(group[:-1], str(name), known)}"
                )
