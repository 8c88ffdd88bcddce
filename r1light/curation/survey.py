"""All checks of a data source, as counts and as examples of what was found."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from r1light.core.protocols import Template
from r1light.core.types import Problem
from r1light.curation.gold import GoldFinding
from r1light.curation.languages import detected, is_foreign, script_of
from r1light.curation.overlap import duplicates, overlaps
from r1light.curation.perfect import gold_answer
from r1light.curation.stored import CountTokens
from r1light.data.columns import canonical_prompt
from r1light.data.contamination import EvaluationTexts, texts_of

_DETECTED = 200  # prompts a split that the language detector looks at


@dataclass(slots=True)
class Survey:
    """Counts by `<split>/<check>`, and up to `keep` examples of each as rows for samples.jsonl."""

    keep: int
    metrics: dict[str, float] = field(default_factory=dict)
    samples: list[dict[str, Any]] = field(default_factory=list)

    def count(self, split: str, check: str, found: Iterable[tuple[Problem, str]]) -> None:
        """Count what a check found, and keep examples.

        Args:
            split: "train" or "test".
            check: The check's name.
            found: Problems, and why.
        """
        for problem, detail in found:
            self.add(split, check, problem, detail)
        self.metrics.setdefault(f"{split}/{check}", 0)

    def add(self, split: str, check: str, problem: Problem, detail: str, **more: str) -> None:
        """Count one more, and keep it while there is room."""
        name = f"{split}/{check}"
        self.metrics[name] = self.metrics.get(name, 0) + 1
        if self.metrics[name] <= self.keep:
            row = {"check": check, "split": split, "problem": problem.id, "detail": detail}
            prompt = problem.prompt if isinstance(problem.prompt, str) else problem.prompt[-1].content
            self.samples.append(row | {"prompt": prompt, "answer": problem.answer or ""} | more)

    def gold(self, split: str, findings: Iterable[GoldFinding]) -> None:
        """Count what came of gold and wrong answers."""
        names = {"failed": "gold_failures", "wrong_passes": "wrong_passes", "unchecked": "unchecked"}
        for name in ("gold_chosen", "gold_checked", "wrong_checked", *names.values()):
            self.metrics.setdefault(f"{split}/{name}", 0)
        for finding in findings:
            self.metrics[f"{split}/gold_chosen"] += 1
            self.metrics[f"{split}/gold_checked"] += finding.status != "unchecked"
            self.metrics[f"{split}/wrong_checked"] += finding.wrong_checked
            if finding.status in names:
                more = {"answer": finding.answer, "completion": finding.completion}
                self.add(split, names[finding.status], finding.problem, finding.detail, **more)

    def prompts(self, split: str, problems: Sequence[Problem]) -> None:
        """Duplicates and languages within a split."""
        self.metrics[f"{split}/problems"] = len(problems)
        repeated = duplicates(problems)
        self.count(split, "duplicates", ((each.problem, f"the prompt of {each.first}") for each in repeated))
        conflicts = (each for each in repeated if each.conflict)
        self.count(split, "conflicts", ((each.problem, f"the prompt of {each.first}") for each in conflicts))
        foreign = (problem for problem in problems if is_foreign(problem))
        self.count(split, "foreign", ((problem, f"language={problem.language}") for problem in foreign))
        scripts = Counter(script_of(canonical_prompt(problem.prompt)) or "none" for problem in problems)
        declared = Counter(problem.language or "none" for problem in problems)
        languages = {"declared": declared, "scripts": scripts, "detected": detected(problems, _DETECTED)}
        shown = {name: _shown(counts) for name, counts in languages.items()}
        self.samples.append({"check": "languages", "split": split} | shown)

    def lengths(
        self, split: str, problems: Sequence[Problem], room: Room, advance: Callable[[int], None]
    ) -> None:
        """Tokens of the prompts, as the model would read them, and the characters of the answers."""
        tokens = []
        for name in ("too_long", "cramped"):
            self.metrics.setdefault(f"{split}/{name}", 0)
        for problem in problems:
            count = len(room.encode(room.template.render(problem).text))
            tokens.append(count)
            if count >= room.context:
                detail = f"{count} tokens in a context of {room.context}"
                self.add(split, "too_long", problem, detail)
            elif count + room.max_tokens > room.context:
                detail = f"{count} tokens leave {room.context - count} of a context of {room.context}"
                self.add(split, "cramped", problem, detail)
            advance(1)
        self._spread(f"{split}/prompt_tokens", tokens)
        golds = [gold for problem in problems if (gold := gold_answer(problem)) is not None]
        self._spread(f"{split}/answer_chars", [len(gold) for gold in golds])

    def overlap(self, train: Sequence[Problem], test: Sequence[Problem], near: float) -> None:
        """Held-out prompts that stand in training, whole or in part; `near` is a share of 10-grams."""
        found = sorted(overlaps(train, test), key=lambda each: -each.share)
        detail = {id(each): f"{each.share:.0%} of its 10-grams; nearest {each.nearest}" for each in found}
        for name, chosen in (
            ("overlap_exact", [each for each in found if each.exact]),
            ("overlap_near", [each for each in found if each.share > near]),
            ("overlap_any", found),
        ):
            self.count("test", name, ((each.problem, detail[id(each)]) for each in chosen))

    def contamination(self, train: Iterable[Problem], evaluations: EvaluationTexts) -> None:
        """Training problems that have something of named evaluation data."""
        matches = ((problem, evaluations.match(texts_of(problem))) for problem in train)
        found = ((problem, f"{match.text!r} of {match.where}") for problem, match in matches if match)
        self.count("train", "contaminated", found)

    def _spread(self, name: str, values: Sequence[int]) -> None:
        if values:
            ordered = sorted(values)
            p95 = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
            self.metrics[f"{name}/min"], self.metrics[f"{name}/max"] = ordered[0], ordered[-1]
            self.metrics[f"{name}/median"], self.metrics[f"{name}/p95"] = statistics.median(ordered), p95


@dataclass(frozen=True, slots=True)
class Room:
    """What a prompt has to fit into.

    Attributes:
        template: Renders prompts.
        encode: Text to token ids.
        context: Tokens that the model can look back on.
        max_tokens: Tokens that a completion may have.
    """

    template: Template
    encode: CountTokens
    context: int
    max_tokens: int


def _shown(counts: Counter[str]) -> str:
    """The most frequent ones in one line, such as "en 7471, ca 2"."""
    return ", ".join(f"{name} {count}" for name, count in counts.most_common(6)) or "none"
