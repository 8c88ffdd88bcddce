"""Tasks whose problems are generated: the held-out splits of the data sources of those names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from r1light.core.types import Benchmark, Problem
from r1light.data.arithmetic import Arithmetic
from r1light.data.countdown import Countdown
from r1light.evaluation.task import Rows


@dataclass(frozen=True, slots=True)
class GeneratedTask:
    """The held-out split of a generated data source; called, it gives the task.

    Attributes:
        name: Its registered name, with which the ids of its problems begin.
        about: What is known of it.
        source: Gives the split's problems, from the source's own config.
        Config: That config.
    """

    name: str
    about: Benchmark
    source: Callable[[Any], Any]
    Config: type[Any]

    def __call__(self, config: Any) -> Rows:
        """The task of a configuration of the source."""
        return Rows(self.about, lambda: self._problems(config))

    def _problems(self, config: Any) -> Iterator[Problem]:
        for number, problem in enumerate(self.source(config), start=1):
            yield replace(problem, id=f"{self.name}/{number}", meta={**problem.meta, "source": self.name})


ARITHMETIC = GeneratedTask(
    "arithmetic",
    Benchmark("Sums of whole numbers", k=4),
    lambda config: Arithmetic(config, split="test"),
    Arithmetic.Config,
)


@dataclass(frozen=True, slots=True)
class CountdownConfig(Countdown.Config):
    """How large the games are, how many there are, and how the answer is asked for."""

    instruction: str = (
        "\nPlease reason step by step, and put the expression alone, such as (1 + 2) * 3, within \\boxed{}."
    )
    """What follows the question; empty for models that learnt the game from the question alone."""


def _countdown(config: CountdownConfig) -> Iterator[Problem]:
    for problem in Countdown(config, split="test"):
        meta = {**problem.meta, "question": problem.prompt}
        yield replace(problem, prompt=f"{problem.prompt}{config.instruction}", meta=meta)


COUNTDOWN = GeneratedTask("countdown", Benchmark("Countdown", k=4), _countdown, CountdownConfig)
