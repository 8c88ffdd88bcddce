"""A run's figures matched with the paper's, of the benchmarks that the run has asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from r1light.reports.axes import number_text, plottable
from r1light.reports.paper_results import BENCHMARKS, MODELS, PaperBenchmark

_IN_UNITS = ("rating", "percentile")
"""Figures that we have in the paper's own unit; others are shares in [0, 1] with us, and percent there."""


@dataclass(frozen=True, slots=True)
class Ours:
    """A figure of the run in the paper's unit, with 1.96 standard errors; None where there is none."""

    value: float
    error: float | None


@dataclass(frozen=True, slots=True)
class PaperFigure:
    """One figure of one benchmark.

    Attributes:
        name: `<task>/<figure>`, as the paper's rows have it.
        title: The benchmark and the figure in words.
        percent: Whether it is in percent.
        ours: The run's; None where it has not this one.
    """

    name: str
    title: str
    percent: bool
    ours: Ours | None

    @property
    def theirs(self) -> list[tuple[str, float]]:
        """The paper's models that have it, with their numbers."""
        return [(model.name, model.values[self.name]) for model in MODELS if self.name in model.values]

    def text(self, value: float) -> str:
        """A number as the paper prints it."""
        return f"{value:.1f}" if self.percent else number_text(round(value))


def paper_tasks(metrics: Mapping[str, float]) -> dict[str, PaperBenchmark]:
    """The benchmarks of a run that the paper has numbers of, in the paper's order."""
    return {name: found for name, found in BENCHMARKS.items() if f"{name}/problems" in metrics}


def paper_figures(metrics: Mapping[str, float]) -> list[PaperFigure]:
    """Their figures: those that the run has too, and at least the one that the benchmark is known by."""
    found = []
    for task, benchmark in paper_tasks(metrics).items():
        for number, (figure, words) in enumerate(benchmark.figures.items()):
            ours = _ours(metrics, task, figure, benchmark)
            if ours is None and number:
                continue
            percent = figure != "rating"
            title = benchmark.title if words == "pass@1" else f"{benchmark.title}, {words}"
            found.append(PaperFigure(f"{task}/{figure}", title, percent, ours))
    return found


def _ours(metrics: Mapping[str, float], task: str, figure: str, benchmark: PaperBenchmark) -> Ours | None:
    names = [figure, *(ours for ours, theirs in benchmark.same.items() if theirs == figure)]
    for name in names:
        value, error = metrics.get(f"{task}/{name}"), metrics.get(f"{task}/{name}_stderr")
        if value is not None and plottable(value):
            scale = 1.0 if figure in _IN_UNITS else 100.0
            return Ours(scale * value, None if error is None else 1.96 * scale * error)
    return None
