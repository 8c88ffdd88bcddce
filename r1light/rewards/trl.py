"""Reward functions in TRL's form, unchanged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from r1light.core.types import Problem, Sample, Score
from r1light.rewards.foreign import ForeignFunction, check_reference
from r1light.rewards.problem_fields import columns_of, field_of

DEADLINE_SECONDS = 300.0


class Trl:
    """`f(prompts, completions, **columns) -> list[float | None]`, as TRL's GRPOTrainer takes it.

    The function runs in a process of its own and is called once for each batch (in training, a group), with
    keyword arguments only:

    - `prompts`, `completions`: texts, or with `form=chat` lists of messages (`{"role", "content"}`);
    - `completion_ids` (and `completions_ids`, as TRL's documentation also has it): token ids;
    - every column of the problem: `id`, `answer`, `grader`, `language`, `tests`, all keys of its `meta`, and
      those that `columns` names; `solution`, `ground_truth` and `target` are the answer unless `meta` has
      such a key;
    - `trainer_state.global_step` (how often the weights were synced, 0 at first), and `log_extra` and
      `log_metric`, whose values stand in the scores' details.

    A function without `**kwargs` gets those that it names. A coroutine function is awaited. None abstains; an
    exception is an error of the whole batch.
    """

    keeps_deadline = True

    @dataclass(frozen=True, slots=True)
    class Config:
        """Which function, and what it is given."""

        function: str
        """`module:function` or `path/file.py:function`, from the folder where the run was started."""
        form: Literal["text", "chat"] = "text"
        """What prompts and completions are: texts, or conversations."""
        prefill: bool = True
        """Whether a completion is given with its prefill (such as `<think>`) in front."""
        columns: dict[str, str] = field(default_factory=dict)
        """Further columns: name to a field of the problem, such as `gold: answer` or `level: meta.level`."""
        startup_seconds: float = 120.0
        """Wall-clock seconds that loading the function may take."""

        def __post_init__(self) -> None:
            check_reference(self.function)
            if not self.startup_seconds > 0:
                raise ValueError(f"startup_seconds={self.startup_seconds} must be above 0")
            for place in self.columns.values():
                field_of(Problem("", "", ""), place)

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
        """Score a batch by one call of the function."""
        if not samples:
            return []
        ids = [list(sample.completion.token_ids) for sample in samples]
        columns = self._columns([sample.problem for sample in samples]) | {
            "prompts": [self._prompt(sample) for sample in samples],
            "completions": [self._completion(sample) for sample in samples],
            "completion_ids": ids,
            "completions_ids": ids,
        }
        step = max(sample.completion.weights_version for sample in samples)
        return self.function.call({"style": "trl", "columns": columns, "step": step}).scores()

    def close(self) -> None:
        """End the function's process."""
        self.function.close()

    def _columns(self, problems: Sequence[Problem]) -> dict[str, list[Any]]:
        """One list a column; None where a problem of the batch lacks what another has."""
        rows: list[Mapping[str, Any]] = [
            columns_of(problem)
            | {name: field_of(problem, place) for name, place in self.config.columns.items()}
            for problem in problems
        ]
        names = dict.fromkeys(name for row in rows for name in row)
        return {name: [row.get(name) for row in rows] for name in names}

    def _prompt(self, sample: Sample) -> Any:
        prompt = sample.problem.prompt
        if self.config.form == "text":
            return (
                sample.prompt_text.removesuffix(sample.prefill) if self.config.prefill else sample.prompt_text
            )
        if isinstance(prompt, str):
            return [{"role": "user", "content": prompt}]
        return [{"role": message.role, "content": message.content} for message in prompt]

    def _completion(self, sample: Sample) -> Any:
        text = (sample.prefill if self.config.prefill else "") + sample.completion.text
        return text if self.config.form == "text" else [{"role": "assistant", "content": text}]
