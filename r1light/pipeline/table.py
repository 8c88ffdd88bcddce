"""A pipeline's steps as a plain table."""

from __future__ import annotations

from collections.abc import Sequence

from r1light.pipeline.graph import Instance


def step_lines(instances: Sequence[Instance], names: set[str]) -> list[str]:
    """A line a step: its name, its stage, what it needs, and whether it is left out.

    Args:
        instances: The graph.
        names: The steps that are to run.
    """
    rows = []
    for instance in {each.name: each for each in reversed(instances)}.values():
        needs = ", ".join(key.partition("@")[0] for key in instance.needs) or "-"
        rows.append((instance.name, instance.spec.stage, needs, "" if instance.name in names else "left out"))
    rows = [("step", "stage", "needs", ""), *reversed(rows)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows]
    return ["  ".join(line).rstrip() for line in lines]
