"""The values that travel between the parts: frozen, slotted, free of torch and of behaviour.

A problem is rendered by a template into a prompt, an engine completes the prompt, the template parses
the completion, and rewards see all of it as a sample. Token ids are kept from the engine to the trainer;
nothing re-encodes text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

FinishReason = Literal["stop", "length", "abort"]
"""Why a completion ended: an end token or stop string, the token cap, or the engine gave it up."""

Role = Literal["system", "user", "assistant"]

ScoreStatus = Literal["ok", "abstain", "error"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class TestCase:
    r"""One test of a program: either `stdin` and the expected `stdout`, or an `assertion` to run after it.

    Example:
        >>> TestCase(stdin="2 3\n", stdout="5\n").assertion is None
        True
    """

    __test__ = False  # not a pytest class, whatever its name says

    stdin: str | None = None
    stdout: str | None = None
    assertion: str | None = None

    def __post_init__(self) -> None:
        by_output = self.stdin is not None and self.stdout is not None
        if by_output == (self.assertion is not None):
            raise ValueError("a test case has stdin and stdout, or an assertion, and not both")


@dataclass(frozen=True, slots=True)
class Problem:
    """A question with what is needed to judge an answer to it.

    Attributes:
        id: Unique within its source and stable over runs; seeds and resumes hang on it.
        prompt: The question, as text or as a conversation that ends with a user turn.
        grader: The registered grader that judges an answer.
        answer: The reference answer, where the grader needs one.
        tests: Test cases, for programs.
        language: The human language the thinking should be in (ISO 639-1), or None where none is asked for.
        meta: Anything else a grader, a reward or a report may want. JSON values only.

    Example:
        >>> Problem(id="a/1", prompt="Compute 2+3", grader="math", answer="5").language is None
        True
    """

    id: str
    prompt: str | tuple[Message, ...]
    grader: str
    answer: str | None = None
    tests: tuple[TestCase, ...] | None = None
    language: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a template makes of a problem.

    Attributes:
        text: Everything the model reads before it starts to write, `prefill` included.
        prefill: The tail of `text` that belongs to the answer already (such as an opening `<think>`);
            parsing and format rewards see it in front of the completion.
    """

    text: str
    prefill: str = ""

    def __post_init__(self) -> None:
        if not self.text.endswith(self.prefill):
            raise ValueError(f"the prompt does not end with its prefill {self.prefill!r}")


@dataclass(frozen=True, slots=True)
class Completion:
    """What an engine wrote after a prompt.

    Attributes:
        token_ids: The sampled ids, the end token included where one was sampled. Length T.
        text: The decoded ids without the end token, and without a matched stop string.
        logprobs: log_softmax(logits / temperature) of each sampled id before any truncation of the
            distribution, in nats. Length T.
        finish_reason: See FinishReason.
        weights_version: The version of the weights that wrote it, as given to `load_weights`.
    """

    token_ids: tuple[int, ...]
    text: str
    logprobs: tuple[float, ...]
    finish_reason: FinishReason
    weights_version: int = 0

    def __post_init__(self) -> None:
        if len(self.token_ids) != len(self.logprobs):
            raise ValueError(f"{len(self.token_ids)} token ids with {len(self.logprobs)} log-probabilities")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A completion taken apart by its template.

    Attributes:
        thinking: The thought, or None where there is none.
        answer: The final answer, or None where there is none.
        well_formed: Whether the whole obeys the template's format.
    """

    thinking: str | None
    answer: str | None
    well_formed: bool


@dataclass(frozen=True, slots=True)
class Sample:
    """All that a reward sees of one completion.

    Attributes:
        problem: The problem.
        prompt_text: What the model was given, `prefill` included.
        completion: What it wrote.
        parsed: The parts of `prefill + completion.text`.
        prefill: The tail of the prompt that belongs to the answer already.
    """

    problem: Problem
    prompt_text: str
    completion: Completion
    parsed: Parsed
    prefill: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """What a reward says of one sample: a number, an abstention, or an error, never an error as a 0.

    Attributes:
        value: The number, or None where the status is not "ok".
        status: "abstain" where the reward does not apply, "error" where it failed.
        detail: Why, in a few words.
        parts: Numbers by name that the value comes from, or that stand beside it; empty for most rewards.

    Example:
        >>> Score.ok(1.0).value, Score.abstain("no language asked for").status
        (1.0, 'abstain')
    """

    value: float | None
    status: ScoreStatus = "ok"
    detail: str = ""
    parts: Mapping[str, float] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if (self.status == "ok") != (self.value is not None):
            raise ValueError(f"a score of status {self.status!r} with value {self.value!r}")

    @classmethod
    def ok(cls, value: float, detail: str = "") -> Score:
        """A number; `detail` may say why."""
        return cls(float(value), "ok", detail)

    @classmethod
    def abstain(cls, detail: str = "") -> Score:
        """The reward does not apply to this sample."""
        return cls(None, "abstain", detail)

    @classmethod
    def error(cls, detail: str) -> Score:
        """The reward failed on this sample."""
        return cls(None, "error", detail)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a grader says of one answer: right (1.0), wrong (0.0) or partly right, or that it cannot tell.

    Attributes:
        score: In [0, 1], or None where the status is not "ok".
        status: "abstain" where the question cannot be judged, "error" where judging failed.
        detail: Why, in a few words.
        parts: Numbers by name that the score comes from, or that stand beside it, for a benchmark that
            reports more than right or wrong; empty for most graders.
    """

    score: float | None
    status: ScoreStatus = "ok"
    detail: str = ""
    parts: Mapping[str, float] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if (self.status == "ok") != (self.score is not None):
            raise ValueError(f"a verdict of status {self.status!r} with score {self.score!r}")

    @property
    def correct(self) -> bool:
        """Whether the answer was judged fully right."""
        return self.score == 1.0


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """How completions are drawn.

    Attributes:
        n: Completions a request.
        temperature: Divides the logits; 0 is greedy.
        top_p: Nucleus mass in (0, 1]; refused below 1 in training, where log-probabilities must be those of
            the whole distribution.
        top_k: 0 for off; refused in training likewise.
        max_tokens: The cap on sampled tokens a completion, the end token included.
        stop: Strings that end a completion.
        seed: With a request's `key`, the sample's index and the token's position, it decides every draw.
    """

    n: int = 1
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    max_tokens: int = 1024
    stop: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        if self.n < 1 or self.max_tokens < 1:
            raise ValueError(f"n={self.n} and max_tokens={self.max_tokens} must be at least 1")
        if self.temperature < 0 or not 0 < self.top_p <= 1 or self.top_k < 0:
            raise ValueError(
                f"temperature={self.temperature} must not be negative, top_p={self.top_p} must be in (0, 1], "
                f"top_k={self.top_k} must not be negative"
            )


@dataclass(frozen=True, slots=True)
class RolloutRequest:
    """One prompt for an engine, as token ids.

    Attributes:
        problem_id: The problem it came from; `replay` and `fake` look completions up by it.
        prompt_ids: The prompt's token ids. Not empty.
        key: With the seed, what the draws hang on: usually (iteration, position of the problem in it), so
            that a completion does not depend on batching, order or rank. Requests of one call differ in it.
    """

    problem_id: str
    prompt_ids: tuple[int, ...]
    key: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Group:
    """The completions of one request, in the order of their sample index. Length `SamplingParams.n`."""

    request: RolloutRequest
    completions: tuple[Completion, ...]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What is known of an evaluation task besides its problems.

    Attributes:
        title: Its name for people, such as "AIME 2024".
        k: Completions a problem, by the paper where it says so.
        metric: The figure that it is known by, such as "pass@1".
        obtain: Where its data can be had, for people who do not have them: a sentence without a full stop.
    """

    title: str
    k: int
    metric: str = "pass@1"
    obtain: str = ""
