"""What `stage=evaluate` looks at besides the graders' verdicts: measures of the text, and rewards."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from r1light.config.schema import RewardSpec, RunConfig
from r1light.core.errors import DataError, unknown_name
from r1light.core.preference import REWARDS, kind_of
from r1light.core.types import Problem, Sample
from r1light.evaluation.outcome import Measures

_log = logging.getLogger(__name__)


def rewards_to_compute(config: RunConfig) -> tuple[RewardSpec, ...]:
    """The rewards that are computed besides the graders' verdicts.

    Raises:
        UnknownNameError: `stage.rewards` names one that the mix does not have.
    """
    components, names = config.reward.components, config.stage.rewards
    for name in names or ():
        if name not in (known := [spec.key for spec in components]):
            raise unknown_name("reward in stage.rewards:", name, known)
    if names is None:
        return tuple(spec for spec in components if spec.name in REWARDS.values())
    return tuple(spec for spec in components if spec.key in names and spec.key != "accuracy")


def check_rewards(config: RunConfig, problems: Iterable[Problem]) -> None:
    """Look at the reward models that the problems need, and say which problems will have no number.

    Raises:
        ConfigError: A model is of the other kind.
        ModelError: There is no reward model where one is looked for.
    """
    from r1light.rewards.preference import check_model

    chosen = rewards_to_compute(config)
    kinds = [kind_of(problem) for problem in problems]
    for kind, name in REWARDS.items():
        specs = [spec for spec in chosen if spec.name == name]
        for spec in specs if kind in kinds else ():
            check_model(spec.config, kind)
        if kind in kinds and not specs:
            _log.warning(
                "%d problems are for the reward %s, which is not computed; with reward=r1_all and "
                "reward.components.%s.path it is",
                kinds.count(kind), name, name,
            )  # fmt: skip


def measures(*, strict: bool = True) -> Measures:
    """The measures of completions, each the very one of rewards and curations.

    Args:
        strict: Whether a problem whose language is no code is refused. Training does not, as it may have
            nothing to do with languages.
    """
    from r1light.curation.readability import Readability
    from r1light.rewards.language import Language, share_in
    from r1light.rewards.reflection import reflective_words
    from r1light.rewards.repetition import repeated_share

    options = Readability.Config()
    readability = Readability(options, share_in, repeated_share)
    language = Language(Language.Config())

    def consistency(sample: Sample) -> float | None:
        (score,) = language([sample])
        if strict and score.status == "error":
            raise DataError(score.detail)
        return score.value

    return Measures(
        reflection=reflective_words,
        language=consistency,
        readable=lambda text, asked: readability.fault(text, asked) is None,
        repetition=lambda text: repeated_share(text, options.ngram),
    )
