"""What closes a sweep: a table of its runs, and the same as files in its folder.

Hydra tells a callback where the sweep writes. It does not tell it of a sweep in which a job failed, so the
command line itself, in `compared`, sees the end.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.experimental.callback import Callback

from r1light.core.run_folder import write_json

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from r1light.reports.compare_table import Best

_DIRECTIONS: dict[str, Best] = {"minimize": "lowest", "maximize": "highest"}


@dataclass(frozen=True, slots=True)
class _Sweep:
    folder: Path
    best: Best


_begun: list[_Sweep] = []
_HYDRA_WARNS = r"hydra\.utils\.instantiate\(\) resolved _target_='r1light\.sweep\."
"""Hydra 1.4 asks callers for a list of allowed targets, and its own code that makes callbacks gives none."""


class SweepEnd(Callback):
    """Has a sweep end in a comparison; conf/sweep/default.yaml names it."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Remember where the sweep writes, and which way its sweeper optimises if it says so.

        The folder is made at once: a sweeper may keep a study in it before it has a job.
        """
        del kwargs
        wanted = str(config.hydra.sweeper.get("direction", "")).rpartition(".")[2]
        folder = Path(config.hydra.sweep.dir).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        _begun.append(_Sweep(folder, _DIRECTIONS.get(wanted, "auto")))


@contextmanager
def compared(*, shown: bool) -> Iterator[None]:
    """Compare the runs of a sweep that begins inside, however its jobs end. A second signal ends that too.

    Args:
        shown: Whether this process is the one that speaks: the first of a run's.
    """
    _begun.clear()
    warnings.filterwarnings("ignore", message=_HYDRA_WARNS)
    try:
        yield
    except BaseException:  # a signal too: whoever ends a long sweep wants to see what it came to
        _close(shown=shown)
        raise
    _close(shown=shown)


def _close(*, shown: bool) -> None:
    """A comparison that fails takes nothing from the runs, so it says so in a line and no more."""
    for sweep in _begun if shown else ():
        try:
            _compare(sweep)
        except Exception as error:
            line = " ".join(f"{type(error).__name__}: {error}".split())
            print(f"the runs in {sweep.folder} could not be compared: {line}", file=sys.stderr)  # noqa: T201
    _begun.clear()


def _compare(sweep: _Sweep) -> None:
    """Print the table and write comparison.html, .csv and .json, if there are two runs at least."""
    from dataclasses import asdict

    from r1light.core.errors import DataError
    from r1light.reports.compare_page import write_comparison
    from r1light.reports.compare_runs import find_runs, read_runs
    from r1light.reports.compare_summary import comparison_result, empty_note, print_comparison
    from r1light.reports.compare_table import compare

    try:
        found = find_runs([str(sweep.folder)])
    except DataError:
        return  # stages that only print leave no run folder
    if len(found.folders) < 2:
        return
    notes = empty_note(found.empty)
    comparison = compare(read_runs(found.folders), best=sweep.best, more_notes=notes)
    report, table = sweep.folder / "comparison.html", sweep.folder / "comparison.csv"
    write_comparison(comparison, report, table, None)
    write_json(sweep.folder / "comparison.json", asdict(comparison_result(comparison, report, table)))
    print_comparison(comparison)
    print(f"comparison: {report}")  # noqa: T201
