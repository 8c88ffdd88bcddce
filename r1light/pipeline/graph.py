"""The graph of a pipeline: one instance of a step a seed, in an order in which each finds what it reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from r1light.config.pipeline_schema import PipelineSpec, StepSpec
from r1light.core.errors import ConfigError, unknown_name
from r1light.pipeline.references import Reference, references_in


@dataclass(frozen=True, slots=True)
class Instance:
    """A step for one seed.

    Attributes:
        name: The step's name.
        seed: Its seed.
        spec: The step.
        needs: The keys of the instances that must have ended before it.
        reads: What it refers to, each with the key of the instance that has it; None for an input's.
    """

    name: str
    seed: int
    spec: StepSpec
    needs: tuple[str, ...] = ()
    reads: tuple[tuple[Reference, str | None], ...] = ()

    @property
    def key(self) -> str:
        """What it is called, such as "zero@0"."""
        return f"{self.name}@{self.seed}"

    @property
    def folder(self) -> str:
        """Its run folder, from the pipeline's."""
        return f"steps/{self.name}/seed-{self.seed}"

    def source(self, reference: Reference) -> str:
        """The key of the instance that a reference to a step is of."""
        return next(key for each, key in self.reads if each == reference and key is not None)


def build_graph(pipeline: PipelineSpec, seeds: Sequence[int]) -> tuple[Instance, ...]:
    """Every step's instances, each behind those that it needs.

    Seed by seed, and within a seed as the YAML has them, as far as what they need allows it. A step with
    `each_seed: false` has one instance, of the first seed, which serves all seeds.

    Args:
        pipeline: Steps and inputs.
        seeds: At least one.

    Raises:
        ConfigError: A reference names a step or an input that does not exist, steps wait for each other, or
            a step with a seed of its own is to run with several.
    """
    _check_seeds(pipeline, seeds)
    found = {name: list(_references(pipeline, name)) for name in pipeline.steps}
    needed = {
        name: tuple(
            dict.fromkeys([one.step for one in found[name] if one.step is not None] + list(step.after))
        )
        for name, step in pipeline.steps.items()
    }
    ordered = _ordered(needed)
    instances = []
    for seed in seeds:
        for name in ordered:
            step = pipeline.steps[name]
            if step.each_seed or seed == seeds[0]:
                keys = {other: _key(pipeline, other, seed, seeds) for other in needed[name]}
                reads = tuple((one, None if one.step is None else keys[one.step]) for one in found[name])
                instances.append(Instance(name, seed, step, tuple(keys.values()), reads))
    return tuple(instances)


def _check_seeds(pipeline: PipelineSpec, seeds: Sequence[int]) -> None:
    for name, step in pipeline.steps.items():
        if len(seeds) > 1 and step.each_seed and "seed" in step.options:
            raise ConfigError(
                f"pipeline.steps.{name}.options.seed={step.options['seed']} would make its {len(seeds)} "
                "seeds one; leave it out, or set each_seed: false"
            )


def with_all_needs(instances: Sequence[Instance], key: str) -> set[str]:
    """The keys of all that an instance needs, and of what those need."""
    by_key = {instance.key: instance for instance in instances}
    found: set[str] = set()
    left = list(by_key[key].needs)
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            left += by_key[one].needs
    return found


def _key(pipeline: PipelineSpec, name: str, seed: int, seeds: Sequence[int]) -> str:
    return f"{name}@{seed if pipeline.steps[name].each_seed else seeds[0]}"


def _references(pipeline: PipelineSpec, name: str) -> Iterator[Reference]:
    """A step's references, checked against what exists."""
    step = pipeline.steps[name]
    where = f"pipeline.steps.{name}"
    texts = {"groups": step.groups, "options": step.options}
    for path, reference in references_in(texts, where):
        of_step = reference.step is not None
        wanted = reference.step if reference.step is not None else reference.name
        known = pipeline.steps if of_step else pipeline.inputs
        if wanted not in known:
            raise ConfigError(
                f"{path}: {reference}: {unknown_name('step' if of_step else 'input', wanted, known)}"
            )
        yield reference


def _ordered(needed: Mapping[str, Sequence[str]]) -> list[str]:
    """The names so that each stands behind those it needs, and as given where that leaves a choice.

    Raises:
        ConfigError: Some wait for each other; names them in a circle.
    """
    ordered: list[str] = []
    left = list(needed)
    while left:
        ready = next((name for name in left if all(other in ordered for other in needed[name])), None)
        if ready is None:
            raise ConfigError(
                f"pipeline.steps: {' -> '.join(_circle(needed, left))}: each waits for the next; "
                "break the circle"
            )
        ordered.append(ready)
        left.remove(ready)
    return ordered


def _circle(needed: Mapping[str, Sequence[str]], left: Sequence[str]) -> list[str]:
    """Steps that wait for each other, from one round to itself; each of `left` waits for one of them."""
    path = [left[0]]
    while True:
        following = next(name for name in needed[path[-1]] if name in left)
        if following in path:
            return [*path[path.index(following) :], following]
        path.append(following)
