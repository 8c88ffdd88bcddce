"""The questions on a page: a line each at the top, and a section each with numbers, verdict and figures."""

from __future__ import annotations

from collections.abc import Sequence

from r1light.reports.figures import figure_html
from r1light.reports.html import Child, Html, join, tag
from r1light.reports.pipeline_curves import question_figure
from r1light.reports.pipeline_dots import dots_html
from r1light.reports.pipeline_files import Pipeline
from r1light.reports.pipeline_words import (
    compared_range_words,
    compared_words,
    count_words,
    need_words,
    number_words,
    range_words,
    side_words,
)
from r1light.reports.question_intervals import Value
from r1light.reports.question_numbers import Number
from r1light.reports.questions import Answer, CheckAnswer
from r1light.reports.tables import fold, table

_BADGES = {True: ("yes", "✓ Holds"), False: ("no", "✗ Does not hold here"), None: ("open", "– Not answered")}
_CHECKS = {True: ("yes", "✓ holds"), False: ("no", "✗ does not hold"), None: ("open", "– not known")}


def _badge(answer: Answer) -> Html:
    kind, words = _BADGES[answer.holds]
    return tag("span", words, class_=f"badge {kind}")


def _measured(answer: Answer) -> Html | None:
    return tag("small", answer.checks[0].what) if answer.checks else None


def _headline(answer: Answer) -> str:
    """The first check in a few words."""
    if not answer.checks:
        return ""
    check = answer.checks[0]
    after = side_words(check, check.after)
    return after if check.before is None else f"{side_words(check, check.before)} → {after}"


def glance_html(answers: Sequence[Answer]) -> Html | None:
    """Every question in a line, with its first number and its verdict; None where nothing is asked."""
    if not answers:
        return None
    rows = [
        tag(
            "li",
            tag("span", tag("a", answer.asks, href=f"#question-{i}"), _measured(answer), class_="asked"),
            tag("span", _headline(answer), class_="headline"),
            _badge(answer),
        )
        for i, answer in enumerate(answers, 1)
    ]
    said = (
        "Each claim is the paper's; whether it holds is computed from this run's numbers and from thresholds "
        "that were fixed before the run."
    )
    return join(tag("p", said), tag("ol", rows, class_="glance"))


def question_html(pipeline: Pipeline, answer: Answer, number: int) -> Html:
    """A question's section."""
    drawn = question_figure(pipeline, answer)
    figures = [None if drawn is None else figure_html(drawn), dots_html(answer)]
    paper = answer.paper.replace("->", "→")
    shown = [figure for figure in figures if figure is not None]
    body: list[Child] = [
        tag("h2", tag("span", f"Question {number}", class_="which"), answer.asks),
        tag("p", _badge(answer), tag("span", _because(answer), class_="because"), class_="verdicts"),
        tag(
            "dl",
            tag("div", tag("dt", "The claim"), tag("dd", answer.claim)) if answer.claim else None,
            tag("div", tag("dt", "The paper’s numbers"), tag("dd", paper)) if paper else None,
            class_="claim",
        ),
        _checks(pipeline, answer),
        tag("div", shown, class_="figures") if shown else None,
        _seeds(pipeline, answer),
    ]
    return tag("section", body, id=f"question-{number}", class_="question")


def _because(answer: Answer) -> str:
    """Why the verdict is what it is, in a sentence."""
    deciding = [check for check in answer.checks if check.decides]
    if answer.holds is None:
        missing = list(dict.fromkeys(m for check in deciding for m in check.missing if check.holds is None))
        return f"A number is missing: {'; '.join(missing[:3])}." if missing else "No check has a threshold."
    failed = [check for check in deciding if not check.holds]
    if answer.holds:
        return "The number meets its threshold." if len(deciding) == 1 else "All thresholds are met."
    said = "; ".join(
        f"{check.what}: {compared_words(check, check.compared.mean)}, asked for {need_words(check)}"
        for check in failed
    )
    return f"{len(failed)} of {count_words(len(deciding), 'threshold')} not met: {said}."


def _cell(kind: str, label: str, *inside: Child) -> Html:
    return tag("td", *inside, role="cell", data_label=label, class_=kind)


def _number(check: CheckAnswer, value: Value | None, label: str, whose: str | None) -> Html:
    if value is None:
        return _cell("num none", label, "–")
    span = range_words(check, value)
    return _cell(
        "num",
        label,
        tag("strong", side_words(check, value)),
        tag("small", span) if span else None,
        tag("small", whose, class_="whose") if whose else None,
    )


def _whose(pipeline: Pipeline, spec: Number | None) -> str | None:
    return None if spec is None else pipeline.title_of(spec.step)


def _check_row(pipeline: Pipeline, check: CheckAnswer) -> Html:
    kind, words = _CHECKS[check.holds] if check.decides else ("open", "for information")
    span = None if check.compare == "value" else compared_range_words(check)
    compared = compared_words(check, check.compared.mean)
    missing = f"Not known: {'; '.join(check.missing[:3])}." if check.missing else None
    return tag(
        "tr",
        tag("th", check.what, tag("small", missing) if missing else None, scope="row", role="rowheader"),
        _number(check, check.before, "before", _whose(pipeline, check.before_spec)),
        _number(check, check.after, "after", _whose(pipeline, check.after_spec)),
        _cell(
            "num",
            "compared",
            tag("strong", compared) if check.compare != "value" else "the number itself",
            tag("small", span) if span else None,
        ),
        _cell("need", "the claim asks for", need_words(check)),
        _cell(f"holds {kind}", "verdict", words),
        role="row",
    )


def _checks(pipeline: Pipeline, answer: Answer) -> Html:
    heads = ("what is measured", "before", "after", "compared", "the claim asks for", "verdict")
    spans = any(check.compared.low is not None for check in answer.checks)
    said = "The numbers that decide" + (", with 95% intervals below them" if spans else "")
    head = [tag("th", words, scope="col", role="columnheader") for words in heads]
    return tag(
        "table",
        tag("caption", said),
        tag("thead", tag("tr", head, role="row"), role="rowgroup"),
        tag("tbody", [_check_row(pipeline, check) for check in answer.checks], role="rowgroup"),
        class_="checks",
        role="table",
    )


def _seeds(pipeline: Pipeline, answer: Answer) -> Html | None:
    """Every seed's numbers; None with one seed, whose numbers stand above."""
    if len(pipeline.seeds) < 2:
        return None
    rows = []
    for check in answer.checks:
        for words, value in (("before", check.before), ("after", check.after), ("compared", check.compared)):
            if value is None or (words == "compared" and check.compare == "value"):
                continue
            rows.append([f"{check.what}, {words}", *(_of_seed(check, value, s) for s in pipeline.seeds)])
    heads = ["number", *(f"seed {s}" for s in pipeline.seeds)]
    shown = table(heads, rows, caption="Seed by seed", class_="numbers")
    return fold("The numbers of each seed", tag("div", shown, class_="scroll", tabindex="0"))


def _of_seed(check: CheckAnswer, value: Value, seed: int) -> str:
    if seed not in value.by_seed and len(value.by_seed) == 1:
        seed = next(iter(value.by_seed))
    number = value.by_seed.get(seed)
    if value is check.compared:
        return compared_words(check, number)
    if number is not None and number == float("inf"):
        return "not reached"
    return number_words(number, percent=check.percent)
