"""The task `logic`: puzzles of the held-out split, for `stage.tasks=[logic]`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from r1light.api import Benchmark, Problem
from r1light_data_logic.source import Logic

INSTRUCTION = (
    "\nReason step by step. End with one line that says knight or knave of each, in the form "
    "Name=knight, Name=knave."
)


class LogicTask:
    """Held-out puzzles with three inhabitants, for models that have learnt no form of answer here."""

    about = Benchmark("Generated knights and knaves", k=4)

    @dataclass(frozen=True, slots=True)
    class Config:
        """Which puzzles."""

        people: list[int] = field(default_factory=lambda: [3])
        """How many inhabitants a puzzle may have."""
        size: int = 256
        """How many puzzles are asked."""
        instruction: str = INSTRUCTION
        """What follows the question; empty where the template says it."""

        def __post_init__(self) -> None:
            if self.size < 1:
                raise ValueError(f"size={self.size} must be at least 1")
            Logic.Config(people=self.people)  # checks them

    def __init__(self, config: Config) -> None:
        self.config = config

    def __iter__(self) -> Iterator[Problem]:
        options = Logic.Config(people=self.config.people, test_size=self.config.size)
        for number, problem in enumerate(Logic(options, "test"), start=1):
            meta = {**problem.meta, "question": problem.prompt}
            prompt = f"{problem.prompt}{self.config.instruction}"
            yield replace(problem, id=f"logic/{number}", prompt=prompt, meta=meta)
