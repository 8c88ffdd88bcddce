from r1light.core.types import Problem
from r1light.graders.none import NoGrader


def test_it_abstains_on_everything():
    grader = NoGrader()
    problem = Problem(id="a/1", prompt="Write a poem.", grader="none")
    verdicts = grader.grade_many([(problem, "Roses"), (problem, "")])
    assert [(verdict.status, verdict.score) for verdict in verdicts] == [("abstain", None)] * 2
    assert "'a/1'" in verdicts[0].detail
    grader.close()
