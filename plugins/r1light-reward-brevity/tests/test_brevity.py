import pytest
from r1light_reward_brevity.brevity import Brevity, brevity

from r1light.api import Completion, Parsed, Problem, Sample
from r1light.testing import check_reward


def sample(tokens, answer="5", *, well_formed=True):
    completion = Completion(tuple(range(tokens)), "text", (-1.0,) * tokens, "stop")
    return Sample(Problem("1", "2+3?", "exact", "5"), "2+3?", completion, Parsed("t", answer, well_formed))


def test_the_contract():
    check_reward(lambda: Brevity(Brevity.Config()))


def test_it_falls_evenly_to_the_limit():
    assert [brevity(tokens, 200) for tokens in (0, 50, 200, 900)] == [1.0, 0.75, 0.0, 0.0]
    reward = Brevity(Brevity.Config(limit=100))
    assert [score.value for score in reward([sample(25), sample(100)])] == [0.75, 0.0]


def test_saying_nothing_does_not_pay():
    scores = Brevity(Brevity.Config())([sample(3, None), sample(3, well_formed=False)])
    assert [score.value for score in scores] == [0.0, 0.0]


def test_a_limit_below_one_is_refused():
    with pytest.raises(ValueError, match="limit=0 must be at least 1"):
        Brevity.Config(limit=0)
