"""Reward functions in verl's form, unchanged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from r1light.core.errors import WorkerError
from r1light.core.types import Problem, Sample, Score
from r1light.rewards.foreign import ForeignFunction, FunctionError, check_reference
from r1light.rewards.problem_fields import field_of, source_of

DEADLINE_SECONDS = 300.0


class Verl:
    """`compute_score(data_source, solution_str, ground_truth, extra_info=None)`, as verl calls it.

    The function runs in a process of its own, once for each completion. It returns a number, or a dict with
    `score`, whose other entries stand in the score's detail; a coroutine function is awaited. None abstains.
    What one completion raises, or how long it hangs, costs that completion alone.

    `data_source` is the problem's `meta.data_source`, else what stands before the first `/` of its id.
    `extra_info` is its `meta.extra_info`, else all of `meta`, with `id` and `language` beside.
    """

    keeps_deadline = True

    @dataclass(frozen=True, slots=True)
    class Config:
        """Which function, and what it is given."""

        function: str
        """`module:function` or `path/file.py:function`, from the folder where the run was started."""
        ground_truth: str = "answer"
        """The field of the problem that is the ground truth, such as `answer`, `tests` or `meta.gold`."""
        kwargs: dict[str, Any] = field(default_factory=dict)
        """Further keyword arguments of every call (verl's `reward_kwargs`)."""
        prefill: bool = True
        """Whether `solution_str` has the prefill (such as `<think>`) in front."""
        startup_seconds: float = 120.0
        """Wall-clock seconds that loading the function may take."""

        def __post_init__(self) -> None:
            check_reference(self.function)
            field_of(Problem("", "", ""), self.ground_truth)
            if not self.startup_seconds > 0:
                raise ValueError(f"startup_seconds={self.startup_seconds} must be above 0")

    def __init__(self, config: Config, deadline: float | None = None) -> None:
        """Start the function's process.

        Args:
            config: The function.
            deadline: Wall-clock seconds that one call may take; None for five minutes.

        Raises:
            ConfigError: If the function does not load.
        """
        self.config = config
        self.function = ForeignFunction(config.function, deadline or DEADLINE_SECONDS, config.startup_seconds)

    def __call__(self, samples: Sequence[Sample]) -> list[Score]:
        """Score each completion by a call of its own."""
        return [self._score(sample) for sample in samples]

    def close(self) -> None:
        """End the function's process."""
        self.function.close()

    def _score(self, sample: Sample) -> Score:
        request = {"style": "verl", "arguments": self._arguments(sample)}
        try:
            return self.function.call(request).scores()[0]
        except (FunctionError, WorkerError) as error:
            return Score.error("\n".join([str(error), *getattr(error, "__notes__", ())]))

    def _arguments(self, sample: Sample) -> Mapping[str, Any]:
        problem, config = sample.problem, self.config
        given = problem.meta.get("extra_info")
        extra = dict(given if isinstance(given, Mapping) else problem.meta)
        return {
            "data_source": source_of(problem),
            "solution_str": (sample.prefill if config.prefill else "") + sample.completion.text,
            "ground_truth": field_of(problem, config.ground_truth),
            "extra_info": {"id": problem.id, "language": problem.language} | extra,
            **config.kwargs,
        }
