"""A step's configuration as overrides of a command line, in Hydra's grammar."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from r1light.config.pipeline_schema import StepSpec
from r1light.config.quoting import quoted

_PLAIN_KEY = re.compile(r"[A-Za-z_][\w-]*")
_IN_KEYS = re.compile(r"([\\()\[\]{}:=, \t])")


def step_overrides(spec: StepSpec, seed: int, handed_on: Mapping[str, Any]) -> list[str]:
    """What a step's command line says, its folder aside.

    Args:
        spec: The step, with what its references stand for in their places.
        seed: Its seed, unless its options have one.
        handed_on: Options below the top that the pipeline was given for all steps, by group; a step that
            takes another of such a group keeps its own.

    Example:
        >>> step_overrides(StepSpec(stage="grpo", options={"stage": {"lr": 0.1, "stop": ["a"]}}), 3, {})
        ['stage=grpo', 'stage.lr=0.1', "stage.stop=['a']", 'seed=3']
    """
    own = {} if "seed" in spec.options else {"seed": seed}
    general = {key: value for key, value in handed_on.items() if key not in spec.groups}
    lines = [f"stage={spec.stage}", *(f"{group}={choice}" for group, choice in spec.groups.items())]
    values = [*_leaves(general, ""), *_leaves(spec.options, ""), *_leaves(own, "")]
    return lines + [f"{key}={value}" for key, value in dict(values).items()]


def added(lines: list[str]) -> list[str]:
    """The same lines so that a key which no YAML writes is added at once: composing is slow."""
    return [f"++{line}" if "." in line.partition("=")[0] else line for line in lines]


def literal(value: Any) -> str:
    r"""A value in Hydra's grammar; a text in quotes, so that nothing in it is grammar.

    Example:
        >>> [literal(value) for value in (None, True, 0.5, "it's", [1, {"a b": "c"}])]
        ['null', 'true', '0.5', "'it\\'s'", "[1,{a\\ b:'c'}]"]
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        keys = [_IN_KEYS.sub(r"\\\1", str(key)) for key in value]
        inner = [f"{key}:{literal(item)}" for key, item in zip(keys, value.values(), strict=True)]
        return f"{{{','.join(inner)}}}"
    if isinstance(value, list | tuple):
        return f"[{','.join(map(literal, value))}]"
    return quoted(str(value))


def _leaves(value: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    """Dotted keys and values; what has a key that is no word is given as one value."""
    for key, item in value.items():
        here = f"{path}.{key}" if path else str(key)
        if isinstance(item, Mapping) and item and all(_PLAIN_KEY.fullmatch(str(inner)) for inner in item):
            yield from _leaves(item, here)
        else:
            yield here, literal(item)
