"""The sections on what was kept and dropped."""

from __future__ import annotations

import json

import pytest

from r1light.core.errors import DataError
from r1light.core.run_folder import RunFolder
from r1light.reports.curation import SHOWN, dropped_html, kept_html


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_reasons_are_counted_and_the_first_samples_shown(tmp_path):
    wrong = [{"reason": "wrong", "problem_id": f"p{i}", "completion": f"text{i}"} for i in range(SHOWN + 1)]
    rows = [{"reason": "grader_error", "detail": "<b>away</b>", "problem_id": "q", "completion": "\x1b[31m"}]
    write(tmp_path / "dropped.jsonl", rows + wrong)
    page = dropped_html(RunFolder(tmp_path))
    # 6 of 7 and 1 of 7
    cells = '<th scope="row">wrong</th><td>6</td><td>85.7%</td>'
    assert cells in page
    assert page.index(cells) < page.index('<th scope="row">grader error</th><td>1</td><td>14.3%</td>')
    assert f"text{SHOWN - 1}" in page
    assert f"text{SHOWN}" not in page
    assert "q: &lt;b&gt;away&lt;/b&gt;" in page
    assert "\x1b" not in page


def test_rows_of_every_form_are_shown(tmp_path):
    turns = [{"role": "user", "content": "<i>?"}, {"role": "assistant", "content": "5"}]
    rows = [{"prompt": "2+3?", "completion": " 5"}, {"messages": turns}, {"chosen": "5", "rejected": "6"}]
    write(tmp_path / "data.jsonl", rows)
    page = kept_html(RunFolder(tmp_path))
    for text in ("3 rows", "2+3? 5", "user: &lt;i&gt;?\n\nassistant: 5", "chosen: 5\nrejected: 6"):
        assert text in page


def test_a_run_without_these_files_has_no_sections(tmp_path):
    assert dropped_html(RunFolder(tmp_path)) is None
    assert kept_html(RunFolder(tmp_path)) is None


def test_a_broken_line_is_named(tmp_path):
    (tmp_path / "dropped.jsonl").write_text("[1]\n")
    with pytest.raises(DataError, match=r"dropped\.jsonl should hold one JSON object a line, not a list"):
        dropped_html(RunFolder(tmp_path))
