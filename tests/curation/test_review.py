import json
from dataclasses import asdict, replace

import pytest

from r1light.core.errors import DataError
from r1light.core.types import Message, Problem, Verdict
from r1light.curation.review import Review, review_lines
from r1light.templates.cold_start import ColdStart

TEMPLATE = ColdStart(ColdStart.Config(opening="|m|", closing="|m|"))


def grade(items):
    return [
        Verdict(None, "abstain", "x")
        if problem.grader == "none"
        else Verdict(None, "error", "boom")
        if answer == "boom"
        else Verdict(float(answer.endswith(problem.answer)))
        for problem, answer in items
    ]


@pytest.fixture
def review():
    problems = {
        name: Problem(id=name, prompt=f"{name}+1?", grader="math", answer=str(int(name) + 1))
        for name in "123"
    }
    rows = [
        {
            "prompt": TEMPLATE.render(problem).text,
            "completion": f"|m|I add {n}.|m|{problem.answer}",
            "problem_id": problem.id,
            "meta": {"sampler": {"index": n}},
        }
        for problem in problems.values()
        for n in (0, 1)
    ]
    return Review(rows, problems, TEMPLATE, grade)


@pytest.fixture
def returned(review, tmp_path):
    """Writes the rows back, changed by a function of their list."""
    path = tmp_path / "review.jsonl"

    def write(change=lambda rows: rows, raw=b""):
        path.write_bytes(review_lines(change(review.shown())) + raw)
        return path

    return write


def changed(index, **values):
    return lambda rows: [replace(row, **values) if n == index else row for n, row in enumerate(rows)]


def test_rows_are_shown_with_ids_of_their_text(review):
    shown = review.shown()
    assert len({row.id for row in shown}) == 6
    assert shown[0].id.startswith("1#")
    expected = {"question": "1+1?", "reference": "2", "thinking": "I add 0.", "answer": "2"}
    assert {key: asdict(shown[0])[key] for key in expected} == expected
    other = replace(review, rows=[{**review.rows[0], "completion": "|m|I add 9.|m|2"}])
    assert other.shown()[0].id != shown[0].id
    turns = Problem(id="1", prompt=(Message("system", "s"), Message("user", "u")), grader="none")
    chat = replace(review, problems={**review.problems, "1": turns}, rows=[], template=TEMPLATE)
    assert chat.shown() == []


def test_nothing_changed(review, returned):
    merged = review.merge(returned())
    assert merged.metrics() == {"review/edited": 0, "review/rejected": 0, "review/unchanged": 6}
    assert [row["completion"] for row in merged.kept] == [row["completion"] for row in review.rows]
    assert {row["meta"]["review"] for row in merged.kept} == {"unchanged"}
    assert merged.kept[0]["meta"]["sampler"] == {"index": 0}


def test_edited_and_rejected_rows_in_any_order(review, returned):
    def change(rows):
        rows[1] = replace(rows[1], thinking="One and one.", answer="It is 2", note="clearer")
        rows[3] = replace(rows[3], decision="reject", note="no", answer="nonsense")
        return rows[::-1]

    merged = review.merge(returned(change))
    assert merged.metrics() == {"review/edited": 1, "review/rejected": 1, "review/unchanged": 4}
    assert merged.kept[1]["completion"] == "|m|One and one.|m|It is 2"
    assert merged.kept[1]["meta"] == {"sampler": {"index": 1}, "review": "edited", "note": "clearer"}
    assert merged.rejected[0]["problem_id"] == "2"
    assert merged.rejected[0]["meta"]["note"] == "no"
    assert "review" not in review.rows[1]["meta"]  # what was given stays as it is


def test_white_space_around_a_text_is_no_edit(review, returned):
    assert review.merge(returned(changed(0, thinking=" I add 0.\n"))).edited == 0


@pytest.mark.parametrize(
    ("change", "raw", "message"),
    [
        (changed(2, answer="7"), b"", r"review.jsonl:3: the answer '7' is not right any more; .* is '3'"),
        (changed(2, answer="boom"), b"", r"review.jsonl:3: its answer could not be graded: boom"),
        (changed(2, thinking="a|m|b"), b"", r"review.jsonl:3: template 'cold_start' cannot hold"),
        (changed(2, thinking=" "), b"", r"review.jsonl:3: template 'cold_start' cannot hold"),
        (changed(2, question="x"), b"", r"review.jsonl:3: question was changed"),
        (changed(2, reference="9"), b"", r"review.jsonl:3: reference was changed"),
        (changed(2, id="2#0"), b"", r"review.jsonl:3: no row of this run has the id '2#0'"),
        (changed(2, decision="maybe"), b"", r"review.jsonl:3: decision='maybe' must be"),
        (lambda rows: rows[:2] + rows[3:], b"", r"review.jsonl: 1 of 6 rows are lost, such as '2#"),
        (lambda rows: [*rows, rows[4]], b"", r"review.jsonl:7 has the id of .*review.jsonl:5"),
        (lambda rows: rows, b"{\n", r"review.jsonl:7 is no JSON"),
        (lambda rows: rows, b'{"id": "x", "thougt": ""}\n', r"review.jsonl:7: unknown key 'thougt'"),
        (lambda rows: rows, b'{"id": 3}\n', r"review.jsonl:7: id=3 is no text"),
        (lambda rows: rows, b'{"id": "x"}\n', r"review.jsonl:7: there is no 'question'"),
        (lambda rows: rows, b"\xff\n", r"review.jsonl:7 is not UTF-8"),
    ],
)  # fmt: skip
def test_every_fault_is_named_by_file_and_line(review, returned, change, raw, message):
    with pytest.raises(DataError, match=message):
        review.merge(returned(change, raw))


def test_all_faults_are_told_up_to_twenty(review, returned):
    path = returned(lambda rows: [replace(row, answer="7") for row in rows])
    with pytest.raises(DataError) as caught:
        review.merge(path)
    assert str(caught.value).count("is not right any more") == 6
    path = returned(raw=b"x\n" * 30)
    with pytest.raises(DataError, match=r"\(and 10 more faults\)"):
        review.merge(path)


def test_what_no_grader_judges_may_be_edited_freely(review, returned):
    free = {name: replace(problem, grader="none", answer=None) for name, problem in review.problems.items()}
    loose = replace(review, problems=free)
    path = returned(lambda rows: [replace(row, reference="", answer="anything") for row in rows])
    assert loose.merge(path).edited == 6


def test_lines_survive_json(review):
    rows = [json.loads(line) for line in review_lines(review.shown()).splitlines()]
    assert rows == [asdict(row) for row in review.shown()]
