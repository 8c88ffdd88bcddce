from __future__ import annotations

import pytest

from r1light.reports.html import tag
from r1light.reports.tables import facts, fold, table


def test_text_in_cells_is_escaped_and_markup_is_not() -> None:
    shown = table(["a", "b"], [["<x>", tag("b", "&")]], caption="c<", class_="numbers")
    assert '<th scope="row">&lt;x&gt;</th><td><b>&amp;</b></td>' in shown
    assert shown.startswith('<table class="numbers"><caption>c&lt;</caption>')


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="a row of 1 cells in a table of 2 columns"):
        table(["a", "b"], [["x"]])


def test_facts_and_folds() -> None:
    assert facts([("seed", "0")]) == '<dl class="facts"><div><dt>seed</dt><dd>0</dd></div></dl>'
    assert fold("More", "<") == '<details class="block"><summary>More</summary>&lt;</details>'
