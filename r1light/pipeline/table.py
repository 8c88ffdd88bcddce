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
    rows = [("step", "stage", "needs", "")]
    first: dict[str, Instance] = {}
    for instance in instances:
        first.setdefault(instance.name, instance)
    for instance in first.values():
        needs = ", ".join(key.partition("@")[0] for key in instance.needs) or "-"
        rows.append((instance.name, instance.spec.stage, needs, "" if instance.name in names else "left out"))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows]
    return ["  ".join(line).rstrip() for line in lines]
