"""The plan of a pipeline, printed before it runs: steps, what they read, batches, memory and time."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from r1light.config.pipeline_schema import InputSpec, StepSpec
from r1light.config.schema import RunConfig
from r1light.pipeline.prospect import Prospect, Prospects, name_of
from r1light.pipeline.results import is_lost
from r1light.pipeline.rows import Rows
from r1light.training.plan import batch_plan, counted

WIDTH = 110
_INPUT = re.compile(r"\$\{input:\s*([^{}\s]+)\s*\}")
_STATES = {"waiting": "", "left_out": "left out"}
_HEADS = ("step", "seeds", "stage", "memory", "time", "")


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step for one seed, as the plan needs it.

    Attributes:
        key: What it is called, such as "zero@0".
        spec: The step, its references as they are written.
        config: Its validated configuration; None where there is none yet. References in it may stand as text,
            or as the paths that they will come to.
        needs: The keys of the steps that must have ended before it.
        state: "waiting", "running", "done", "failed" or "left_out".
    """

    key: str
    spec: StepSpec
    config: RunConfig | None
    needs: tuple[str, ...] = ()
    state: str = "waiting"

    @property
    def inputs(self) -> tuple[str, ...]:
        """The inputs of the pipeline that it reads, in the order in which its texts name them."""
        texts = _texts([self.spec.groups, self.spec.options])
        return tuple(dict.fromkeys(name for text in texts for name in _INPUT.findall(text)))


def plan_lines(
    steps: Sequence[PlannedStep], inputs: Mapping[str, InputSpec], *, accelerator: str = "cpu"
) -> list[str]:
    """The plan, line by line.

    Args:
        steps: In the order in which they run, those of all seeds.
        inputs: What the user gives; a path of None is absent.
        accelerator: The device of this machine, as its driver names it ("NVIDIA H100 80GB HBM3"), or "cpu".
            It stands behind trainer.accelerator=auto. A step that asks for a GPU where there is none is
            reckoned on the paper's, the H800.
    """
    prospects = Prospects(inputs, accelerator)
    seen = [(step, prospects.of(step.key, step.spec, step.config)) for step in steps]
    groups: dict[str, list[tuple[PlannedStep, Prospect]]] = {}
    for step, prospect in seen:
        groups.setdefault(name_of(step.key), []).append((step, prospect))
    absent = {name for name, spec in inputs.items() if spec.path is None}
    read = {name for step in steps if step.state != "left_out" for name in step.inputs}
    lines = [*_table(groups, absent), "", *_batches(groups), *_totals(seen)]
    missing = [name for name in inputs if name in absent & read]
    missing += [name for name in inputs if name in read and is_lost(inputs[name])]
    told = [line for name in missing for line in _missing(name, inputs[name])]
    return [*lines, "", *told] if told else lines


def _table(groups: Mapping[str, Sequence[tuple[PlannedStep, Prospect]]], absent: set[str]) -> Iterator[str]:
    """A row a step, its seeds together; below it what it is and what it reads."""
    rows = {name: _row(name, group) for name, group in groups.items()}
    widths = [max(map(len, column)) for column in zip(_HEADS, *rows.values(), strict=True)]
    yield "  ".join(map(str.ljust, _HEADS, widths)).rstrip()
    for name, group in groups.items():
        step = group[0][0]
        yield "  ".join(map(str.ljust, rows[name], widths)).rstrip()
        kinds = {
            "": [name_of(key) for key in step.needs],
            "inputs ": [one for one in step.inputs if one not in absent],
            "absent inputs ": [one for one in step.inputs if one in absent],
        }
        reads = "; ".join(f"{what}{', '.join(names)}" for what, names in kinds.items() if names)
        told = ": ".join(filter(None, [step.spec.title, f"reads {reads}" if reads else "reads nothing"]))
        yield from textwrap.wrap(told, WIDTH, initial_indent="    ", subsequent_indent="    ")


def _row(name: str, group: Sequence[tuple[PlannedStep, Prospect]]) -> tuple[str, ...]:
    seeds = ",".join(step.key.rpartition("@")[2] for step, _ in group)
    states = {_STATES.get(step.state, step.state) for step, _ in group}
    first = group[0][1]
    mark = "too much memory" if first.too_large else ""
    return (
        name,
        seeds,
        group[0][0].spec.stage,
        _memory(first),
        duration(first.seconds) + (" measured" if first.measured else ""),
        ", ".join(filter(None, [mark, *sorted(states)])),
    )


def _memory(prospect: Prospect) -> str:
    if prospect.memory is None:
        return "?"
    size = prospect.memory / 1e9
    told = f"{size:.0f} GB" if size >= 10 else f"{size:.1f} GB" if size >= 0.1 else f"{size * 1000:.0f} MB"
    return told if prospect.devices == 1 else f"{told} x {prospect.devices}"


def duration(seconds: float | None) -> str:
    """A time in the unit that suits it.

    Example:
        >>> [duration(one) for one in (None, 40, 600, 9000, 864000)]
        ['?', '40 s', '10 min', '2.5 h', '10.0 d']
    """
    if seconds is None:
        return "?"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172800 else f"{seconds / 86400:.1f} d"


def _batches(groups: Mapping[str, Sequence[tuple[PlannedStep, Prospect]]]) -> Iterator[str]:
    """The arithmetic of every step that trains; steps of one arithmetic stand together."""
    told: dict[tuple[str, ...], list[str]] = {}
    for name, group in groups.items():
        step, prospect = group[0]
        if step.config is not None and (lines := _arithmetic(step.config, prospect)):
            told.setdefault(tuple(lines), []).append(name)
    for shared, names in told.items():
        yield from textwrap.wrap(", ".join(names) + ":", WIDTH)
        for line in shared:
            yield from textwrap.wrap(line, WIDTH, initial_indent="    ", subsequent_indent="      ")
    if told:
        yield ""


def _arithmetic(config: RunConfig, prospect: Prospect) -> list[str]:
    options = config.stage
    if config.stage_name == "grpo":
        return batch_plan(options, prospect.devices)
    if config.stage_name == "distill" and options.mode == "on_policy":
        texts = f"{options.updates(0)} updates of {options.batch_size} completions of its own"
        return [f"{texts}, at most {options.max_tokens} tokens each; {_rate(options)}"]
    if config.stage_name not in ("sft", "distill", "reward_model"):
        return []
    words = f"{_rows(prospect.rows)} x {counted(options.epochs, 'epoch')} / {options.batch_size} an update"
    if prospect.rows is not None:
        updates = f"{options.updates(prospect.rows.count):,} updates"
        words += f" = {prospect.rows.known} {updates}" if prospect.rows.known else f" = {updates}"
    if options.max_updates is not None:
        words += f", no more than {options.max_updates:,}"
    longest = f"rows of at most {options.max_length} tokens; " if options.max_length else ""
    return [words, f"{longest}{_rate(options)}"]


def _rows(rows: Rows | None) -> str:
    return "rows (how many is not known yet)" if rows is None else str(rows)


def _rate(options: Any) -> str:
    floor = f" to {options.lr_floor:g} of it" if options.lr_schedule != "constant" else ""
    return f"learning rate {options.lr:g} {options.lr_schedule}{floor}"


def _totals(seen: Sequence[tuple[PlannedStep, Prospect]]) -> list[str]:
    """What is left to do, all seeds together."""
    left = [(step, one) for step, one in seen if step.state not in ("done", "left_out")]
    known = [one for _, one in left if one.seconds is not None]
    seconds = sum(one.seconds or 0.0 for one in known)
    hours = sum((one.seconds or 0.0) / 3600 * one.devices for one in known if one.device != "cpu")
    unknown = len(left) - len(known)
    devices = sorted({one.device for one in known})
    lines = [
        f"in all: {counted(len(left), 'step')} to run"
        + (f" ({len(seen) - len(left)} done or left out)" if len(left) < len(seen) else "")
        + f", {duration(seconds)} one after another"
        + (f" ({hours:,.0f} device hours)" if hours else "")
        + (f" on {', '.join(devices)}" if devices else "")
        + (f"; besides {counted(unknown, 'step')} whose time is not known yet" if unknown else "")
    ]
    if any(not one.measured for one in known):
        lines.append("memory and time are estimates unless measured; docs/pipeline.md says how they are made")
    return [part for line in lines for part in textwrap.wrap(line, WIDTH, subsequent_indent="    ")]


def _missing(name: str, spec: InputSpec) -> list[str]:
    lost = "" if spec.path is None else f"; there is no file {spec.path}"
    told = f"missing: {name}: {spec.what}{lost}; give pipeline.inputs.{name}.path=..."
    return textwrap.wrap(told, WIDTH, subsequent_indent="    ", break_on_hyphens=False)


def _texts(value: Any) -> Iterator[str]:
    """All texts in plain data."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
