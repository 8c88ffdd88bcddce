"""The table of an evaluation, in the log and in the report."""

from __future__ import annotations

from r1light.reports.evaluation import evaluation_html, evaluation_table, table_lines

METRICS = {
    "problems": 8,
    "pass@1": 0.5,
    "pass@1_stderr": 0.1,
    "pass@2": 0.6,
    "cons@4": 0.75,
    "pass@4": 0.8,
    "mean_length": 20.5,
    "mean_length_stderr": 1.0,
    "sums/problems": 6,
    "sums/pass@1": 0.25,
    "<b>/problems": 2,
    "<b>/rewards/helpfulness/mean": 0.625,
}


def test_a_row_for_all_and_one_a_source_and_columns_that_have_a_number():
    found = evaluation_table(METRICS)
    assert found.heads == ("source", "problems", "pass@1", "cons@4", "pass@4", "helpful", "tokens")
    assert found.rows == (
        ("all", "8", "50.0% ± 19.6%", "75.0%", "80.0%", "", "20.5"),
        ("<b>", "2", "", "", "", "0.625", ""),
        ("sums", "6", "25.0%", "", "", "", ""),
    )


def test_the_log_has_plain_characters_and_the_page_escapes_names():
    lines = table_lines(METRICS)
    assert lines[1].split() == ["all", "8", "50.0%", "+-", "19.6%", "75.0%", "80.0%", "20.5"]
    assert all(line.isascii() for line in lines)
    page = str(evaluation_html(METRICS))
    assert "&lt;b&gt;" in page
    assert "<b>" not in page


def test_another_stage_has_no_such_table():
    assert table_lines({"after/pass@1": 0.5}) == []
    assert evaluation_html({}) is None
