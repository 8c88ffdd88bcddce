"""Mathematical answers: equal in value to the reference answer, however they are written."""

from __future__ import annotations

import json
import re
import sys
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from r1light.core.types import Problem, Verdict
from r1light.graders.answer_text import Reading, read_part, read_reference
from r1light.graders.comparison import RIGHT, WORD_FOR_WORD, WRONG, compare, plan
from r1light.graders.extraction import LAST_EXPRESSION, final_part, last_expression
from r1light.graders.formula_size import refusal
from r1light.graders.verbatim import illegible
from r1light.graders.worker_pool import PoolSpec, Reply, WorkerPool

_CACHED_VERDICTS = 16384
_WHOLE_CHARS = 16
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,14}")
"""Whole numbers that can be written in one way only."""


class Math:
    r"""Right is an answer that math-verify finds equal to the reference answer, the reference first.

    The answer is what stands in `<answer>` or the last `\boxed{}`, or the whole text; where the problem's
    meta has `answer_from: last_expression`, the last formula or number of that. Plain numbers are compared
    here, exactly (see `same_number`), and texts by their words; what is left goes to worker processes. Those
    start when first needed, have a memory limit, and are killed when an answer takes longer than its
    deadline: that answer is wrong, and the rest of the batch goes on. A reference answer that says nothing
    or breaks off is an error, and so is a worker that does not start; one that is legible and yet no
    expression (prose, cases) is compared word for word.

    Example:
        >>> grader = Math(Math.Config())
        >>> problem = Problem(id="1", prompt="1/4 + 1/4?", grader="math", answer=r"\frac{1}{2}")
        >>> grader.grade(problem, "The answer is 0.5.").correct
        True
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """Limits on what one answer may cost."""

        deadline_seconds: float = 5.0
        """Wall-clock seconds that one answer may take; after them it is wrong."""
        startup_seconds: float = 120.0
        """Wall-clock seconds that a worker process may take to start."""
        workers: int = 2
        """Worker processes at most."""
        memory_mb: int = 1024
        """Address space of a worker, in MiB (enforced on Linux)."""
        max_chars: int = 4096
        """Answers longer than this many characters, what stands around them left out, are wrong unread."""

        def __post_init__(self) -> None:
            if not self.deadline_seconds > 0 or not self.startup_seconds > 0:
                raise ValueError(
                    f"deadline_seconds={self.deadline_seconds} and startup_seconds={self.startup_seconds} "
                    "must be above 0"
                )
            if self.workers < 1 or self.max_chars < 1:
                raise ValueError(f"workers={self.workers} and max_chars={self.max_chars} must be at least 1")
            if self.memory_mb < 256:
                raise ValueError(
                    f"memory_mb={self.memory_mb} must be at least 256, which the algebra system needs"
                )

    waits_elsewhere = True
    """Formulas are compared in worker processes."""
    equates = True
    """Two answers are the same where one is right with the other for the reference answer."""

    def __init__(self, config: Config, pool: WorkerPool | None = None) -> None:
        """Start nothing yet; `pool` replaces the worker processes that the config describes."""
        self.config = config
        self.pool = pool or WorkerPool(_pool_spec(config))
        self._verdicts: OrderedDict[str, Verdict] = OrderedDict()

    def grade(self, problem: Problem, answer: str) -> Verdict:
        """Judge one answer."""
        return self.grade_many([(problem, answer)])[0]

    def grade_many(self, items: Sequence[tuple[Problem, str]]) -> list[Verdict]:
        """Judge several, in their order; equal pairs are judged once."""
        verdicts: list[Verdict | None] = []
        requests: dict[str, list[int]] = {}
        for index, (problem, answer) in enumerate(items):
            found = self._at_once(problem, answer)
            if isinstance(found, str):
                requests.setdefault(found, []).append(index)
            verdicts.append(None if isinstance(found, str) else found)
        replies = self.pool.run(list(requests)) if requests else []
        for (request, indices), reply in zip(requests.items(), replies, strict=True):
            verdict = self._verdict(reply)
            if reply.status == "ok":
                self._remember(request, verdict)
            for index in indices:
                verdicts[index] = verdict
        return [verdict for verdict in verdicts if verdict is not None]

    def close(self) -> None:
        """Kill the worker processes."""
        self.pool.close()

    def _at_once(self, problem: Problem, answer: str) -> Verdict | str:
        """The verdict where no worker is needed, else the request for one."""
        limit = self.config.max_chars
        if limit >= _WHOLE_CHARS and _WHOLE.fullmatch(answer) and _WHOLE.fullmatch(problem.answer or ""):
            return RIGHT if answer == problem.answer else WRONG  # what follows says the same, and later
        gold = _gold(problem, limit)
        if isinstance(gold, Verdict):
            return gold
        part = final_part(answer)
        if problem.meta.get("answer_from") == LAST_EXPRESSION:
            part = last_expression(part)
        if len(part) > limit:
            return Verdict(0.0, detail=f"longer than {limit} characters")
        verdict = compare(gold, read := read_part(part))
        if verdict is not None:
            return verdict
        request = json.dumps(asdict(plan(gold, read)))
        return self._verdicts.get(request, request)

    def _verdict(self, reply: Reply) -> Verdict:
        if reply.status == "unavailable":
            return Verdict(None, "error", f"no grading process: {reply.text}")
        if reply.status == "ok":
            return _VERDICTS[reply.text]
        what = (
            "took longer than its deadline"
            if reply.status == "deadline"
            else "ended its grading process twice"
        )
        if reply.text == "gold":
            return Verdict(0.0, detail=f"{reply.status}: the answer {what}")
        return Verdict(None, "error", f"{reply.status}: the reference answer {what}")

    def _remember(self, request: str, verdict: Verdict) -> None:
        self._verdicts[request] = verdict
        if len(self._verdicts) > _CACHED_VERDICTS:
            self._verdicts.popitem(last=False)


_VERDICTS = {
    "right": RIGHT,
    "wrong": WRONG,
    "unparsable": Verdict(0.0, detail="the answer is no expression"),
    "gold": Verdict(0.0, detail=WORD_FOR_WORD),
}


def _gold(problem: Problem, limit: int) -> Reading | Verdict:
    """The reference answer, read; or the error that it is."""
    if problem.answer is None or not problem.answer.strip():
        return Verdict(None, "error", f"problem {problem.id!r} has no reference answer")
    if len(problem.answer) > limit:
        return Verdict(
            None, "error", f"the reference answer of {problem.id!r} is longer than {limit} characters"
        )
    gold, fault = _read_gold(problem.answer)
    if fault:
        shown = f"{problem.answer[:80]!r}: {fault}"
        return Verdict(None, "error", f"the reference answer of {problem.id!r} cannot be read: {shown}")
    return gold


@lru_cache(maxsize=4096)
def _read_gold(answer: str) -> tuple[Reading, str | None]:
    """A reference answer, and what is wrong with it."""
    gold = read_reference(answer)
    return gold, illegible(gold.source) or refusal(gold.text)


def _pool_spec(config: Math.Config) -> PoolSpec:
    """The worker script by its path: the worker then imports nothing of r1light."""
    script = str(Path(__file__).with_name("math_worker.py"))
    # -P: without it the script's own folder, which holds a math.py, would come before the standard library
    command = (sys.executable, "-P", script, str(config.memory_mb), str(2 * config.deadline_seconds + 1))
    return PoolSpec(command, config.workers, config.deadline_seconds, config.startup_seconds)
