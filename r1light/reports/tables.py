"""HTML tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from r1light.reports.html import Child, Html, tag


def table(
    columns: Sequence[Child],
    rows: Iterable[Sequence[Child]],
    *,
    caption: str | None = None,
    class_: str | None = None,
) -> Html:
    """A table whose first column names its rows.

    Args:
        columns: The heads.
        rows: Cells, as many as there are heads; text is escaped.
        caption: A line above it.
        class_: CSS class; `numbers` sets all but the first column flush right.

    Raises:
        ValueError: If a row has another number of cells than there are heads.

    Example:
        >>> table(["a", "b"], [["x", "<"]])
        '<table><thead><tr><th scope="col">a</th><th scope="col">b</th></tr></thead><tbody><tr>\
<th scope="row">x</th><td>&lt;</td></tr></tbody></table>'
    """
    body = []
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"a row of {len(row)} cells in a table of {len(columns)} columns")
        body.append(tag("tr", tag("th", row[0], scope="row"), [tag("td", cell) for cell in row[1:]]))
    return tag(
        "table",
        tag("caption", caption) if caption else None,
        tag("thead", tag("tr", [tag("th", column, scope="col") for column in columns])),
        tag("tbody", body),
        class_=class_,
    )


def facts(rows: Iterable[tuple[str, Child]]) -> Html:
    """A list of names and what belongs to them."""
    return tag("dl", [tag("div", tag("dt", name), tag("dd", value)) for name, value in rows], class_="facts")


def fold(title: str, *inside: Child) -> Html:
    """Content behind a line that unfolds it, without script."""
    return tag("details", tag("summary", title), *inside, class_="block")
