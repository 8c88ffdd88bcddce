"""Multiple choice: the letter of an option, compared by the grader `choice`."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable

from r1light.core.errors import DataError
from r1light.core.types import Benchmark, Problem
from r1light.data.columns import cell, has_cell, text_cell
from r1light.data.rows import EVERY, HubSplit, Row
from r1light.evaluation.task import Hub, RowTask
from r1light.evaluation.tasks.asking import choosing, column

_LISTED = ("choices", "options")
_LABEL = re.compile(r"^\s*\(?([A-Z])[).]\s*")
_LABELS_INSIDE = re.compile(r"(?:^|\s)([A-Z])[).] ")
_QUESTION = column("question", "Question")


def listed(*, language: str = "en", split: str | None = None) -> Callable[[Row, str], Problem | None]:
    """Rows with a question, their options, and the right letter or its index from 0.

    Options stand in `choices` or `options` (with labels such as "A)" or without), or in columns A, B, C, ...

    Args:
        language: "en" or "zh", in which it is asked.
        split: Where a file has rows of several splits, named in its column `split`, the one that is asked.
    """

    def problem(row: Row, name: str) -> Problem | None:
        if split is not None and row.values.get("split", split) != split:
            return None
        options = _options(row)
        return choosing(name, _QUESTION(row), options, _right(row, len(options)), language)

    return problem


def _options(row: Row) -> list[str]:
    """The texts of the options.

    Raises:
        DataError: There are none, or they are no texts.
    """
    found = next((row.values[name] for name in _LISTED if has_cell(row, name)), None)
    if found is None:
        found = [row.values[letter] for letter in string.ascii_uppercase if has_cell(row, letter)]
    elif isinstance(found, str):
        found = _apart(found)
    texts = [str(each).strip() for each in found] if isinstance(found, list) else []
    if not 2 <= len(texts) <= len(string.ascii_uppercase):
        raise DataError(
            f"{row.where}: there must be 2 to 26 options, in `choices`, `options` or A, B, C, ..."
        )
    labels = [match[1] if (match := _LABEL.match(text)) else "" for text in texts]
    if labels == [*string.ascii_uppercase[: len(texts)]]:
        return [_LABEL.sub("", text) for text in texts]
    return texts


def _apart(options: str) -> list[str]:
    """Options that stand in one text, such as "A) 1 B) 2", with their labels."""
    starts, wanted = [], iter(string.ascii_uppercase)
    letter = next(wanted)
    for match in _LABELS_INSIDE.finditer(options):
        if match[1] == letter:
            starts.append(match.start(1))
            letter = next(wanted)
    return [options[start:end] for start, end in zip(starts, [*starts[1:], len(options)], strict=True)]


def _right(row: Row, count: int) -> int:
    """The index of the right option.

    Raises:
        DataError: The answer is neither a letter of an option nor an index.
    """
    text = column("answer", "Answer", "correct")(row)
    right = int(text) if text.isdecimal() else string.ascii_uppercase.find(text.strip().upper() or "?")
    if not (len(text) <= 2 and 0 <= right < count):
        raise DataError(
            f"{row.where}: answer={text!r:.40} must be a letter of one of {count} options, or its index"
        )
    return right


def _redux(row: Row, name: str) -> Problem | None:
    """A question that its annotators found sound, or whose one right answer they corrected.

    What has no right answer, several, or is unclear is not asked, as ZeroEval does, whose prompt the paper
    takes (arXiv:2501.12948v2, section J).
    """
    options, kind = _options(row), row.values.get("error_type", "ok")
    if kind == "ok":
        return choosing(name, _QUESTION(row), options, _right(row, len(options)))
    corrected = row.values.get("correct_answer")
    if kind != "wrong_groundtruth" or not isinstance(corrected, str) or len(corrected) != 1:
        return None
    right = string.ascii_uppercase.find(corrected)
    return choosing(name, _QUESTION(row), options, right) if 0 <= right < len(options) else None


def _gpqa(row: Row, name: str) -> Problem:
    """Its options in an order that hangs on the question alone, as the right one always comes first."""
    names = ["Correct Answer", *(f"Incorrect Answer {number}" for number in (1, 2, 3))]
    texts = [text_cell(row, each, "answer").strip() for each in names]
    question = column("Question")(row)
    order = list(range(len(texts)))
    random.Random(f"gpqa_diamond/0/{question}").shuffle(order)
    return choosing(name, question, [texts[index] for index in order], order.index(0))


def _cluewsc(row: Row, name: str) -> Problem:
    """Whether a pronoun means what is said to be meant.

    Raises:
        DataError: `target` does not name both, or the label is none.
    """
    target, label = cell(row, "target", "prompt"), cell(row, "label", "answer")
    spans = [target.get(f"span{n}_text") for n in (1, 2)] if isinstance(target, dict) else []
    if len(spans) != 2 or not all(isinstance(span, str) and span for span in spans):
        raise DataError(f"{row.where}: target must have span1_text and span2_text")
    right = {"true": 0, "false": 1, "0": 0, "1": 1}.get(str(label).lower())  # the hub counts from "true"
    if right is None:
        raise DataError(f"{row.where}: label={label!r:.40} must be true or false, or 0 (true) or 1 (false)")
    question = f"{column('text')(row)}\n\n在上面这段话中，“{spans[1]}”指的是“{spans[0]}”吗？"
    return choosing(name, question, ["是", "不是"], right, "zh")


MMLU = RowTask(
    "mmlu",
    Benchmark("MMLU", k=4, obtain="it is cais/mmlu on the hub, subset all, 14,042 rows of the split test"),
    Hub("cais/mmlu", HubSplit("all", "test")),
    listed(split="test"),
)
MMLU_STEM = RowTask(
    "mmlu_stem",
    Benchmark("MMLU, STEM subjects", k=4, obtain="it is TIGER-Lab/MMLU-STEM on the hub, split test"),
    Hub("TIGER-Lab/MMLU-STEM", HubSplit(None, "test")),
    listed(),
)
MMLU_REDUX = RowTask(
    "mmlu_redux",
    Benchmark("MMLU-Redux", k=4, obtain="it is edinburgh-dawg/mmlu-redux on the hub, 30 subsets"),
    Hub("edinburgh-dawg/mmlu-redux", HubSplit(EVERY, "test")),
    _redux,
)
MMLU_PRO = RowTask(
    "mmlu_pro",
    Benchmark("MMLU-Pro", k=4, obtain="it is TIGER-Lab/MMLU-Pro on the hub, 12,032 rows of the split test"),
    Hub("TIGER-Lab/MMLU-Pro", HubSplit(None, "test")),
    listed(),
)
C_EVAL = RowTask(
    "c_eval",
    Benchmark(
        "C-Eval",
        k=4,
        obtain="it is ceval/ceval-exam on the hub, 52 subsets; the split val is asked, as the answers of its "
        "split test are not published",
    ),
    Hub("ceval/ceval-exam", HubSplit(EVERY, "val")),
    listed(language="zh", split="val"),
)
CMMLU = RowTask(
    "cmmlu",
    Benchmark("CMMLU", k=4, obtain="github.com/haonan-li/CMMLU has it as data/test/*.csv"),
    None,
    listed(language="zh", split="test"),
)
CLUEWSC = RowTask(
    "cluewsc",
    Benchmark("CLUEWSC 2020", k=4, obtain="it is clue/clue on the hub, subset cluewsc2020, split validation"),
    Hub("clue/clue", HubSplit("cluewsc2020", "validation")),
    _cluewsc,
)
GPQA_DIAMOND = RowTask(
    "gpqa_diamond",
    Benchmark(
        "GPQA Diamond",
        k=64,
        obtain="it is Idavidrein/gpqa on the hub, subset gpqa_diamond, 198 rows, once its terms are accepted",
    ),
    Hub("Idavidrein/gpqa", HubSplit("gpqa_diamond", "train")),
    _gpqa,
    ("gpqa_diamond.csv", "gpqa/gpqa_diamond.csv"),
)
AQUA = RowTask(
    "aqua",
    Benchmark(
        "AQuA-RAT", k=4, obtain="it is deepmind/aqua_rat on the hub, subset raw, 254 rows of the split test"
    ),
    Hub("deepmind/aqua_rat", HubSplit("raw", "test")),
    listed(),
)
SAT_MATH = RowTask(
    "sat_math",
    # 32 problems: see amc23
    Benchmark(
        "SAT mathematics",
        k=16,
        obtain="github.com/QwenLM/Qwen2.5-Math has it as evaluation/data/sat_math/test.jsonl",
    ),
    None,
    listed(),
)
