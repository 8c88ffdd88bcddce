"""A student's figures around its training, and what goes to samples.jsonl."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from r1light.core.run_folder import RunFolder, read_jsonl
from r1light.core.types import Problem, SamplingParams
from r1light.evaluation.outcome import Measures
from r1light.graders.exact import Exact
from r1light.training.held_out import HeldOut
from r1light.training.held_out_problems import HeldOutProblems, ProblemRecord
from r1light.training.interrupt import Interrupt
from r1light.training.problems import PromptEncoder

PROBLEMS = [Problem(id=str(index), prompt="", grader="exact", answer="yes") for index in range(6)]


class Follower:
    """A student that learns one more answer an update."""

    def __init__(self):
        self.update = None

    def follow(self, update):
        self.update = update

    def says(self, name, index):
        return "yes" if int(name) % 4 <= self.update else "no"


MEASURES = Measures(len, lambda sample: None, lambda text, language: True, lambda text: 0.0)


@pytest.fixture
def measured(fake_engine, whole_text):
    student = Follower()
    encoder = PromptEncoder(whole_text, lambda text: [1], 100)
    graders = {"exact": Exact(Exact.Config())}
    held_out = HeldOut(fake_engine(student.says), encoder, graders, SamplingParams(), Interrupt(), MEASURES)
    return HeldOutProblems(held_out, student, PROBLEMS[:2], PROBLEMS[2:])


def at(update):
    return SimpleNamespace(iteration=update, stream=None)


def test_it_measures_with_the_weights_of_the_moment(measured):
    # problems 0 and 1: the first is right from the start, the second after one update
    assert measured.measure(at(0))["eval/pass@1"] == 0.5
    assert measured.measure(at(1))["eval/pass@1"] == 1.0
    # problems 2, 3, 4, 5 are right from update 2, 3, 0 and 1 on
    assert measured.test_figures(2).metrics["pass@1"] == 0.75


def test_none_in_the_course_of_training_where_none_are_set_aside(measured):
    assert HeldOutProblems(measured.held_out, measured.student, [], PROBLEMS).measure(at(1)) == {}


def test_before_and_after_and_the_teacher_are_measured_once(measured, tmp_path):
    folder = RunFolder(tmp_path)
    asked = []

    def teacher():
        asked.append(1)
        return measured.test_figures(3)

    record = ProblemRecord(folder, measured, teacher, logged_groups=1)
    record.on_train_start(None, at(0))
    resumed = ProblemRecord(folder, measured, teacher, logged_groups=1)
    resumed.load_state_dict(record.state_dict())
    resumed.on_train_start(None, at(2))
    figures = resumed.after(2)
    names = ("teacher/pass@1", "before/pass@1", "after/pass@1")
    assert [figures[name] for name in names] == [1.0, 0.25, 0.75]
    assert len(asked) == 1
    rows = list(read_jsonl(folder.samples))
    assert [(row["phase"], row["iteration"]) for row in rows] == [("before", 0)] * 4 + [("after", 2)] * 4
    accuracy = [row["scores"]["accuracy"]["value"] for row in rows]
    assert accuracy == [0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0]
    assert {row["reward"] for row in rows} == {None}  # no reward was asked: accuracy alone is none
