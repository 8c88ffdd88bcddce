"""A mix of rewards of which some go on while the engine writes: those that wait for other processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from r1light.core.types import Sample, Score
from r1light.rewards.aside import Aside, Task
from r1light.rewards.deadline import late_error
from r1light.rewards.mix import MixedScores, RewardMix


@dataclass(frozen=True, slots=True)
class Begun:
    """A batch of which some rewards may still be at work."""

    mix: RewardMix
    samples: Sequence[Sample]
    tasks: Mapping[str, Task[tuple[Score, ...]]]

    @property
    def done(self) -> bool:
        """Whether `settle` does not wait."""
        return all(task.done for task in self.tasks.values())

    def settle(self) -> MixedScores:
        """Wait for the scores, and count them.

        Raises:
            RewardError: A reward failed too often, or was not done at its deadline.
            UserError: What a reward says of a wrong configuration.
        """
        scores = {}
        for component in self.mix.components:
            late = partial(late_error, self.samples, component.name, component.deadline or 0.0)
            scores[component.name] = self.tasks[component.name].result(late)
        return self.mix.mixed(scores)


@dataclass(frozen=True, slots=True)
class Overlapped:
    """Begins batches, which are settled in the same order: they then score what `RewardMix.score` gives.

    A reward is called beside the caller where its `waits_elsewhere(samples)` is true; else at once, as it may
    compute where the engine does, or draw from generators that the run keeps.

    Attributes:
        mix: The rewards.
        beside: Whether any is called beside the caller.
    """

    mix: RewardMix
    beside: bool = True
    aside: Aside = field(default_factory=Aside)

    def begin(self, samples: Sequence[Sample]) -> Begun:
        """Begin to score a batch."""
        tasks = {}
        for component in self.mix.components:
            task = Task(partial(self.mix.scores_of, component, samples), component.deadline)
            waits = getattr(component.reward, "waits_elsewhere", None)
            if self.beside and waits is not None and waits(samples):
                self.aside.add(task)
            else:
                task.run()
            tasks[component.name] = task
        return Begun(self.mix, samples, tasks)

    def drop(self) -> None:
        """Give up the batches that are not settled."""
        self.aside.drop()
