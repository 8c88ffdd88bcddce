"""The top of a run's report: what ran, the numbers before and after, and what the run said of itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from r1light.reports.axes import duration_text, number_text, plottable
from r1light.reports.changes import Change, changes, is_fraction, label
from r1light.reports.html import Child, Html, join, tag
from r1light.reports.run_files import RunRecord
from r1light.reports.tables import facts, fold, table

_CARDS = 4
_NAMED = ("r1light", "python", "torch", "lightning", "transformers")
"""Versions that the header names; the manifest below holds them all."""


def _words(value: Any) -> str:
    """A value of the manifest in one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_words(inner)}" for name, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_words, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


def _flat(value: Mapping[str, Any], above: str = "") -> Iterable[tuple[str, str]]:
    for name, inner in value.items():
        if isinstance(inner, Mapping):
            yield from _flat(inner, f"{above}{name} / ")
        else:
            yield f"{above}{name}", _words(inner)


def _command(manifest: Mapping[str, Any]) -> str | None:
    sessions = manifest.get("sessions") or []
    if not sessions:
        return None
    return " ".join(["python -m r1light", *map(str, sessions[0].get("overrides") or [])])


def hardware_words(found: Mapping[str, Any]) -> str:
    """The manifest's hardware in a line; accelerators alike are counted."""
    devices = [str(device) for device in found.get("accelerators") or []]
    told = [f"{devices.count(device)} × {device}" for device in dict.fromkeys(devices)]
    if "cores" in found:
        told.append(f"{found['cores']} processor cores")
    if "memory_gib" in found:
        told.append(f"{number_text(found['memory_gib'])} GiB of memory")
    return ", ".join([*told, *(str(found[key]) for key in ("machine", "system") if key in found)])


def git_words(found: Mapping[str, Any]) -> str:
    """The manifest's git revision, and whether files differed from it."""
    return str(found.get("revision", ""))[:12] + (", with changes" if found.get("modified") else "")


def _starts(manifest: Mapping[str, Any]) -> str | None:
    started, again = manifest.get("started"), len(manifest.get("sessions") or []) - 1
    if not started:
        return None
    moment = str(started).replace("T", " ").replace("+00:00", " UTC")
    return moment + (f", resumed {again} time{'s' if again > 1 else ''}" if again > 0 else "")


def _measured(run: RunRecord) -> list[tuple[str, str]]:
    told = []
    spans = (
        ("training time", run.metrics.get("train_seconds")),
        ("wall time", run.manifest.get("wall_seconds")),
    )
    for name, seconds in spans:
        if isinstance(seconds, int | float) and plottable(seconds):
            told.append((name, duration_text(seconds)))
    for name, key in (("iterations", "iteration"), ("updates", "update"), ("tokens", "num_tokens")):
        counts = [row[key] for row in run.rows if plottable(row.get(key))]
        if counts:
            told.append((name, number_text(max(counts))))
    return told


def header(run: RunRecord) -> list[tuple[str, Child]]:
    """What ran, when, on what and for how long, as names and values; what no file tells is left out."""
    manifest = run.manifest
    versions, hardware, git = (manifest.get(key) or {} for key in ("versions", "hardware", "git"))
    seed = manifest.get("seed")
    told = [
        ("command", _command(manifest)),
        ("seed", None if seed is None else str(seed)),
        ("started", _starts(manifest)),
        *_measured(run),
        ("hardware", hardware_words(hardware)),
        ("versions", ", ".join(f"{name} {versions[name]}" for name in _NAMED if name in versions)),
        ("git revision", git_words(git)),
    ]
    return [(name, value) for name, value in told if value]


def state(run: RunRecord) -> Html | None:
    """A line that says so if the run has not finished."""
    if run.result is not None:
        return None
    last = max((row["iteration"] for row in run.rows if plottable(row.get("iteration"))), default=None)
    until = (
        "no iteration was recorded" if last is None else f"the last recorded iteration is {number_text(last)}"
    )
    return tag("p", f"This run has not finished: it has no result.json; {until}.", class_="note", role="note")


def diagnoses(run: RunRecord) -> Html | None:
    """What the run said about itself when training did not learn, each line once with its iterations."""
    seen: dict[str, list[float]] = {}
    for row in run.rows:
        said = row.get("diagnosis")
        for line in said if isinstance(said, list) else [said]:
            if isinstance(line, str) and line.strip():
                seen.setdefault(line.strip(), []).append(row.get("iteration", 0))
    if not seen:
        return None
    lines = []
    for line, at in seen.items():
        first, last = number_text(min(at)), number_text(max(at))
        span = f"iteration {first}" if len(at) == 1 else f"{len(at)} iterations, {first} to {last}"
        lines.append(tag("li", f"{line} ({span})"))
    return tag("div", tag("strong", "Diagnosis"), tag("ul", lines), class_="note", role="note")


def alarms(run: RunRecord) -> Html | None:
    """Whether the reward model's score rose while the rules' fell, and in which iterations."""
    rang = [row.get("iteration", 0) for row in run.rows if row.get("alarm/reward_hacking") == 1]
    if not rang:
        return None
    lines = [row["alarm"] for row in run.rows if isinstance(row.get("alarm"), str)]
    span = f"{len(rang)} iteration{'s' if len(rang) > 1 else ''}, from {number_text(min(rang))} on"
    told = tag("p", f"{lines[0] if lines else 'reward hacking'} ({span})")
    return tag("div", tag("strong", "Alarm"), told, class_="note", role="note")


def _card(change: Change) -> Html:
    before, after = (number_text(value, percent=change.percent) for value in (change.before, change.after))
    errors = [
        f"± {number_text(1.96 * error, percent=change.percent)} {when}"
        for error, when in ((change.before_stderr, "before"), (change.after_stderr, "after"))
        if error is not None
    ]
    return tag(
        "li",
        tag("div", label(change.name), class_="name"),
        tag("div", tag("span", before, class_="from"), " → ", after, class_="values"),
        tag("div", "; ".join([change.difference, *errors]), class_="change"),
    )


def numbers(run: RunRecord) -> Html | None:
    """Cards of the headline numbers before and after, and every number of the result folded below."""
    if not run.metrics:
        return None
    found = changes(run.metrics)
    rows = [
        [name, number_text(value, percent=is_fraction(name) and not name.endswith("_stderr"))]
        for name, value in run.metrics.items()
    ]
    errors = any(change.before_stderr is not None for change in found)
    said = "Held out, before training → after it." + (" ±: 1.96 standard errors." if errors else "")
    return join(
        [tag("p", said), tag("ul", map(_card, found[:_CARDS]), class_="cards")] if found else None,
        fold("Every number of the result", table(["metric", "value"], rows, class_="numbers")),
    )


def provenance(run: RunRecord) -> Html:
    """Where the products lie, the manifest and the configuration."""
    outputs = run.result.outputs if run.result is not None else {}
    rows = list(_flat(run.manifest))
    config = tag("div", run.config, class_="file", tabindex="0")
    return join(
        facts((name, str(path)) for name, path in outputs.items()) if outputs else None,
        fold("Manifest", table(["name", "value"], rows)) if rows else tag("p", "There is no manifest.json."),
        fold("Configuration", config) if run.config else tag("p", "There is no config.yaml."),
    )
