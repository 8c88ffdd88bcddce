"""One line that says why training does not learn, from the metrics of the last iterations."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

WINDOW = 10
"""Iterations looked back on."""
QUIET = 50
"""Iterations before the same line comes again."""

Row = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Symptom:
    """What to look for in the window, and what to say."""

    shows: Callable[[Sequence[Row]], bool]
    advice: str


def _always(name: str, test: Callable[[float], bool]) -> Callable[[Sequence[Row]], bool]:
    """Whether a metric is there in every row and passes in each."""
    return lambda rows: all(name in row and test(row[name]) for row in rows)


def _mean_above(name: str, bound: float) -> Callable[[Sequence[Row]], bool]:
    return lambda rows: all(name in row for row in rows) and fmean(row[name] for row in rows) > bound


AT_ONCE: Mapping[str, Symptom] = {
    "errors": Symptom(
        lambda rows: any(value > 0 for name, value in rows[-1].items() if name.endswith("/error_rate")),
        "rewards fail on some samples, which are dropped: see the scores' details in samples.jsonl",
    ),
    "unscored": Symptom(
        lambda rows: rows[-1].get("groups/dropped_samples") == 1,
        "no completion has a reward, so nothing is learnt: every reward abstains, or fails, on all of them; "
        "see the scores' details in samples.jsonl",
    ),
}
"""What one iteration is enough to show."""

SYMPTOMS: Mapping[str, Symptom] = {
    "all_wrong": Symptom(
        _mean_above("groups/frac_all_wrong", 0.95),
        "nearly every group is all wrong, so there is nothing to prefer: take easier problems or a larger "
        "group_size, or look in samples.jsonl whether right answers are not recognised",
    ),
    "all_correct": Symptom(
        _mean_above("groups/frac_all_correct", 0.95),
        "nearly every group is all right, so little is left to learn: take harder problems or stop here",
    ),
    "no_variance": Symptom(
        _mean_above("frac_reward_zero_std", 0.95),
        "almost no group has two different rewards, so the gradient is nearly zero: raise the temperature or "
        "group_size, or set stage.dynamic_sampling=true",
    ),
    "clipped": Symptom(
        _mean_above("completions/clipped_ratio", 0.5),
        "more than half of the completions are cut at the cap: raise stage.max_tokens",
    ),
    "entropy": Symptom(
        lambda rows: (
            _always("entropy", lambda value: value < 0.01)(rows)
            and all("groups/frac_all_correct" in row for row in rows)
            and not _mean_above("groups/frac_all_correct", 0.5)(rows)
        ),
        "the entropy is below 0.01 nats a token and accuracy is not high: the policy has collapsed; lower "
        "stage.lr, raise stage.loss.kl_coefficient or stage.loss.clip_high",
    ),
    "mismatch": Symptom(
        _mean_above("sampling/sampling_logp_difference/mean", 0.1),
        "the engine's log-probabilities differ from the trainer's by more than 0.1 nats a token: set "
        "stage.loss.rollout_correction=truncate or look for stale weights",
    ),
}


class Diagnosis:
    """Watches the metrics and speaks up once in a while."""

    def __init__(self) -> None:
        self._rows: deque[Row] = deque(maxlen=WINDOW)
        self._said: dict[str, int] = {}

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps, so that a resumed run says the same."""
        return {"rows": [dict(row) for row in self._rows], "said": dict(self._said)}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take it back."""
        self._rows = deque(state["rows"], maxlen=WINDOW)
        self._said = dict(state["said"])

    def look(self, iteration: int, row: Row) -> str | None:
        """The first symptom that shows and was not named of late, in words; or a reward that never varies."""
        self._rows.append(row)
        rows = list(self._rows)
        whole = len(rows) == WINDOW
        symptoms = {**AT_ONCE, **SYMPTOMS} if whole else AT_ONCE
        found = [(name, symptom.advice) for name, symptom in symptoms.items() if symptom.shows(rows)]
        found += _constant_rewards(rows) if whole else []
        for name, advice in found:
            if iteration - self._said.get(name, -QUIET) >= QUIET:
                self._said[name] = iteration
                return advice
        return None


def _constant_rewards(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Rewards that gave every completion of the window one and the same number below 1."""
    found = []
    for name in rows[0]:
        if not (name.startswith("rewards/") and name.endswith("/std")):
            continue
        reward = name.removeprefix("rewards/").removesuffix("/std")
        value = rows[-1].get(f"rewards/{reward}/mean", float("nan"))
        if value < 1 and all(row.get(name) == 0 for row in rows):
            advice = (
                f"the reward {reward!r} has been {value:g} for every completion of the last {len(rows)} "
                "iterations: "
                "see in samples.jsonl whether the template asks for what it scores"
            )
            found.append((f"constant/{reward}", advice))
    return found
