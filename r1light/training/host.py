"""What the run takes of the machine."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

_STATM = Path("/proc/self/statm")


def rss_gb() -> float:
    """This process's resident memory in GB (10^9 bytes); its peak where the system tells no more."""
    if _STATM.exists():
        pages = int(_STATM.read_text().split()[1])
        return pages * resource.getpagesize() / 1e9
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e9
