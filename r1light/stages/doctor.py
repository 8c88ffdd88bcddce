"""`stage=doctor`: what this machine has, what it lacks, and what to do about it.

    python -m r1light stage=doctor

Reads: the system, the installed packages, the hub's front page. Writes: a table on the console.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from r1light.config.schema import RunConfig
from r1light.core.errors import WorkerError
from r1light.core.run_folder import RunFolder, StageResult

if TYPE_CHECKING:
    from r1light.doctor.finding import Finding

MAKES_RUN_FOLDER = False
USES_COMPONENTS = False
_log = logging.getLogger(__name__)

_STYLES = {"ok": "green", "note": "dim", "warning": "yellow", "problem": "bold red"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """How long what may hang is waited for."""

    name: Literal["doctor"] = "doctor"
    """The stage."""
    trial: bool = True
    """Whether the miniature model is trained for two updates."""
    trial_seconds: float = 180.0
    """After so long it is ended, in seconds."""
    hub_seconds: float = 5.0
    """After so long the hub counts as out of reach, in seconds."""

    def __post_init__(self) -> None:
        for name in ("trial_seconds", "hub_seconds"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}={getattr(self, name)} must be above 0")


def run(config: RunConfig, folder: RunFolder) -> StageResult:
    """Look at everything, and print a table.

    Raises:
        WorkerError: Something is found that ends runs, so that scripts notice; the table says what.
    """
    from rich.console import Console

    from r1light.doctor.finding import counts

    del folder
    findings = list(_findings(config))
    Console(width=None if sys.stdout.isatty() else 140).print(_table(findings))
    metrics = counts(findings)
    if metrics["problems"]:
        problems = ", ".join(each.what for each in findings if each.state == "problem")
        raise WorkerError(f"{problems}: the table says what to do")
    return StageResult("doctor", metrics)


def _findings(config: RunConfig) -> Iterator[Finding]:
    from huggingface_hub import constants

    from r1light.doctor.accelerator import look_at_accelerators
    from r1light.doctor.hub import look_at_hub
    from r1light.doctor.machine import look_at_machine
    from r1light.doctor.packages import look_at_packages
    from r1light.doctor.programs import look_at_sandbox
    from r1light.doctor.trial import run_trial

    yield from look_at_packages()
    yield from look_at_accelerators()
    yield from look_at_machine(Path(constants.HF_HUB_CACHE))
    yield look_at_sandbox(config.sandbox)
    yield from _plugins()
    yield look_at_hub(config.stage.hub_seconds)
    if config.stage.trial:
        _log.info("self-check: two updates of the miniature model, at most %g s", config.stage.trial_seconds)
        words = [f"trainer.accelerator={config.trainer.accelerator}"]
        yield run_trial(words, config.stage.trial_seconds)


def _plugins() -> Iterator[Finding]:
    """A finding for every component that does not import, or one for all."""
    from r1light.core.registry import GROUPS, registry
    from r1light.doctor.finding import Finding
    from r1light.stages.plugins import import_error

    entries = [entry for group in GROUPS for entry in registry(group).entries()]
    errors = [(entry, error) for entry in entries if (error := import_error(entry)) is not None]
    for entry, error in errors:
        yield Finding("plugins", "problem", error, f"mend or uninstall {entry.distribution}")
    if not errors:
        yield Finding("plugins", "ok", f"all {len(entries)} components import")


def _table(findings: Sequence[Finding]) -> object:
    from rich.table import Table
    from rich.text import Text

    table = Table(title="r1light doctor")
    for heading in ("check", "state", "found", "what to do"):
        table.add_column(heading, overflow="fold")
    for each in findings:
        # as Text: what packages and errors say is not markup
        table.add_row(*map(Text, (each.what, each.state, each.told, each.advice)), style=_STYLES[each.state])
    return table
