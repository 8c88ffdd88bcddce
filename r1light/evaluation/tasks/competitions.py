"""Competition mathematics: a final answer, compared by the grader `math`."""

from __future__ import annotations

from r1light.core.errors import DataError
from r1light.core.types import Benchmark
from r1light.data.columns import cell, has_cell, text_cell
from r1light.data.gold import last_boxed
from r1light.data.rows import HubSplit, Row
from r1light.evaluation.task import Hub, RowTask
from r1light.evaluation.tasks.asking import boxed, column

_QUESTION, _ANSWER = column("problem", "question"), column("answer")


def _minerva_answer(row: Row) -> str:
    """The answer, or the last box of the solution, as the published file has it.

    Raises:
        DataError: There is neither.
    """
    if has_cell(row, "answer"):
        return text_cell(row, "answer", "answer")
    found = last_boxed(text_cell(row, "solution", "answer"))
    if found is None:
        raise DataError(
            f"{row.where}: there is no answer, and the solution has no \\boxed{{...}} that closes"
        )
    return found


def _olympiad_answer(row: Row) -> str:
    """All final answers, as one list: right is who gives each of them.

    Raises:
        DataError: `final_answer` is no list of texts, or an empty one.
    """
    found = cell(row, "final_answer", "answer")
    if not isinstance(found, list) or not found or not all(isinstance(each, str) for each in found):
        raise DataError(f'{row.where}: final_answer must be a list of texts, such as ["2"]')
    return ", ".join(found)


AIME_2024 = RowTask(
    "aime24",
    Benchmark("AIME 2024", k=64, obtain="it is HuggingFaceH4/aime_2024 on the hub, 30 rows"),
    Hub("HuggingFaceH4/aime_2024", HubSplit(None, "train")),
    boxed(_QUESTION, _ANSWER),
)
AIME_2025 = RowTask(
    "aime25",
    Benchmark("AIME 2025", k=64, obtain="it is yentinglin/aime_2025 on the hub, 30 rows"),
    Hub("yentinglin/aime_2025", HubSplit(None, "train")),
    boxed(_QUESTION, _ANSWER),
)
MATH_500 = RowTask(
    "math500",
    Benchmark("MATH-500", k=16, obtain="it is HuggingFaceH4/MATH-500 on the hub, 500 rows"),
    Hub("HuggingFaceH4/MATH-500", HubSplit(None, "test")),
    boxed(_QUESTION, _ANSWER),
)
CNMO_2024 = RowTask(
    "cnmo2024",
    Benchmark(
        "CNMO 2024",
        k=64,
        obtain="the paper's own file is not published; opencompass/LiveMathBench on the hub has 18 problems "
        "of it in English (v202412_CNMO_en)",
    ),
    Hub("opencompass/LiveMathBench", HubSplit("v202412_CNMO_en", "test")),
    boxed(_QUESTION, _ANSWER),
)
AMC_2023 = RowTask(
    "amc23",
    # 40 problems: with 4 completions each the draws alone would move the figure by several points
    Benchmark("AMC 12 2023", k=16, obtain="it is math-ai/amc23 on the hub, 40 rows"),
    Hub("math-ai/amc23", HubSplit(None, "test")),
    boxed(_QUESTION, _ANSWER),
)
MINERVA_MATH = RowTask(
    "minerva_math",
    Benchmark("Minerva Math", k=4, obtain="it is math-ai/minervamath on the hub, 272 rows"),
    Hub("math-ai/minervamath", HubSplit(None, "test")),
    boxed(_QUESTION, _minerva_answer),
)
OLYMPIADBENCH = RowTask(
    "olympiadbench",
    Benchmark(
        "OlympiadBench (mathematics, English, text)",
        k=4,
        obtain="it is Hothan/OlympiadBench on the hub, subset OE_TO_maths_en_COMP, split train",
    ),
    Hub("Hothan/OlympiadBench", HubSplit("OE_TO_maths_en_COMP", "train")),
    boxed(_QUESTION, _olympiad_answer),
)
