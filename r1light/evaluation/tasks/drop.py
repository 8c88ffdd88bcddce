"""DROP (arXiv:1903.00161): questions on a passage, after three answered ones; F1 by the grader `drop`.

The paper asks it 3-shot, in the form of simple-evals (DeepSeek-R1, arXiv:2501.12948v2, sections D.1 and J):
solved examples of the training split, the passage and question, and an "Answer:" line at the end.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from r1light.algorithms.estimators import Estimate, pass_at_1
from r1light.core.errors import DataError
from r1light.core.types import Benchmark, Problem
from r1light.data.columns import cell, text_cell
from r1light.data.rows import HubSplit, Row, read_rows
from r1light.evaluation.local_file import local_file
from r1light.evaluation.task import Answered

_HUB = "EleutherAI/drop"
_OBTAIN = (
    "it is EleutherAI/drop on the hub; as files, the rows to ask are drop.jsonl and those to draw examples "
    "from drop/train.jsonl, with the columns passage, question, answer and validated_answers"
)
_EXAMPLES_FROM = 2000
_BEFORE = (
    "You will be asked to read a passage and answer a question. Some examples of passages and Q&A are "
    "provided below."
)
_AFTER = 'Think step by step, then write a line of the form "Answer: $ANSWER" at the end of your response.'


@dataclass(frozen=True, slots=True)
class DropConfig:
    """Where the rows stand, and how many examples a question has."""

    path: str | None = None
    """A file of rows to ask; null looks into `stage.data_dir`, and without that takes them from the hub."""
    examples: str | None = None
    """A file of rows to draw examples from; null as for `path`."""
    shots: int = 3
    """Answered questions in front of each."""

    def __post_init__(self) -> None:
        if self.shots < 0:
            raise ValueError(f"shots={self.shots} must not be negative")


class Drop:
    """The task; its figures are `f1` and `em`, means over completions as pass@1 is computed."""

    Config = DropConfig
    about = Benchmark("DROP", k=4, metric="f1", obtain=_OBTAIN)

    def __init__(self, config: DropConfig, data_dir: Path | None = None) -> None:
        self.config, self.data_dir = config, data_dir

    def __iter__(self) -> Iterator[Problem]:
        """The problems; examples hang on a question's place alone.

        Raises:
            DataError: Rows are absent, or one is broken.
        """
        shots = self._shots()
        for number, row in enumerate(self._rows(self.config.path, "drop", "validation"), start=1):
            name = f"drop/{number}"
            answers = references(row)
            if answers:  # a few rows of the data have no answer at all
                chosen = random.Random(name).sample(shots, self.config.shots)
                meta = {"answers": answers, "source": "drop"}
                yield Problem(name, _asked(_passage(row), chosen), "drop", language="en", meta=meta)

    def figures(self, answered: Sequence[Answered], seed: int) -> Mapping[str, Estimate]:
        """`f1` and `em`, each with its standard error over questions."""
        del seed
        found = {}
        for name in ("f1", "em"):
            rows = [[o.parts.get(name, 0.0) for o in a.outcomes if o.score is not None] for a in answered]
            if judged := [row for row in rows if row]:
                found[name] = pass_at_1(judged)
        return found

    def _shots(self) -> list[str]:
        """Examples to draw from: answered passages of the training split."""
        if not self.config.shots:
            return []
        found: list[str] = []
        for row in self._rows(self.config.examples, "drop/train", "train"):
            if answers := references(row):
                found.append(f"{_passage(row)} {', '.join(answers[0])}")
            if len(found) == _EXAMPLES_FROM:
                break
        if len(found) < self.config.shots:
            raise DataError(
                f"task drop: {len(found)} rows to draw examples from, and stage.task.drop.shots="
                f"{self.config.shots} asks for more"
            )
        return found

    def _rows(self, path: str | None, name: str, split: str) -> Iterator[Row]:
        part = HubSplit(None, split)
        if path is not None and not Path(path).expanduser().exists():
            raise DataError(f"task drop: there is no file {path}; {_OBTAIN}")
        if path is None and self.data_dir is not None:
            path = str(local_file(self.data_dir, name, (), _OBTAIN))
        if path is not None:
            return read_rows(path, part)
        return self._from_hub(part)

    def _from_hub(self, part: HubSplit) -> Iterator[Row]:
        try:
            yield from read_rows(_HUB, part)
        except DataError as error:
            raise DataError(
                f"task drop has no data here: {_OBTAIN}; name their folder by stage.data_dir= ({error})"
            ) from error


def references(row: Row) -> list[list[str]]:
    """The answers of a row, the first one the main one; each a list of spans. Empty where there are none.

    An answer is a number, spans or a date, in the columns `answer` and `validated_answers`; or, as another
    table has it, a list of spans in `answers_spans`.

    Raises:
        DataError: The columns are absent, or hold something else.
    """
    try:
        if "answers_spans" in row.values:
            spans = [str(span) for span in row.values["answers_spans"]["spans"]]
            return _different([[span] for span in spans] if _one_word_each(row) else [spans])
        others = row.values.get("validated_answers") or {}
        count = len(others.get("number") or [])
        each = [{key: others[key][place] for key in ("number", "date", "spans")} for place in range(count)]
        return _different([_spans(one) for one in (cell(row, "answer", "answer"), *each)])
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise DataError(f"{row.where}: its answers are not in DROP's form: {error!r}") from error


def _one_word_each(row: Row) -> bool:
    """Whether the spans are one answer in the words of several people: they are of numbers or dates."""
    types = row.values["answers_spans"].get("types") or []
    return bool(types) and all(kind in ("number", "date") for kind in types)


def _spans(answer: Mapping[str, Any]) -> list[str]:
    number, spans, date = answer.get("number"), answer.get("spans"), answer.get("date") or {}
    if number not in (None, ""):
        return [str(number)]
    if spans:
        return [str(span) for span in spans]
    return [" ".join(str(date.get(part) or "") for part in ("day", "month", "year"))]


def _different(answers: Sequence[Sequence[str]]) -> list[list[str]]:
    """Answers without those that are blank, each once."""
    kept = [tuple(" ".join(span.split()) for span in spans) for spans in answers]
    return [list(spans) for spans in dict.fromkeys(kept) if spans and all(spans)]


def _passage(row: Row) -> str:
    passage, question = text_cell(row, "passage", "prompt"), text_cell(row, "question", "prompt")
    return f"Passage: {passage.strip()}\nQuestion: {question.strip()}\nAnswer:"


def _asked(passage: str, shots: Sequence[str]) -> str:
    if not shots:
        return f"{passage.removesuffix('Answer:').rstrip()}\n\n{_AFTER}"
    examples = "\n\n".join(f"---\n{shot}" for shot in shots)
    return f"{_BEFORE}\n\n# Examples\n{examples}\n\n# Your Task\n\n---\n{passage}\n\n{_AFTER}"
