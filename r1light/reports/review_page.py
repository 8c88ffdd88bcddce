"""The page on which people read rows, edit them, reject them, and save what they did as JSON lines.

It is one file that needs no server and no network. What models wrote is escaped wherever it is shown, and
goes to the page's script as JSON in a block that cannot run; the script writes it as text only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from r1light.reports.html import Html, data_block, join, page, tag
from r1light.reports.review_script import REVIEW_SCRIPT, REVIEW_STYLE

Decision = Literal["keep", "reject"]


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """One row as people see it. Its JSON, one a line, has these keys in this order.

    Attributes:
        id: Unique in the review, and changed by any other text of the row.
        question: What was asked; not to be edited.
        reference: The right answer where there is one, else ""; not to be edited.
        thinking: The thought.
        answer: The answer or summary.
        decision: Whether the row is to be learnt from.
        note: What the reviewer has to say.
    """

    id: str
    question: str
    reference: str
    thinking: str
    answer: str
    decision: Decision = "keep"
    note: str = ""


def review_page(rows: Sequence[ReviewRow], file_name: str) -> str:
    """The page over these rows.

    Args:
        rows: What is to be read.
        file_name: The name under which the browser saves the edited rows.

    Returns:
        A document of HTML.
    """
    count = f"{len(rows)} rows" if len(rows) != 1 else "1 row"
    return page(
        f"Review of {count}",
        tag("a", "Skip to the rows", href="#rows", class_="skip"),
        tag("header", tag("h1", "Rows to review"), tag("p", *_lead(count, file_name), class_="lead")),
        tag("main", _bar(), *_numbered(rows), id="rows"),
        data_block("data", {"file": file_name, "rows": [asdict(row) for row in rows]}),
        script=REVIEW_SCRIPT,
        more_style=REVIEW_STYLE,
    )


def _lead(count: str, file_name: str) -> list[Html | str]:
    return [
        f"{count} to learn from. Read each; edit its thought and its answer, or reject it; then save ",
        tag("code", file_name),
        ", put it in the place of the file of that name, and run the same command again in its run folder.",
    ]


def _bar() -> Html:
    """Search, counts and the button that saves; shown by the script, without which the page is only read."""
    options = [("", "all"), ("edited", "edited"), ("rejected", "rejected"), ("untouched", "untouched")]
    choices = [tag("option", text, value=value) for value, text in options]
    return join(
        tag(
            "form",
            tag("label", "Search", tag("input", name="q", type="search"), class_="search"),
            tag("label", "Show", tag("select", *choices, name="show")),
            tag("button", "Save", type="button", id="save"),
            id="filters",
            hidden=True,
        ),
        tag("p", id="count", role="status", aria_live="polite"),
        tag("p", *_keys(), id="keys", hidden=True),
        tag("noscript", tag("p", "Without JavaScript this page can only be read.", class_="note")),
    )


def _keys() -> list[Html | str]:
    keys = [("j", "next"), ("k", "previous"), ("e", "edit"), ("x", "reject or keep"), ("s", "save")]
    return [part for key, what in keys for part in (tag("kbd", key), f" {what}  ")]


def _numbered(rows: Sequence[ReviewRow]) -> list[Html]:
    return [_row(number, row) for number, row in enumerate(rows, start=1)]


def _row(number: int, row: ReviewRow) -> Html:
    """One row to be read; the script adds the fields to edit it in when they are asked for."""
    heading = f"row-{number}"
    rejected = row.decision == "reject"
    return tag(
        "article",
        tag(
            "h2",
            f"{number} ",
            tag("span", row.id, class_="where"),
            " ",
            tag("span", "rejected" if rejected else "", class_="state"),
            id=heading,
        ),
        tag(
            "p",
            tag("button", "Edit", type="button", class_="edit", aria_expanded="false"),
            tag("button", "Reject", type="button", class_="reject", aria_pressed=str(rejected).lower()),
            class_="buttons",
            hidden=True,
        ),
        _part("Question", row.question, "question"),
        _part("Thought", row.thinking, "thinking"),
        _part("Answer", row.answer, "answer"),
        _part("Reference answer", row.reference, "reference") if row.reference else None,
        tag("div", class_="editor", hidden=True),
        class_="row",
        aria_labelledby=heading,
        tabindex="-1",
    )


def _part(title: str, text: str, kind: str) -> Html:
    return tag("section", tag("h3", title), tag("div", text, class_=f"said {kind}", dir="auto"))
