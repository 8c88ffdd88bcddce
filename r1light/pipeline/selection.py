"""Which steps of a pipeline run: `stage.only`, `stage.start` and `stage.stop`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from r1light.core.errors import ConfigError, unknown_name
from r1light.pipeline.graph import Instance


def selected(
    instances: Sequence[Instance], only: Sequence[str], start: str | None, stop: str | None
) -> set[str]:
    """The names of the steps that are asked for, in the order of the graph from `start` to `stop`.

    Args:
        instances: The graph.
        only: Names of steps; empty for no such choice.
        start: The first one that runs, or None.
        stop: The last one that runs, or None.

    Raises:
        ConfigError: There is no such step, both kinds of choice are given, or nothing is left.
    """
    names = list(dict.fromkeys(instance.name for instance in instances))
    for key, given in (("only", only), ("start", [start] if start else []), ("stop", [stop] if stop else [])):
        for name in given:
            if name not in names:
                raise ConfigError(f"stage.{key}: {unknown_name('step', name, names)}")
    if only and (start or stop):
        raise ConfigError(
            "stage.only goes with neither stage.start nor stage.stop; give the one or the others"
        )
    if only:
        return set(only)
    first = names.index(start) if start else 0
    last = names.index(stop) if stop else len(names) - 1
    if first > last:
        raise ConfigError(
            f"stage.start={start} comes behind stage.stop={stop}; the order is {', '.join(names)}"
        )
    return set(names[first : last + 1])


def check_needs(instances: Sequence[Instance], names: set[str], is_finished: Callable[[str], bool]) -> None:
    """Refuse to leave out what a step needs and what no run before has finished.

    Args:
        instances: The graph.
        names: The steps that are to run.
        is_finished: Whether the instance of a key is finished already.

    Raises:
        ConfigError: Names the first step that lacks something, and what.
    """
    by_key = {instance.key: instance for instance in instances}
    for instance in instances:
        if instance.name not in names:
            continue
        for key in instance.needs:
            if by_key[key].name not in names and not is_finished(key):
                raise ConfigError(
                    f"step {instance.name} needs {key}, which is left out and not finished in this run "
                    f"folder; run {by_key[key].name} too, or name by hydra.run.dir the folder that has it"
                )
