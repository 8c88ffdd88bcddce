"""`stage.curation=general`: rows for what needs no reasoning, some with a thought and the simple without."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from r1light.core.errors import DataError
from r1light.core.types import Parsed, Problem, Prompt
from r1light.curation.curator import Candidate, Dropped, Kept, Outcome, Tools, Way
from r1light.curation.languages import script_of
from r1light.curation.readability import Readability
from r1light.curation.rejection import form_fault

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W\d_]+(?:['’][^\W\d_]+)*|\d+")
_BY_SCRIPT = {"Han": "zh", "Kana": "ja", "Hangul": "ko"}


class General:
    """The paper's non-reasoning rows (DeepSeek-R1, arXiv:2501.12948v1, 2.3.3; v2, B.3.3).

    They are writing, factual questions, self-cognition and translation. Its teacher writes a thought before
    some answers, and none for queries such as "hello". It does not say which; here a query of at most
    `simple_words` words gets none, and of the others a share, drawn by the seed and the row's id. A thought
    comes from the model that is sampled from, asked by the run's template; the answer is that of the data,
    where they have one. A Han, Kana or Hangul character counts as a word.
    """

    WRITE_AS: ClassVar[tuple[str, Mapping[str, Any]]] = ("cold_start", {"empty_thoughts": True})

    @dataclass(frozen=True, slots=True)
    class Config:
        """Which queries get a thought, and what rows must be like."""

        simple_words: int = 6
        """Queries of at most this many words get no thought."""
        thought_share: float = 0.5
        """The share in [0, 1] of the other queries that gets one."""
        answers: Literal["data", "drawn"] = "data"
        """Whose answer stands behind a drawn thought: that of the data where they have one, or the one that
        was drawn with it. Queries without an answer in the data always have it drawn."""
        latin_language: str | None = "en"
        """The language asked of thoughts for queries in Latin letters (ISO 639-1), as nothing else tells it;
        null for any of `readable.languages`. Of Chinese, Japanese and Korean the writing tells."""
        readable: Readability.Config = field(default_factory=Readability.Config)
        """What a thought must be like."""
        readable_answer: Readability.Config = field(
            default_factory=lambda: Readability.Config(
                min_consistency=None, max_paragraph=None, code_blocks=True
            )
        )
        """What an answer must be like; translations mix languages, and programs are code."""

        def __post_init__(self) -> None:
            if self.simple_words < 0:
                raise ValueError(f"simple_words={self.simple_words} must not be negative")
            if not 0 <= self.thought_share <= 1:
                raise ValueError(f"thought_share={self.thought_share} must be a share in [0, 1]")

    graded = asks = False

    def __init__(self, config: Config, tools: Tools) -> None:
        self.config = config
        self.tools = tools
        self._thought = Readability(config.readable, tools.consistency, tools.repeated_share)
        self._answer = Readability(config.readable_answer, tools.consistency, tools.repeated_share)

    def ways(self, problem: Problem) -> list[Way]:
        """`thought`: drawn with a thought; `given`: the data's answer; `answer`: drawn without one.

        Raises:
            DataError: The query does not fit into the run's template.
        """
        if self._wants_thought(problem):
            return [Way("thought", self.tools.template.render(problem))]
        if problem.answer is not None:
            return [Way("given", Prompt(_query(problem)), problem.answer)]
        return [Way("answer", self.tools.template.render(problem))]

    def _wants_thought(self, problem: Problem) -> bool:
        if count_words(_query(problem)) <= self.config.simple_words:
            return False
        drawn = random.Random(f"general/{self.tools.seed}/{problem.id}").random()
        return drawn < self.config.thought_share

    def parse(self, way: str, prefill: str, text: str) -> Parsed:
        """As the run's template does; what was given is an answer as a whole."""
        if way == "given":
            return Parsed(None, text.strip() or None, bool(text.strip()))
        return self.tools.template.parse(prefill, text)

    def curate(self, problem: Problem, candidates: Sequence[Candidate]) -> list[Outcome]:
        """The first row that has no fault, and why the others are none."""
        outcomes: list[Outcome] = []
        for index, candidate in enumerate(candidates):
            if any(isinstance(outcome, Kept) for outcome in outcomes):
                outcomes.append(Dropped("surplus", "one row a query is kept", index))
            else:
                outcomes.append(self._one(problem, index, candidate))
        return outcomes

    def _language(self, problem: Problem) -> str | None:
        """The language that a thought is to be in: the problem's, else that which the query is written in."""
        script = script_of(_query(problem))
        latin = self.config.latin_language if script == "Latin" else None
        return problem.language or _BY_SCRIPT.get(script or "", latin)

    def _one(self, problem: Problem, index: int, candidate: Candidate) -> Outcome:
        dropped = form_fault(candidate, index)
        if dropped is not None:
            return dropped
        thinking = (candidate.parsed.thinking or "") if candidate.way == "thought" else ""
        if candidate.way == "thought" and not thinking.strip():
            return Dropped("no_thought", "it was asked with one", index)
        drawn = candidate.parsed.answer or ""
        answer = drawn if problem.answer is None or self.config.answers == "drawn" else problem.answer
        fault = self._thought.fault(thinking, self._language(problem)) if thinking else None
        fault = fault or self._answer.fault(answer, problem.language)
        if fault is not None:
            return Dropped(fault.reason, fault.detail, index)
        try:
            return Kept(self.tools.writer.written(problem, thinking, answer, candidate.sampler))
        except DataError as error:
            return Dropped("unwritable", str(error), index)


def count_words(text: str) -> int:
    """Words, numbers, and characters of scripts without spaces.

    Example:
        >>> count_words("What's 12 + 3?"), count_words("你好!")
        (3, 2)
    """
    return len(_WORD.findall(text))


def _query(problem: Problem) -> str:
    """What the user says last."""
    return problem.prompt if isinstance(problem.prompt, str) else problem.prompt[-1].content
