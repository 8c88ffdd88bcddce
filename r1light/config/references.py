"""References between a pipeline's steps, as `${output:zero.model}`: composing leaves them as they are.

What they stand for is known when a step starts; see `r1light.pipeline.references`.
"""

from __future__ import annotations

from collections.abc import Callable

from omegaconf import OmegaConf

KINDS = ("output", "metric", "input")
"""An output of a step, a metric of its result.json, and an input of the pipeline."""


def register_references() -> None:
    """Make OmegaConf give references back as text; may be called again."""
    for kind in KINDS:
        OmegaConf.register_new_resolver(kind, _giving_back(kind), replace=True)


def _giving_back(kind: str) -> Callable[..., str]:
    def give_back(*words: object) -> str:
        return f"${{{kind}:{','.join(map(str, words))}}}"

    return give_back
