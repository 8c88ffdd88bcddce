"""What a curation is: how problems are asked, and which of what is drawn becomes rows to learn from.

`stage=sample` asks every problem in the curation's ways, draws completions, parses and grades them, and
hands them over problem by problem. A new curation is a class of this form in a file of this package, with
its options in a nested frozen dataclass `Config`; an entry in `r1light.stages.curations.CURATIONS`; and a
field of its name in the stage's `Config`. It is built as `Curation(config, tools)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from r1light.core.protocols import Template
from r1light.core.types import FinishReason, Message, Parsed, Problem, Prompt, Verdict
from r1light.curation.writing import RowWriter


@dataclass(frozen=True, slots=True)
class Way:
    """One way in which a problem is asked.

    Attributes:
        name: Unique among a problem's ways; it stands with each row as `sampler.way`.
        prompt: What the model reads.
        given: A completion that the data have already; nothing is drawn then.

    Example:
        >>> Way("template", Prompt("2+3?")).given is None
        True
    """

    name: str
    prompt: Prompt
    given: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One completion of a problem.

    Attributes:
        way: The way in which the problem was asked.
        prompt: What the model read.
        text: What it wrote behind that. Never to be trusted.
        parsed: The parts, as `Curator.parse` found them.
        finish_reason: Why it ended.
        verdict: Of the problem's grader on the answer; None where the curation asks for no grading.
        sampler: What it was drawn with: model, engine, temperature, top_p, top_k, max_tokens, stop, seed,
            key; and way, index (of the draw in its group), drawn (how many draws gave this text), tokens.
    """

    way: str
    prompt: Prompt
    text: str
    parsed: Parsed
    finish_reason: FinishReason = "stop"
    verdict: Verdict | None = None
    sampler: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kept:
    """A row to learn from.

    Attributes:
        row: What goes into data.jsonl. JSON values only.
    """

    row: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Dropped:
    """A candidate, or a whole problem, that gives no row.

    Attributes:
        reason: One word for counting, as in `dropped/<reason>`, such as "wrong" or "mixed_language".
        detail: Why in this case, in a few words.
        candidate: Its position among the problem's candidates; None for the problem as a whole.
    """

    reason: str
    detail: str = ""
    candidate: int | None = None


Outcome = Kept | Dropped


class ChatModel(Protocol):
    """A model that replies to a conversation, as those of `r1light.graders.judge` do."""

    def ask(self, messages: Sequence[Message]) -> str:
        """The reply. Raises where there is none before its deadline."""
        ...


@dataclass(frozen=True, slots=True)
class Tools:
    """What a curation is given, ready built.

    Attributes:
        template: How the model that is sampled from is asked.
        writer: Writes a candidate as a row to learn from, in the template that `stage.write_as` names.
        consistency: (text, language) to the share in [0, 1] of its words in that language; None without words
            or for a language that cannot be told from others.
        repeated_share: (text, n) to the share in [0, 1] of its n-grams that stood in it before.
        open_judge: Opens the model of `stage.judge`; ConfigError where the run names none.
        seed: The run's seed; all that a curation draws hangs on it and on the problem's id.
    """

    template: Template
    writer: RowWriter
    consistency: Callable[[str, str], float | None]
    repeated_share: Callable[[str, int], float]
    open_judge: Callable[[], ChatModel]
    seed: int = 0


class Curator(Protocol):
    """How problems are asked, and which of what is drawn is kept."""

    @property
    def graded(self) -> bool:
        """Whether the stage is to grade every candidate that has an answer, by its problem's grader."""
        ...

    @property
    def asks(self) -> bool:
        """Whether `curate` waits for another model: a batch is then curated at once, in threads."""
        ...

    def ways(self, problem: Problem) -> Sequence[Way]:
        """How the problem is asked; none to leave it out.

        Raises:
            DataError: It cannot be asked.
        """
        ...

    def parse(self, way: str, prefill: str, text: str) -> Parsed:
        """Take what was drawn in that way apart. Never raises."""
        ...

    def curate(self, problem: Problem, candidates: Sequence[Candidate]) -> Sequence[Outcome]:
        """Choose among all of a problem's candidates, in the order in which they were drawn.

        The same candidates must give the same outcomes, whatever was curated before. Every candidate that
        no row comes from is to be dropped with a reason.
        """
        ...
