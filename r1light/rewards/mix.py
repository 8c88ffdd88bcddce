"""Several rewards to one number a sample, with errors counted and never taken for a 0."""

from __future__ import annotations

import math
import statistics
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from r1light.core.errors import ResumeError, RewardError, UserError
from r1light.core.protocols import Reward
from r1light.core.types import Sample, Score
from r1light.rewards.deadline import call_in_time

_AROUND_REWARDS = ("mix.py", "deadline.py")


@dataclass(frozen=True, slots=True)
class WeightedReward:
    """One component of a mix.

    Attributes:
        name: Its name in the metrics.
        reward: What scores.
        weight: Its factor in the sum; 0 for a reward that is only watched.
        sources: The sources (`meta.source` of a problem) that it scores; on others it abstains. None for all.
        deadline: Wall-clock seconds that one call may take before the run is ended; None for no bound, as for
            a reward that bounds itself.
    """

    name: str
    reward: Reward
    weight: float = 1.0
    sources: tuple[str, ...] | None = None
    deadline: float | None = None

    def applies_to(self, sample: Sample) -> bool:
        """Whether it scores a sample."""
        return self.sources is None or sample.problem.meta.get("source") in self.sources


@dataclass(slots=True)
class Counts:
    """How often a reward scored, abstained and failed, since the run began."""

    ok: int = 0
    abstain: int = 0
    error: int = 0

    @property
    def seen(self) -> int:
        """All samples."""
        return self.ok + self.abstain + self.error

    @property
    def error_rate(self) -> float:
        """Errors over all samples."""
        return self.error / max(1, self.seen)


@dataclass(frozen=True, slots=True)
class MixedScores:
    """The scores of one batch.

    Attributes:
        totals: The weighted sum a sample, or None for a sample that is to be dropped from its group.
        scores: Each reward's scores by its name, in the samples' order.
    """

    totals: tuple[float | None, ...]
    scores: Mapping[str, tuple[Score, ...]]

    def counts(self, name: str) -> Counts:
        """How often one reward scored, abstained and failed in this batch."""
        return _count(self.scores[name])

    def metrics(self) -> dict[str, float]:
        """`rewards/<name>/mean`, `std` (n - 1; 0 for one score), `error_rate` and `abstain_rate`.

        Mean and std are over the samples that were scored, and absent where none was.
        """
        metrics = {}
        for name, scores in self.scores.items():
            values = [score.value for score in scores if score.value is not None]
            if values:
                metrics[f"rewards/{name}/mean"] = statistics.fmean(values)
                metrics[f"rewards/{name}/std"] = statistics.stdev(values) if len(values) > 1 else 0.0
            counts = self.counts(name)
            metrics[f"rewards/{name}/error_rate"] = counts.error_rate
            metrics[f"rewards/{name}/abstain_rate"] = counts.abstain / max(1, len(scores))
        return metrics


class RewardMix:
    """Weighted sum of rewards over samples that all of them could judge.

    An abstention adds 0. A sample on which every reward abstains, or any fails, has no total. A reward that
    raises, returns the wrong number of scores or a number that is not finite, fails on those samples.

    Example:
        >>> from r1light.rewards.format import Format
        >>> RewardMix([WeightedReward("format", Format(), 0.5)]).score([]).totals
        ()
    """

    def __init__(
        self, components: Sequence[WeightedReward], max_error_rate: float = 0.1, min_samples: int = 64
    ) -> None:
        """Take the components.

        Args:
            components: At least one, of different names, with finite weights.
            max_error_rate: The share of samples in [0, 1], over the whole run, on which a reward may fail.
            min_samples: Samples that a reward must have seen before its error rate counts.

        Raises:
            ValueError: If an argument is out of its range.
        """
        names = [component.name for component in components]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"a reward mix needs components of different names, not {names}")
        if not all(math.isfinite(component.weight) for component in components):
            raise ValueError(f"weights must be finite: {[component.weight for component in components]}")
        if not 0 <= max_error_rate <= 1 or min_samples < 1:
            raise ValueError(
                f"max_error_rate={max_error_rate} must be in [0, 1] and min_samples={min_samples} at least 1"
            )
        self.components = tuple(components)
        late = [component.deadline for component in components if component.deadline is not None]
        if any(not seconds > 0 for seconds in late):
            raise ValueError(f"deadlines must be above 0 seconds: {late}")
        self.max_error_rate = max_error_rate
        self.min_samples = min_samples
        self._counts = {name: Counts() for name in names}
        self._first_errors: dict[str, str] = {}

    def score(self, samples: Sequence[Sample]) -> MixedScores:
        """Score a batch with every reward.

        Raises:
            RewardError: If a reward has failed on more than `max_error_rate` of its samples so far (holds
                the first traceback, or the first failed score's detail), or ran into its deadline.
            UserError: What a reward says of a wrong configuration.
        """
        return self.mixed({part.name: self.scores_of(part, samples) for part in self.components})

    def mixed(self, scores: Mapping[str, tuple[Score, ...]]) -> MixedScores:
        """One batch's scores of every reward, by its name: count them, and weigh them.

        Raises:
            RewardError: See `score`.
        """
        for name, found in scores.items():
            self._add(name, found)
        weights = [component.weight for component in self.components]
        rows = zip(*scores.values(), strict=True)
        return MixedScores(tuple(_total(weights, row) for row in rows), scores)

    def state(self) -> dict[str, dict[str, int]]:
        """The counts since the run began, for a checkpoint."""
        return {name: asdict(counts) for name, counts in self._counts.items()}

    def load_state(self, state: Mapping[str, Mapping[str, int]]) -> None:
        """Go on from the counts of a checkpoint.

        Raises:
            ResumeError: If they are those of other rewards.
        """
        if set(state) != set(self._counts):
            raise ResumeError(
                f"the checkpoint counts rewards {', '.join(sorted(state)) or 'none'}, and this run has "
                f"{', '.join(sorted(self._counts))}; resume with the same rewards, or start with resume=none"
            )
        self._counts = {name: Counts(**state[name]) for name in self._counts}

    def close(self) -> None:
        """Free what rewards hold: those that have a `close` are closed."""
        for component in self.components:
            close = getattr(component.reward, "close", None)
            if close is not None:
                close()

    def scores_of(self, component: WeightedReward, samples: Sequence[Sample]) -> tuple[Score, ...]:
        """One reward's scores of the samples it applies to, and abstentions on others; counts nothing."""
        mine = [index for index, sample in enumerate(samples) if component.applies_to(sample)]
        scores = [Score.abstain("a reward of other sources")] * len(samples)
        if mine:
            found = self._called(component, [samples[index] for index in mine])
            for index, score in zip(mine, found, strict=True):
                scores[index] = score
        return tuple(scores)

    def _called(self, component: WeightedReward, samples: Sequence[Sample]) -> tuple[Score, ...]:
        """One reward's scores, every failure turned into an error."""
        try:
            scores = tuple(call_in_time(component.reward, samples, component.name, component.deadline))
        except (RewardError, UserError):  # no fault of a sample: the run cannot go on
            raise
        except Exception as error:  # a failing reward must cost its samples only, up to max_error_rate
            self._first_errors.setdefault(component.name, _told(error))
            return (Score.error(f"{type(error).__name__}: {error}"),) * len(samples)
        if len(scores) != len(samples):
            return (Score.error(f"returned {len(scores)} scores for {len(samples)} samples"),) * len(samples)
        return tuple(map(_checked, scores))

    def _add(self, name: str, scores: Sequence[Score]) -> None:
        """Count a batch, and stop the run where a reward fails too often."""
        batch, counts = _count(scores), self._counts[name]
        counts.ok, counts.abstain = counts.ok + batch.ok, counts.abstain + batch.abstain
        counts.error += batch.error
        for score in scores:
            if score.status == "error":
                self._first_errors.setdefault(name, score.detail)
                break
        if counts.seen >= self.min_samples:
            self._check(name)

    def check(self) -> None:
        """Look at the error rates at the end, where a short run may have seen few samples.

        Raises:
            RewardError: If a reward has failed on more than `max_error_rate` of its samples.
        """
        for name in self._counts:
            self._check(name)

    def _check(self, name: str) -> None:
        counts = self._counts[name]
        if counts.error_rate > self.max_error_rate:
            raise RewardError(
                f"reward {name!r} failed on {counts.error} of {counts.seen} samples, more than "
                f"reward.max_error_rate={self.max_error_rate:g}; the first failure:\n"
                f"{self._first_errors.get(name, 'before this run was resumed')}"
            )


def _told(error: Exception) -> str:
    """An exception with the frames of the reward itself, and the notes that another process left."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None and _is_ours(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace)).rstrip()


def _is_ours(file: str) -> bool:
    """Whether a frame is of the mix and not of a reward."""
    return Path(file).parent == Path(__file__).parent and Path(file).name in _AROUND_REWARDS


def _count(scores: Sequence[Score]) -> Counts:
    statuses = [score.status for score in scores]
    return Counts(statuses.count("ok"), statuses.count("abstain"), statuses.count("error"))


def _checked(score: Score) -> Score:
    """The score, or an error where a plugin returned something else."""
    if not isinstance(score, Score):
        return Score.error(
            f"returned {type(score).__name__} {score!r:.80} where a Score belongs, such as Score.ok(1.0) or "
            "Score.abstain(); a function under @per_sample returns plain numbers"
        )
    if score.value is not None and not math.isfinite(score.value):
        return Score.error(f"returned {score.value}, which is not finite")
    return score


def _total(weights: Sequence[float], scores: Sequence[Score]) -> float | None:
    """The weighted sum, or None for a sample to drop."""
    if any(score.status == "error" for score in scores) or all(score.status == "abstain" for score in scores):
        return None
    return sum(
        weight * score.value for weight, score in zip(weights, scores, strict=True) if score.value is not None
    )
