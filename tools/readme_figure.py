"""The figure of the README: one run of `make demo`, from its metrics.jsonl.

    python tools/readme_figure.py RUN docs/images/demo.svg

matplotlib draws it (`pip install r1light[docs]`). The same run gives the same bytes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

PANELS = (
    ("completions/mean_length", "tokens a completion", False),
    ("language/consistency", "in the language of the question", True),
)
BLUE, ORANGE, GREY = "#2f6fb5", "#d9822b", "#8a8a8a"


def points(rows: list[dict[str, float | None]], name: str) -> tuple[list[float], list[float]]:
    """Iterations and values of a metric, where it was measured."""
    found = [(row["iteration"], row[name]) for row in rows if row.get(name) is not None]
    return [float(x or 0) for x, _ in found], [float(y or 0) for _, y in found]


def style(axes: Axes, title: str, *, percent: bool) -> None:
    """A panel's title, axis and frame."""
    axes.set_title(title, fontsize=10, loc="left")
    axes.set_xlabel("iteration", color=GREY)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=GREY)
    if percent:
        axes.set_ylim(0, 1.02)
        axes.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1.0))
    else:
        axes.set_ylim(bottom=0)


def draw(rows: list[dict[str, float | None]]) -> Figure:
    """Accuracy, length and language over a run."""
    figure = Figure(figsize=(9.6, 2.7), layout="constrained")
    first, *others = figure.subplots(1, 1 + len(PANELS))
    first.plot(*points(rows, "rewards/accuracy/mean"), color=BLUE, linewidth=1.2, label="of the rollouts")
    first.plot(*points(rows, "eval/pass@1"), "o-", color=ORANGE, markersize=4, linewidth=1, label="held out")
    first.legend(frameon=False, fontsize=9, loc="lower right")
    style(first, "right answers", percent=True)
    for axes, (name, title, percent) in zip(others, PANELS, strict=True):
        axes.plot(*points(rows, name), color=BLUE, linewidth=1.2)
        style(axes, title, percent=percent)
    return figure


def main(run: Path, target: Path) -> None:
    """Draw a run's figure into an SVG file."""
    mpl.rcParams["svg.hashsalt"] = "r1light"
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    target.parent.mkdir(parents=True, exist_ok=True)
    draw([json.loads(line) for line in lines]).savefig(target, metadata={"Date": None})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
