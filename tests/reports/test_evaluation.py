"""The table of an evaluation, in the log and in the report."""

from __future__ import annotations

import json

from r1light.reports.evaluation import TaskNote, evaluation_html, evaluation_table, read_tasks, table_lines
from r1light.reports.run_report import write_report

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


SEVERAL = {
    "ifeval/problems": 541,
    "ifeval/pass@1": 0.5,
    "ifeval/prompt_strict": 0.5,
    "ifeval/prompt_strict_stderr": 0.02,
    "ifeval/inst_loose": 0.75,
    "codeforces/problems": 80,
    "codeforces/pass@1": 0.25,
    "codeforces/pass@1_stderr": 0.05,
    "codeforces/rating": 1500.0,
    "codeforces/percentile": 0.5,
    "codeforces/unjudged": 0.1,
}
NOTES = {"ifeval": TaskNote("IFEval", "prompt_strict"), "codeforces": TaskNote("Codeforces", "rating")}


def test_a_row_a_task_with_what_it_is_known_by_and_its_own_figures():
    found = evaluation_table(SEVERAL, NOTES)
    assert found.heads == ("task", "known by", "problems", "pass@1", "its own figures")
    assert found.rows == (
        ("Codeforces (codeforces)", "rating 1,500", "80", "25.0% ± 9.8%", "percentile 0.5"),
        ("IFEval (ifeval)", "prompt_strict 50.0% ± 3.9%", "541", "50.0%", "inst_loose 75.0%"),
    )


def test_the_page_of_a_run_of_tasks_stands_beside_the_paper_and_escapes_titles(make_run):
    folder = make_run(result={"stage": "evaluate", "metrics": SEVERAL, "outputs": {}})
    hostile = {"title": "<script>alert(1)</script>", "metric": "rating"}
    folder.tasks.write_text(json.dumps({"codeforces": hostile}))
    assert read_tasks(folder.tasks)["codeforces"].metric == "rating"
    page = write_report(folder).read_text()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "Beside the paper" in page
    assert "R1-Distill-Llama-70B" in page
    assert "AIME 2024" not in page  # it was not asked


def test_a_run_of_the_data_source_has_no_section_of_the_paper(make_run):
    metrics = {"problems": 4, "pass@1": 0.5}
    page = write_report(make_run(result={"stage": "evaluate", "metrics": metrics, "outputs": {}})).read_text()
    assert "Beside the paper" not in page
