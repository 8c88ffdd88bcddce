"""Codeforces: names, files beside the problems, and figures by hand."""

from __future__ import annotations

import json

import pytest

from r1light.core.errors import DataError
from r1light.evaluation.outcome import Outcome
from r1light.evaluation.task import Answered
from r1light.evaluation.tasks.codeforces import Codeforces

TESTS = [{"input": "2 3", "output": "5"}]
STANDING = {
    "contest": "7",
    "points": {"A": 1, "B": 2},
    "participants": [{"rating": 1500, "points": each} for each in (3, 1, 1, 0)],
}


def open_r1(index, **more):
    made = {
        "contest_id": "7", "index": index, "description": f"Problem {index}.", "input_format": "Two numbers.",
        "output_format": "Their sum.", "note": None, "rating": 1500, "examples": TESTS,
        "official_tests": [{"input": "1 1", "output": "2"}], "input_mode": "stdio", "generated_checker": None,
    }  # fmt: skip
    return made | more


@pytest.fixture
def task(tmp_path):
    def make(rows, names=None, ratings=None, standings=None, **options):
        (tmp_path / "codeforces").mkdir(exist_ok=True)
        (tmp_path / "codeforces.jsonl").write_text("".join(json.dumps(each) + "\n" for each in rows))
        files = {"names.json": names, "ratings.json": ratings, "standings.jsonl": standings}
        for name, value in files.items():
            if value is not None:
                (tmp_path / "codeforces" / name).write_text(json.dumps(value))
        return Codeforces(Codeforces.Config(**options), tmp_path)

    return make


def answers(problems, scores_PK):
    return [
        Answered(
            problem,
            tuple(
                Outcome(problem.id, "codeforces", score, score is None, None, 1, False, True, {}, {})
                for score in row
            ),
        )
        for problem, row in zip(problems, scores_PK, strict=True)
    ]


def test_rows_with_contests(task, caplog):
    checked, files = open_r1("C", generated_checker="..."), open_r1("D", input_mode="file")
    first, second = task([open_r1("A"), checked, files, open_r1("B")], language="cpp")
    assert (first.id, second.id) == ("codeforces/7A", "codeforces/7B")
    assert (first.meta["contest"], first.meta["letter"], first.meta["difficulty"]) == ("7", "A", 1500.0)
    assert (first.meta["language"], first.meta["source"]) == ("cpp", "codeforces")
    assert [test.stdin for test in first.tests] == ["2 3", "1 1"]
    assert "with a C++ program" in first.prompt
    assert "Their sum." in first.prompt
    assert "2 problems need a checker or files" in caplog.text


def test_rows_with_names_beside_them(task):
    rows = [{"problem": "Add.", "tests": TESTS}, {"problem": "Add twice.", "tests": TESTS}]
    assert [each.id for each in task(rows)] == ["codeforces/1", "codeforces/2"]
    assert [each.id for each in task(rows, names=["1972D1", "1972D2"])] == [
        "codeforces/1972D1", "codeforces/1972D2"
    ]  # fmt: skip
    for names in (["1A"], ["1A", "1B", "1C"]):
        with pytest.raises(DataError, match=f"{len(names)} names for 2 problems"):
            list(task(rows, names=names))
    with pytest.raises(DataError, match="'x' is no name of a problem such as 1971A"):
        list(task(rows, names=["1A", "x"]))


def test_figures_by_hand(task):
    made = task([open_r1("A"), open_r1("B")], ratings={"1000": 1, "1600": 1}, standings=STANDING)
    # attempts: {A} ties with two and beats one of four equals, 1500; {A, B}: 3.5 of 4;
    # the third was not judged
    found = made.figures(answers(list(made), [[1.0, 1.0, 1.0], [0.0, 1.0, None]]), 0)
    # 3.5 of 4 of 1500 is 1500 + 400 log10(7) = 1838.04; the mean with 1500 is 1669.02, of one contest
    assert found["rating"].mean == pytest.approx(1669.02, abs=0.01)
    assert found["rating"].stderr is None
    assert found["percentile"].mean == 100.0
    # 1 of A, 1/2 of B: 3/4 of two problems of 1500 is 1500 + 400 log10(3) = 1690.85
    assert found["difficulty_rating"].mean == pytest.approx(1690.85, abs=0.01)
    assert found["difficulty_percentile"].mean == 100.0


def test_a_contest_that_was_asked_in_part_has_no_rating(task, caplog):
    made = task([open_r1("A")], standings=STANDING)
    assert "rating" not in made.figures(answers(list(made), [[1.0]]), 0)
    assert "stage.task.codeforces.standings=" in caplog.text
    assert "stage.task.codeforces.ratings=" in caplog.text


def test_without_anything_beside_there_are_no_figures(task):
    made = task([{"problem": "Add.", "tests": TESTS}])
    assert made.figures(answers(list(made), [[1.0]]), 0) == {}


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"ratings": ["x"]}, "must be an object of rating to people"),
        ({"ratings": {"1500": 1.5}}, "must be an object of rating to people"),
        ({"ratings": {"abc": 1}}, "could not convert"),
        ({"ratings": {}}, "no ratings of people"),
        ({"standings": {"contest": "7"}}, r"standings.jsonl:1 is no standing .*KeyError"),
        ({"standings": STANDING | {"participants": []}}, "and participants"),
        ({"standings": STANDING | {"points": {"A": "NaN"}}}, "is no standing"),
    ],
)
def test_broken_files_are_told(task, files, says):
    with pytest.raises(DataError, match=says):
        task([open_r1("A")], **files)


def test_files_that_are_not_there_are_told(tmp_path):
    with pytest.raises(DataError, match=r"codeforces\.ratings=gone\.json is no file"):
        Codeforces(Codeforces.Config(ratings="gone.json"), tmp_path)
