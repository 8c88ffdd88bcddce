"""The paper's rows beside a run's own."""

from __future__ import annotations

import re

import pytest

from r1light.reports.paper_results import BENCHMARKS, MODELS
from r1light.reports.paper_rows import paper_figures, paper_tasks
from r1light.reports.paper_section import paper_html

METRICS = {
    "aime24/problems": 30,
    "aime24/pass@1": 0.3125,
    "aime24/pass@1_stderr": 0.05,
    "aime24/cons@64": 0.5,
    "codeforces/problems": 80,
    "codeforces/rating": 1444.4,
    "codeforces/rating_stderr": 30.0,
    "codeforces/percentile": 80.4,
    "simpleqa/problems": 5,
    "simpleqa/pass@1": 0.25,
    "arithmetic/problems": 10,
    "arithmetic/pass@1": 1.0,
}


def test_only_benchmarks_that_were_asked_and_that_the_paper_has():
    assert list(paper_tasks(METRICS)) == ["simpleqa", "codeforces", "aime24"]
    assert paper_html({"arithmetic/problems": 10, "arithmetic/pass@1": 1.0}) is None


def test_shares_become_percent_and_ratings_stay():
    found = {each.name: each for each in paper_figures(METRICS)}
    assert list(found) == [
        "simpleqa/correct",
        "codeforces/rating",
        "codeforces/percentile",
        "aime24/pass@1",
        "aime24/cons@64",
    ]
    assert found["aime24/pass@1"].ours.value == pytest.approx(31.25)
    assert found["aime24/pass@1"].ours.error == pytest.approx(9.8)  # 1.96 x 5 points
    assert (found["codeforces/rating"].ours.value, found["codeforces/rating"].ours.error) == (1444.4, 58.8)
    assert found["codeforces/percentile"].ours.value == 80.4
    assert found["simpleqa/correct"].ours.value == 25.0  # pass@1 is this figure by another name
    assert dict(found["aime24/cons@64"].theirs)["DeepSeek-R1"] == 86.7


def test_the_headline_stands_even_where_the_run_lacks_it():
    (figure,) = paper_figures({"alpaca_eval/problems": 3, "alpaca_eval/win_rate": 0.5})
    assert (figure.name, figure.ours) == ("alpaca_eval/lc_win_rate", None)


def test_the_page_marks_whose_each_row_is():
    page = str(paper_html(METRICS))
    rows = re.findall(r"<tr><th scope=\"row\">(.*?)</th>(.*?)</tr>", page)
    assert rows[0][0] == "This run"
    assert "31.2 ± 9.8" in rows[0][1]
    assert "1,444 ± 59" in rows[0][1]
    by_paper = [name for name, _ in rows[1:] if "the paper" in name]
    assert len(by_paper) == len(rows) - 1 - len(paper_tasks(METRICS))  # the last rows tell how it measured
    assert any(name.startswith("DeepSeek-R1<small>the paper’s, Table 3") for name in by_paper)
    assert any(name.startswith("R1-Distill-Qwen-1.5B<small>the paper’s, Table 15") for name in by_paper)
    assert "not measured again here" in page
    assert "another number for R1-Zero here (71.0)" in page


def test_every_number_belongs_to_a_figure_of_a_benchmark_and_is_in_its_range():
    known = {f"{task}/{figure}" for task, found in BENCHMARKS.items() for figure in found.figures}
    for model in MODELS:
        assert set(model.values) <= known
        for name, value in model.values.items():
            assert (900 < value < 2100) if name.endswith("/rating") else (0 < value < 100)
    used = {name for model in MODELS for name in model.values}
    assert known == used


def test_the_numbers_of_r1_and_of_the_students():
    by_name = {model.name: model.values for model in MODELS}
    assert len(by_name) == len(MODELS) == 5 + 6 + 2 + 2
    r1, small = by_name["DeepSeek-R1"], by_name["R1-Distill-Qwen-1.5B"]
    assert (r1["aime24/pass@1"], r1["codeforces/rating"], r1["mmlu/pass@1"]) == (79.8, 2029, 90.8)
    assert (small["math500/pass@1"], small["codeforces/rating"]) == (83.9, 954)
    assert "codeforces/rating" not in by_name["QwQ-32B-Preview"]


def test_the_page_says_how_much_this_run_has_asked():
    page = str(paper_html(METRICS | {"aime24/completions": 120}))
    assert "30 problems, 4 completions of each" in page
