"""School and college mathematics: a final answer, compared by the grader `math`."""

from __future__ import annotations

import re

from r1light.core.errors import DataError
from r1light.core.types import Benchmark
from r1light.data.columns import text_cell
from r1light.data.gold import after_hashes
from r1light.data.rows import HubSplit, Row
from r1light.evaluation.task import Hub, RowTask
from r1light.evaluation.tasks.asking import boxed, column

_QUESTION, _ANSWER = column("question", "problem"), column("answer")
_UNIT = re.compile(r"\s*\([^()]*\)\s*$")
_QWEN = "github.com/QwenLM/Qwen2.5-Math has it as evaluation/data/{}/test.jsonl"


def _gsm8k_answer(row: Row) -> str:
    answer = after_hashes(text_cell(row, "answer", "answer"))
    if answer is None:
        raise DataError(f"{row.where}: the answer has no '#### 72' at its end, as every row of GSM8K has")
    return answer


def _two_part_question(row: Row) -> str:
    """What is told and what is asked, which SVAMP and ASDiv keep apart."""
    return f"{column('body', 'Body')(row)} {column('question', 'Question')(row)}"


def _without_unit(row: Row) -> str:
    """The answer without the unit behind it: "9 (apples)" is 9."""
    return _UNIT.sub("", text_cell(row, "answer", "answer"))


GSM8K = RowTask(
    "gsm8k",
    Benchmark("GSM8K", k=4, obtain="it is openai/gsm8k on the hub, 1,319 rows of the split test"),
    Hub("openai/gsm8k", HubSplit("main", "test")),
    boxed(_QUESTION, _gsm8k_answer),
)
SVAMP = RowTask(
    "svamp",
    Benchmark("SVAMP", k=4, obtain="it is ChilleD/SVAMP on the hub, 1,000 rows of both splits"),
    Hub("ChilleD/SVAMP", HubSplit(None, "train+test")),
    boxed(_two_part_question, column("Answer")),
)
ASDIV = RowTask(
    "asdiv",
    Benchmark("ASDiv", k=4, obtain=_QWEN.format("asdiv")),
    None,
    boxed(_two_part_question, _without_unit),
)
CMATH = RowTask(
    "cmath",
    Benchmark("CMATH", k=4, obtain="it is weitianwen/cmath on the hub, split test"),
    Hub("weitianwen/cmath", HubSplit(None, "test")),
    boxed(_QUESTION, column("answer", "golden"), language="zh"),
)
GAOKAO_2023_EN = RowTask(
    "gaokao2023en",
    Benchmark(
        "Gaokao 2023 in English",
        k=4,
        obtain="it is MARIO-Math-Reasoning/Gaokao2023-Math-En on the hub, 385 rows",
    ),
    Hub("MARIO-Math-Reasoning/Gaokao2023-Math-En", HubSplit(None, "train")),
    boxed(_QUESTION, _ANSWER),
)
COLLEGE_MATH = RowTask(
    "college_math",
    Benchmark("College Math", k=4, obtain=_QWEN.format("college_math")),
    None,
    boxed(_QUESTION, _ANSWER),
)
