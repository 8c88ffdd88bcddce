r"""Competition mathematics: a final answer, compared by the grader `math`.

Questions are asked as the paper's maths prompt does (DeepSeek-R1, arXiv:2501.12948v2, section J, and the
model's README): the problem, then "Please reason step by step, and put your final answer within \boxed{}."
"""

from __future__ import annotations

from collections.abc import Callable

from r1light.core.types import Benchmark, Problem
from r1light.data.columns import text_cell
from r1light.data.rows import HubSplit, Row
from r1light.evaluation.task import Hub, RowTask

BOXED = "\nPlease reason step by step, and put your final answer within \\boxed{}."


def asked(question: str, answer: str) -> Callable[[Row, str], Problem]:
    """Rows with a question and its answer in these columns, as problems of the grader `math`."""

    def problem(row: Row, name: str) -> Problem:
        text, right = text_cell(row, question, "prompt"), text_cell(row, answer, "answer")
        return Problem(name, text.strip() + BOXED, "math", right, language="en")

    return problem


AIME_2024 = RowTask(
    "aime24",
    Benchmark("AIME 2024", k=64, obtain="it is HuggingFaceH4/aime_2024 on the hub, 30 rows"),
    Hub("HuggingFaceH4/aime_2024", HubSplit(None, "train")),
    asked("problem", "answer"),
)
AIME_2025 = RowTask(
    "aime25",
    Benchmark("AIME 2025", k=64, obtain="it is yentinglin/aime_2025 on the hub, 30 rows"),
    Hub("yentinglin/aime_2025", HubSplit(None, "train")),
    asked("problem", "answer"),
)
