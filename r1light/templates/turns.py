"""From a problem's prompt to the one question that a template without turns has room for."""

from __future__ import annotations

from r1light.core.errors import DataError
from r1light.core.types import Problem


def only_question(problem: Problem, template: str) -> str:
    """The question of a problem whose prompt is a text or a single user turn.

    Raises:
        DataError: If it is a longer conversation: dropping turns would change the question in silence.
    """
    if isinstance(problem.prompt, str):
        return problem.prompt
    roles = [message.role for message in problem.prompt]
    if roles != ["user"]:
        raise DataError(
            f"problem {problem.id!r} is a conversation of {', '.join(roles) or 'no'} turns, and template "
            f"{template!r} has room for one user turn; use a chat template, or give the prompt as one text"
        )
    return problem.prompt[0].content
