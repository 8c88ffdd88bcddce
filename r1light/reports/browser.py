"""Completions on a page: one in full, the example before and after, and the browser of many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from r1light.reports.axes import number_text
from r1light.reports.html import Child, Html, join, tag
from r1light.reports.run_files import SampleRow
from r1light.reports.samples import PHASES, Picked
from r1light.reports.tables import facts, table

_LONGEST = 12_000
"""Characters of one text that a page carries; the middle of a longer one is left out."""
_VERDICTS: dict[bool | None, tuple[str, str]] = {
    True: ("right", "✓ right"),
    False: ("wrong", "✗ wrong"),
    None: ("unknown", "– unjudged"),
}


def clip(text: str) -> Child:
    """A text as a page carries it: of one that is very long the middle is left out, and it says so."""
    if len(text) <= _LONGEST:
        return text
    head, tail = text[: _LONGEST * 3 // 4], text[-_LONGEST // 4 :]
    left_out = len(text) - len(head) - len(tail)
    return [head, tag("span", f" … {left_out:,} characters left out … ", class_="cut"), tail]


def _said(*text: Child) -> Html:
    return tag("div", *text, class_="said", dir="auto")


def completion_html(sample: SampleRow, *, opened: bool = False) -> Html:
    """What was written, in order and whole: the prefill dimmed, the thoughts folded unless `opened`.

    Thoughts are folded where the template found them word for word; otherwise the text stands unfolded.
    """
    written = sample.prefill + sample.completion
    thinking = sample.thinking or ""
    start = written.find(thinking) if thinking.strip() else -1
    head = written[: max(start, 0)] if start >= 0 else written
    given = head[: len(sample.prefill)]
    dimmed = tag("span", given, class_="prefill") if given else None
    parts: list[Child] = [_said(dimmed, clip(head[len(given) :].rstrip("\n")))] if head.strip() else []
    if start >= 0:
        said = f"Thoughts, {len(thinking):,} characters"
        folded = _said(clip(thinking.strip("\n")))
        parts.append(tag("details", tag("summary", said), folded, class_="thoughts", open=opened))
        parts.append(_said(clip(written[start + len(thinking) :].strip("\n"))))
    return join(*parts) if parts else tag("p", "The completion is empty.", class_="lead")


def _verdict(sample: SampleRow) -> Html:
    kind, words = _VERDICTS[sample.correct]
    return tag("span", words, class_=f"verdict {kind}")


def scores_html(sample: SampleRow) -> Html | None:
    """Every reward's score of a completion, with its status and its reason; None where there are none."""
    if not sample.scores:
        return None
    rows = [[s.name, number_text(s.value), s.status, s.detail] for s in sample.scores]
    return table(["reward", "score", "status", "detail"], rows, caption="Scores")


def _optional(name: str, value: str | None) -> list[tuple[str, Child]]:
    return [] if value is None else [(name, value)]


def _facts(sample: SampleRow) -> Html:
    rows: list[tuple[str, Child]] = _optional(
        "answer", sample.answer if sample.answer is not None else "none found"
    )
    rows += _optional("reference answer", sample.reference)
    rows += _optional("reward", None if sample.reward is None else number_text(sample.reward))
    rows += _optional("advantage", None if sample.advantage is None else number_text(sample.advantage))
    if sample.well_formed is not None:
        rows.append(("format", "well-formed" if sample.well_formed else "not well-formed"))
    rows += _optional("length", None if sample.tokens is None else f"{sample.tokens:,} tokens")
    rows += _optional(
        "ended by", {"length": "the token cap"}.get(sample.finish_reason, sample.finish_reason or None)
    )
    return facts(rows)


def _prompt(sample: SampleRow, *, opened: bool = False) -> Html | None:
    if not sample.prompt:
        return None
    return tag("details", tag("summary", "Prompt"), _said(clip(sample.prompt)), class_="prompt", open=opened)


def _row(sample: SampleRow, where: str) -> Html:
    answer = "no answer" if sample.answer is None else sample.answer[:120]
    if sample.reference is not None and not sample.correct:
        answer += f"  (reference: {sample.reference[:60]})"
    reward = "" if sample.reward is None else "reward " + number_text(sample.reward)
    return tag(
        "summary",
        _verdict(sample),
        tag("span", where, class_="where"),
        tag("span", sample.problem_id, class_="problem", dir="auto"),
        tag("span", answer, dir="auto"),
        tag("span", reward, class_="num"),
        tag("span", "" if sample.tokens is None else f"{sample.tokens:,} tokens", class_="num tokens"),
    )


def sample_html(sample: SampleRow, of: str = "", **data: object) -> Html:
    """One completion, folded to a line.

    Args:
        sample: The completion.
        of: The step that drew it, where a page shows several.
        data: What the filters besides phase, answer and iteration look at, by name.
    """
    place = f"{sample.phase}, it. {sample.iteration}"
    inside = tag(
        "div", _prompt(sample), completion_html(sample), _facts(sample), scores_html(sample), class_="body"
    )
    return tag(
        "details",
        _row(sample, f"{of} · {place}" if of else place),
        inside,
        class_="sample",
        data_phase=sample.phase,
        data_iteration=str(sample.iteration),
        data_verdict=_VERDICTS[sample.correct][0],
        **{f"data_{name}": value for name, value in data.items()},
    )


def _options(values: Sequence[tuple[str, str]]) -> list[Html]:
    return [tag("option", words, value=value) for value, words in (("", "all"), *values)]


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter that is chosen from a list.

    Attributes:
        name: Of the attribute `data-<name>` that it compares.
        label: What is asked.
        options: Pairs of a value and the words for it.
    """

    name: str
    label: str
    options: tuple[tuple[str, str], ...]

    def html(self) -> Html:
        """The label with its list."""
        return tag("label", self.label, tag("select", _options(self.options), name=self.name))


VERDICT_CHOICE = Choice("verdict", "Answer", tuple(_VERDICTS.values()))


def filters_html(choices: Sequence[Choice], rows: Sequence[SampleRow]) -> Html:
    """The form that filters samples by words, by choices and by iteration; hidden where no script runs."""
    last = max(row.iteration for row in rows)
    number = {"type": "number", "min": "0", "max": str(last), "inputmode": "numeric"}
    return tag(
        "form",
        tag("label", "Search (all words)", tag("input", type="search", name="q"), class_="search"),
        [choice.html() for choice in choices],
        tag("label", "From iteration", tag("input", name="from", **number)),
        tag("label", "To iteration", tag("input", name="to", **number)),
        tag("button", "Reset", type="reset"),
        tag("button", "Open or close all", type="button", id="open-all"),
        tag("button", "Thoughts", type="button", id="all-thoughts"),
        id="filters",
        role="search",
        aria_label="Filter completions",
        autocomplete="off",
        hidden=True,
    )


def _phases(rows: Sequence[SampleRow]) -> Choice:
    seen = {row.phase for row in rows}
    phases = [phase for phase in PHASES if phase in seen] + sorted(seen.difference(PHASES))
    return Choice("phase", "Phase", tuple((phase, phase) for phase in phases))


def keys_html() -> Html:
    """The keys that move among samples."""
    said = [
        ("/", " search, "),
        ("j", " next, "),
        ("k", " previous, "),
        ("Enter", " open, "),
        ("t", " thoughts"),
    ]
    return tag("p", [[tag("kbd", key), words] for key, words in said], id="keys", hidden=True)


def browser_html(picked: Picked) -> Html | None:
    """The browser of completions; without script it is a plain list. None where there are none."""
    if not picked.rows:
        return None
    kept, total = len(picked.rows), picked.total
    which = f"All {total:,} completions that the run kept."
    if kept < total:
        which = (
            f"{kept:,} of the {total:,} completions that the run kept, evenly spread over phases and "
            "iterations; all of them stand in samples.jsonl."
        )
    return join(
        tag(
            "p",
            which,
            " Thoughts are folded. What a model wrote is shown as text, hidden characters included.",
        ),
        filters_html([_phases(picked.rows), VERDICT_CHOICE], picked.rows),
        tag("p", f"{kept:,} shown", id="count", role="status"),
        keys_html(),
        tag("div", [sample_html(row) for row in picked.rows], class_="samples"),
    )


def _moves(picked: Picked) -> str:
    names = {
        (False, True): "wrong before and right after",
        (True, False): "right before and wrong after",
        (True, True): "right both times",
        (False, False): "wrong both times",
    }
    total = sum(picked.moves.values())
    if not total:
        return "The same problem, drawn before and after training."
    counts = ", ".join(f"{picked.moves.get(kind, 0):,} {words}" for kind, words in names.items())
    return (
        f"Of {total:,} problems with a judged completion in both phases: {counts}. The example is, of the "
        f"{picked.alike:,} that changed as it did, the one with the median completion length after training."
    )


def pair_html(picked: Picked) -> Html | None:
    """One problem's completions before and after training, side by side; None where no problem has both."""
    if picked.pair is None:
        return None
    before, after = picked.pair.before, picked.pair.after
    sides = [
        tag(
            "section",
            tag("h3", title, _verdict(one)),
            completion_html(one, opened=True),
            _facts(one),
            scores_html(one),
        )
        for title, one in (("Before training", before), ("After training", after))
    ]
    return join(
        tag("p", _moves(picked)),
        _prompt(after, opened=True),
        tag("div", sides, class_="pair"),
    )
