"""Problems that no rule can judge: each names the reward model that is to score its completions.

Every general question belongs to one of two sets, that of helpfulness or that of safety, and gets that set's
model (DeepSeek-R1, arXiv:2501.12948v2, 3.1).
"""

from __future__ import annotations

from typing import Literal, get_args

from r1light.core.errors import unknown_name
from r1light.core.types import Problem

KIND = "preference"
"""The key of `Problem.meta` that names the reward model."""

Kind = Literal["helpful", "safety"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""What may stand there."""

REWARDS: dict[Kind, str] = {"helpful": "helpfulness", "safety": "harmlessness"}
"""The reward that scores the problems of each kind."""


def kind_of(problem: Problem) -> Kind | None:
    """The kind of a problem for reward models, or None for one that rules judge.

    Raises:
        UnknownNameError: It names a kind that there is not.

    Example:
        >>> kind_of(Problem(id="1", prompt="Hi", grader="none", meta={"preference": "helpful"}))
        'helpful'
    """
    value = problem.meta.get(KIND)
    if value is None:
        return None
    for kind in KINDS:
        if value == kind:
            return kind
    raise unknown_name(f"meta.{KIND} of problem {problem.id!r},", str(value), KINDS)
