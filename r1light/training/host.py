"""What the run takes of the machine, and what the machine has left."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from pathlib import Path

_STATM = Path("/proc/self/statm")
_LIMITS = ("memory.max", "memory.limit_in_bytes")
_USES = ("memory.current", "memory.usage_in_bytes")


def rss_gb() -> float:
    """This process's resident memory in GB (10^9 bytes); its peak where the system tells no more."""
    if _STATM.exists():
        pages = int(_STATM.read_text().split()[1])
        return pages * resource.getpagesize() / 1e9
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e9


def available_memory(proc: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")) -> float | None:
    """Bytes that this process can still take: of the machine, and of the control groups that it is in.

    Args:
        proc: Where the kernel tells of processes.
        groups: Where it tells of control groups, of version 1 or 2.

    Returns:
        Bytes; None where the system does not tell.
    """
    try:
        lines = (proc / "meminfo").read_text().splitlines()
        memberships = (proc / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return None
    found = [1024.0 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    for membership in memberships:
        _, controllers, path = membership.split(":", 2)
        if controllers == "" or "memory" in controllers.split(","):
            found += _left_in_groups(groups / "memory" if controllers else groups, path)
    return min(found) if found else None


def _left_in_groups(root: Path, path: str) -> Iterator[float]:
    """What a control group and those around it have left; of files that are cached all that is idle."""
    inner = root / path.lstrip("/")
    for folder in (inner, *(parent for parent in inner.parents if parent.is_relative_to(root))):
        try:
            limit, used = (_number(folder, names) for names in (_LIMITS, _USES))
            stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        except (OSError, ValueError):  # no limit ("max"), or another version's folder
            continue
        idle = float(stat.get("total_inactive_file") or stat.get("inactive_file") or 0)
        yield max(0.0, limit - used + idle)


def _number(folder: Path, names: tuple[str, ...]) -> float:
    """The number in the first of these files that there is."""
    name = next((name for name in names if (folder / name).exists()), names[0])
    return float(int((folder / name).read_text()))
