r"""How tasks ask: which columns hold what, and the words around a question.

Maths is asked in the paper's words (DeepSeek-R1, arXiv:2501.12948v2, section J, and the model's README): the
problem, then "Please reason step by step, and put your final answer within \boxed{}." Multiple choice is
asked in the manner of simple-evals, which the paper takes: reasoning first, and a last line that names the
letter; zero-shot. Chinese benchmarks are asked in Chinese.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence

from r1light.core.types import Problem
from r1light.data.columns import has_cell, text_cell
from r1light.data.rows import Row
from r1light.graders.extraction import MARKED_LINE

Reader = Callable[[Row], str]
"""A text out of a row."""

BOXED = "\nPlease reason step by step, and put your final answer within \\boxed{}."
BOXED_ZH = "\n请一步一步地推理，并把最终答案写在 \\boxed{} 中。"

_CHOOSE = (
    "Solve this multiple-choice question. Reason step by step first. The last line of your response must be "
    "'Answer: X' without the quotes, where X is one of {letters}.\n\n{question}\n\n{options}"
)
_CHOOSE_ZH = (
    "请解答下面的单项选择题。先一步一步地推理，最后一行只写“答案：X”（不带引号），其中 X 是 {letters} 之一。"
    "\n\n{question}\n\n{options}"
)


def column(*names: str) -> Reader:
    """The text of the first of these columns that a row has something in.

    The file of a benchmark and its data set on the hub may name a column differently.
    """

    def read(row: Row) -> str:
        found = next((name for name in names if has_cell(row, name)), names[0])
        return text_cell(row, found, "prompt").strip()

    return read


def boxed(question: Reader, answer: Reader, *, language: str = "en") -> Callable[[Row, str], Problem]:
    """Rows as problems of the grader `math`, asked for a boxed answer.

    Args:
        question: Reads what is asked.
        answer: Reads the reference answer.
        language: "en" or "zh", in which the answer is asked for.
    """
    words = BOXED_ZH if language == "zh" else BOXED

    def problem(row: Row, name: str) -> Problem:
        text = question(row)
        return Problem(name, text + words, "math", answer(row), language=language, meta={"question": text})

    return problem


def choosing(name: str, question: str, options: Sequence[str], right: int, language: str = "en") -> Problem:
    """A multiple-choice question as a problem of the grader `choice`.

    Args:
        name: The problem's id.
        question: What is asked.
        options: 2 to 26 texts, in the order in which they are shown as A, B, C, ...
        right: The index of the right one.
        language: "en" or "zh", in which it is asked.
    """
    letters = string.ascii_uppercase[: len(options)]
    listed = "\n".join(f"{letter}) {text}" for letter, text in zip(letters, options, strict=True))
    words, comma = (_CHOOSE_ZH, "、") if language == "zh" else (_CHOOSE, ", ")
    return Problem(
        name,
        words.format(letters=comma.join(letters), question=question, options=listed),
        "choice",
        letters[right],
        language=language,
        meta={"options": list(options), "answer_from": MARKED_LINE, "question": question},
    )
