"""Rewards of general questions, which no rule can judge: what a reward model thinks of the answer.

Each question belongs to the set of helpfulness or to that of safety, and gets that set's model (DeepSeek-R1,
arXiv:2501.12948v2, 3.1 and eq. 9-10). Helpfulness is judged on the final summary alone, harmlessness on the
whole response, its thought included.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from r1light.core.errors import ConfigError, ModelError
from r1light.core.preference import REWARDS, Kind, kind_of
from r1light.core.types import Message, Problem, Sample, Score

if TYPE_CHECKING:
    from r1light.models.scorer import Scorer

DeviceOf = Callable[[], Literal["cpu", "cuda"]]
"""Says where the run computes."""
Load = Callable[[str, str], "Scorer"]
"""A reward model's path and its device to the model, ready to score."""

_LABEL_OF: dict[Kind, str] = {"helpful": "helpful", "safety": "safe"}


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Which reward model, and how it is run."""

    path: str
    """The directory of the model, such as the model/ of a run of stage=reward_model."""
    max_length: int | None = None
    """The longest text, in tokens; longer ones lose their beginning. Null for the model's context."""
    max_batch_tokens: int = 8192
    """The most tokens of one forward pass, padding included."""
    device: Literal["cpu", "cuda"] | None = None
    """Where it computes; null for where the run does."""

    def __post_init__(self) -> None:
        if not self.path:
            raise ValueError("path is empty; name the directory of a reward model")
        if (self.max_length is not None and self.max_length < 2) or self.max_batch_tokens < 1:
            raise ValueError(
                f"max_length={self.max_length} must be at least 2, or null, and "
                f"max_batch_tokens={self.max_batch_tokens} at least 1"
            )


class _ModelReward(ABC):
    """The chance that a reward model gives an answer, sigmoid(logit), in (0, 1); see the subclasses."""

    kind: Kind

    def __init__(self, config: ModelConfig, run_device: DeviceOf, load: Load | None = None) -> None:
        """Take the configuration; the model is loaded when the first answer is to be scored.

        Args:
            config: Which model, and how it is run.
            run_device: Where it computes if the configuration does not say.
            load: Loads a model by path and device; None for `models.scorer.load_scorer`.
        """
        self.config = config
        self._run_device = run_device
        self._load = load
        self._scorer: Scorer | None = None

    def __call__(self, samples: Sequence[Sample]) -> list[Score]:
        """Score the samples; all texts of a call are read in batches of like length.

        Raises:
            UserError: There is no such model, or it is one of the other kind; a problem names a kind that
                there is not.
        """
        name = REWARDS[self.kind]
        scores = [Score.abstain(f"no problem for {name}")] * len(samples)
        rows: dict[int, tuple[int, ...]] = {}
        for index, sample in enumerate(samples):
            if kind_of(sample.problem) != self.kind:
                continue
            text = self._text(sample)
            if text is None or not text.strip():
                scores[index] = Score.ok(0.0, "no answer")
            else:
                rows[index] = self._loaded().encode((*_turns(sample.problem), Message("assistant", text)))
        for index, score in zip(rows, self._scores(list(rows.values())), strict=True):
            scores[index] = score
        return scores

    @abstractmethod
    def _text(self, sample: Sample) -> str | None:
        """What of a sample is judged; None where there is nothing."""

    def _scores(self, rows: Sequence[tuple[int, ...]]) -> list[Score]:
        from r1light.models.scorer import scores_of, sigmoid

        if not rows:
            return []
        scorer = self._loaded()
        limit = min(self.config.max_length or scorer.context, scorer.context)
        logits = scores_of(scorer.model, [row[-limit:] for row in rows], self.config.max_batch_tokens)
        notes = [f"its last {limit} of {len(row)} tokens" if len(row) > limit else "" for row in rows]
        return [Score.ok(sigmoid(logit), note) for logit, note in zip(logits, notes, strict=True)]

    def _loaded(self) -> Scorer:
        """The model, read on the first use.

        Raises:
            ModelError: There is none.
            ConfigError: It was trained for the other kind.
        """
        from r1light.models.scorer import load_scorer

        if self._scorer is None:
            if self._load is None:
                check_model(self.config, self.kind)
            load = self._load or load_scorer
            scorer = load(self.config.path, self.config.device or self._run_device())
            _check_label(self.config.path, self.kind, scorer.label)
            self._scorer = scorer
        return self._scorer


class Helpfulness(_ModelReward):
    """What a reward model thinks of the final summary, on problems whose `meta.preference` is helpful.

    A completion without a summary scores 0. On other problems the reward abstains.
    """

    Config = ModelConfig
    kind = "helpful"

    def _text(self, sample: Sample) -> str | None:
        return sample.parsed.answer


class Harmlessness(_ModelReward):
    """What a reward model thinks of the whole response, on problems whose `meta.preference` is safety.

    The response is the prompt's prefill and the completion, its thought included. On other problems the
    reward abstains.
    """

    Config = ModelConfig
    kind = "safety"

    def _text(self, sample: Sample) -> str | None:
        return sample.prefill + sample.completion.text


def _turns(problem: Problem) -> tuple[Message, ...]:
    prompt = problem.prompt
    return (Message("user", prompt),) if isinstance(prompt, str) else prompt


def check_model(config: ModelConfig, kind: Kind) -> None:
    """Look at what the files of a reward model say of it, so that a wrong path ends a run before it trains.

    Args:
        config: Which model.
        kind: Of which questions it is to judge the answers.

    Raises:
        ModelError: There is no reward model at the path.
        ConfigError: It was trained for the other kind.
    """
    from r1light.models.scorer import declared_label

    try:
        label = declared_label(config.path)
    except ModelError as error:
        raise ModelError(f"reward.components.{REWARDS[kind]}.path: {error}") from error
    _check_label(config.path, kind, label)


def _check_label(path: str, kind: Kind, label: str) -> None:
    if label in {other for each, other in _LABEL_OF.items() if each != kind}:
        raise ConfigError(
            f"reward.components.{REWARDS[kind]}.path={path} is a reward model of {label!r}, not of "
            f"{_LABEL_OF[kind]!r}; exchange the two paths"
        )
