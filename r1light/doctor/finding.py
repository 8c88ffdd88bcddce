"""One thing that was looked at, and what was found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "note", "warning", "problem"]
"""ok; something that is absent and may be; something that will hurt some runs; something that ends them."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A row of the table.

    Attributes:
        what: What was looked at, such as "disk".
        state: How bad it is.
        told: What was found, in a line.
        advice: What to do about it; empty where there is nothing to do.
    """

    what: str
    state: State
    told: str
    advice: str = ""


def counts(findings: Iterable[Finding]) -> dict[str, float]:
    """How many findings of each state but ok there are, by its plural.

    Example:
        >>> counts([Finding("disk", "ok", "90 GB free"), Finding("torch", "problem", "absent")])
        {'notes': 0.0, 'warnings': 0.0, 'problems': 1.0}
    """
    states = [finding.state for finding in findings]
    return {f"{state}s": float(states.count(state)) for state in ("note", "warning", "problem")}
