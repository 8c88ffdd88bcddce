import doctest
import importlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1light.core.errors import ResumeError, RewardError
from r1light.core.protocols import Reward
from r1light.core.registry import registry
from r1light.core.scoring import per_sample
from r1light.core.types import Completion, Parsed, Problem, Sample, Score, Verdict
from r1light.graders.countdown import Countdown
from r1light.graders.exact import Exact
from r1light.rewards.accuracy import Accuracy
from r1light.rewards.format import Format
from r1light.rewards.mix import RewardMix, WeightedReward
from r1light.rewards.reflection import CHINESE, ENGLISH, reflection_rate, reflective_words


def sample(answer="5", grader="exact", gold="5", well_formed=True, **problem):
    return Sample(
        Problem(id="p", prompt="2+3", grader=grader, answer=gold, **problem),
        "2+3",
        Completion((1, 2), "text", (-0.1, -0.2), "stop"),
        Parsed(None, answer, well_formed),
    )


def gives(*values):
    """A reward that returns these scores, whatever it is asked: None abstains, a text is an error."""

    def score(value):
        if isinstance(value, str):
            return Score.error(value)
        return Score.abstain() if value is None else Score.ok(value)

    return lambda samples: [score(value) for value in values]


def test_a_short_run_is_checked_at_its_end():
    mix = RewardMix([WeightedReward("r", gives("broken", 1.0))], max_error_rate=0.4)
    assert mix.score([sample()] * 2).totals == (None, 1.0)  # 2 samples of the 64 that a rate is taken from
    with pytest.raises(
        RewardError, match=r"reward 'r' failed on 1 of 2 samples, more than .*=0.4; .*\nbroken"
    ):
        mix.check()
    within = RewardMix([WeightedReward("r", gives("broken", 1.0))], max_error_rate=0.5)
    within.score([sample()] * 2)
    within.check()


def totals(rewards, weights=None, n=None):
    components = [
        WeightedReward(f"r{index}", reward, weights[index] if weights else 1.0)
        for index, reward in enumerate(rewards)
    ]
    mix = RewardMix(components, max_error_rate=1.0)
    return mix.score([sample()] * (n or len(rewards[0]([])))).totals


# accuracy and format


def test_accuracy_asks_each_problems_own_grader_once_for_all_its_samples():
    class Watched(Exact):
        calls = 0

        def grade_many(self, items):
            self.calls += 1
            return super().grade_many(items)

    exact = Watched(Exact.Config())
    reward = Accuracy({"exact": exact, "countdown": Countdown(Countdown.Config())})
    assert isinstance(reward, Reward)
    game = {"numbers": [1, 2], "target": 3}
    scores = reward(
        [
            sample("5"),
            sample("1+2", "countdown", meta=game),
            sample("6"),
            sample("2-1", "countdown", meta=game),
        ]
    )
    assert [score.value for score in scores] == [1.0, 1.0, 0.0, 0.0]
    assert exact.calls == 1
    assert reward([]) == []


def test_accuracy_without_an_answer_is_zero_even_where_the_grader_would_fail():
    (score,) = Accuracy({})([sample(None, grader="none")])
    assert score.status == "abstain"  # without an answer too: there is no right one
    assert Accuracy({"exact": Exact(Exact.Config())})([sample(None, gold=None)]) == [
        Score.ok(0.0, "no answer")
    ]


def test_accuracy_keeps_errors_and_abstentions():
    class Fixed:
        def grade_many(self, items):
            return [Verdict(None, "error", "broken"), Verdict(None, "abstain", "open question"), Verdict(0.5)]

    scores = Accuracy({"exact": Fixed()})([sample()] * 3)
    assert scores == [Score.error("broken"), Score.abstain("open question"), Score.ok(0.5)]


def test_accuracy_names_a_grader_that_is_not_there():
    good, bad = Accuracy({"exact": Exact(Exact.Config())})([sample(), sample(grader="maths")])
    assert good.value == 1.0
    assert bad.status == "error"
    assert "'maths'" in bad.detail
    assert "exact" in bad.detail


def test_format_follows_the_template():
    assert [score.value for score in Format()([sample(), sample(well_formed=False)])] == [1.0, 0.0]


def test_the_registry_builds_them():
    graders = {"exact": Exact(Exact.Config())}
    assert registry("rewards").create("accuracy", graders=graders)([sample()])[0].value == 1.0
    assert registry("rewards").create("format", graders=graders)([sample()])[0].value == 1.0
    for name in ("math", "countdown", "exact"):
        config = registry("graders").config_type(name)()
        grader = registry("graders").create(name, config)
        assert grader.grade(sample(gold="3", meta={"numbers": [3], "target": 3}).problem, "3").correct
        grader.close()
    for name in ("r1_zero", "plain"):
        config = registry("templates").config_type(name)()
        assert "2+3" in registry("templates").create(name, config).render(sample().problem).text


# the mix


def test_totals_are_the_weighted_sum():
    # 2 * 1 + 0.5 * 0.25 = 2.125;  2 * 0 + 0.5 * -1 = -0.5
    assert totals([gives(1.0, 0.0), gives(0.25, -1.0)], [2.0, 0.5]) == (2.125, -0.5)


def test_abstentions_add_nothing_and_errors_drop_the_sample():
    first, second = gives(1.0, None, None, "broken", "broken", 0.0), gives(0.5, 0.5, None, 0.5, None, None)
    #       1 + 0.5, abstained + 0.5, both abstained, error, error, 0 + abstained
    assert totals([first, second]) == (1.5, 0.5, None, None, None, 0.0)


def test_a_reward_that_raises_is_an_error_of_all_its_samples():
    def broken(samples):
        raise KeyError("missing column")

    mix = RewardMix(
        [WeightedReward("good", gives(1.0, 1.0)), WeightedReward("bad", broken)], max_error_rate=1.0
    )
    mixed = mix.score([sample()] * 2)
    assert mixed.totals == (None, None)
    assert [score.status for score in mixed.scores["bad"]] == ["error", "error"]
    assert "KeyError" in mixed.scores["bad"][0].detail
    assert [score.value for score in mixed.scores["good"]] == [1.0, 1.0]


@pytest.mark.parametrize(
    ("reward", "says"),
    [
        (lambda samples: [Score.ok(1.0)], "returned 1 scores for 2 samples"),
        (lambda samples: [Score.ok(1.0)] * 3, "returned 3 scores for 2 samples"),
        (lambda samples: [1.0, 0.0], "returned float 1.0 where a Score belongs"),
        (lambda samples: [Score.ok(math.nan)] * 2, "not finite"),
        (lambda samples: [Score.ok(-math.inf)] * 2, "not finite"),
        (lambda samples: None, "TypeError"),
        (per_sample(lambda sample: 1 / 0), "ZeroDivisionError"),
    ],
)
def test_what_is_no_score_is_an_error_never_a_zero(reward, says):
    mixed = RewardMix([WeightedReward("odd", reward)], max_error_rate=1.0).score([sample()] * 2)
    assert mixed.totals == (None, None)
    assert says in mixed.scores["odd"][0].detail


def test_too_many_errors_stop_the_run_with_the_first_traceback():
    def broken(samples):
        raise KeyError(f"batch of {len(samples)}")

    mix = RewardMix([WeightedReward("flaky", broken)], max_error_rate=0.5, min_samples=4)
    mix.score([sample()] * 3)  # 3 errors of 3, but fewer than 4 samples say little
    with pytest.raises(RewardError) as caught:
        mix.score([sample()] * 1)
    text = str(caught.value)
    assert "'flaky' failed on 4 of 4 samples" in text
    assert "batch of 3" in text  # the first one
    assert "Traceback" in text
    assert "max_error_rate=0.5" in text


def test_the_error_rate_is_over_the_whole_run_and_up_to_its_bound_allowed():
    fails = iter([1, 0, 0, 0, 1, 1])

    def sometimes(samples):
        return [Score.error("no")] if next(fails) else [Score.ok(1.0)]

    mix = RewardMix([WeightedReward("some", sometimes)], max_error_rate=0.25, min_samples=4)
    for _ in range(4):  # 1/1, 1/2, 1/3 are below 4 samples, and 1/4 is not above 0.25
        mix.score([sample()])
    with pytest.raises(RewardError, match="failed on 2 of 5"):  # 2/5 = 0.4
        mix.score([sample()])


def test_one_reward_does_not_dilute_anothers_errors():
    mix = RewardMix(
        [WeightedReward("good", gives(*[1.0] * 10)), WeightedReward("bad", gives(*["x"] * 6, *[1.0] * 4))],
        max_error_rate=0.5,
        min_samples=1,
    )
    with pytest.raises(RewardError, match="'bad' failed on 6 of 10"):
        mix.score([sample()] * 10)


def test_counts_survive_a_resume():
    def build(reward):
        return RewardMix([WeightedReward("r", reward)], max_error_rate=0.5, min_samples=4)

    first = build(gives("x", None, 1.0))
    first.score([sample()] * 3)
    assert first.state() == {"r": {"ok": 1, "abstain": 1, "error": 1}}
    second = build(gives("x", "x"))
    second.load_state(first.state())
    with pytest.raises(RewardError, match="failed on 3 of 5"):  # 1 + 2 of 3 + 2
        second.score([sample()] * 2)
    with pytest.raises(ResumeError, match="same rewards"):
        build(gives()).load_state({"other": {"ok": 1, "abstain": 0, "error": 0}})


def test_metrics():
    mix = RewardMix(
        [WeightedReward("a", gives(1.0, 0.0, None, "x")), WeightedReward("b", gives(*[None] * 4))],
        max_error_rate=1.0,
    )
    metrics = mix.score([sample()] * 4).metrics()
    assert metrics == {
        "rewards/a/mean": 0.5,  # (1 + 0) / 2
        "rewards/a/std": pytest.approx(math.sqrt(0.5)),  # (0.25 + 0.25) / (2 - 1)
        "rewards/a/error_rate": 0.25,
        "rewards/a/abstain_rate": 0.25,
        "rewards/b/error_rate": 0.0,
        "rewards/b/abstain_rate": 1.0,
    }
    one = RewardMix([WeightedReward("a", gives(0.75))]).score([sample()]).metrics()
    assert (one["rewards/a/mean"], one["rewards/a/std"]) == (0.75, 0.0)
    assert RewardMix([WeightedReward("a", gives())]).score([]).metrics() == {
        "rewards/a/error_rate": 0.0,
        "rewards/a/abstain_rate": 0.0,
    }


@pytest.mark.parametrize(
    ("components", "options", "says"),
    [
        ([], {}, "different names"),
        ([WeightedReward("a", gives()), WeightedReward("a", gives())], {}, "different names"),
        ([WeightedReward("a", gives(), math.inf)], {}, "finite"),
        ([WeightedReward("a", gives())], {"max_error_rate": 1.5}, "max_error_rate"),
        ([WeightedReward("a", gives())], {"min_samples": 0}, "min_samples"),
    ],
)
def test_mix_refuses(components, options, says):
    with pytest.raises(ValueError, match=says):
        RewardMix(components, **options)


VALUES = st.one_of(st.none(), st.just("x"), st.floats(-4, 4, width=16))


@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=8), st.randoms())
def test_totals_do_not_depend_on_the_order_of_samples_or_rewards(rows, rng):
    order = rng.sample(range(len(rows)), len(rows))
    first, second = zip(*rows, strict=True)
    straight = totals([gives(*first), gives(*second)], [1.0, 2.0])
    moved = totals([gives(*[first[i] for i in order]), gives(*[second[i] for i in order])], [1.0, 2.0])
    assert moved == tuple(straight[i] for i in order)
    assert totals([gives(*second), gives(*first)], [2.0, 1.0]) == straight


# reflective words


def test_the_papers_ten_words_are_counted_whatever_their_case():
    assert len(ENGLISH) == 10
    assert [reflective_words(word) for word in ENGLISH] == [1] * 10
    assert reflective_words(" ".join(ENGLISH).upper()) == 10
    assert [reflective_words(word) for word in CHINESE] == [1] * len(CHINESE)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("Wait, wait. Wait. That's an aha moment.", 3),
        ("await butter terror wrongly unchecked", 0),
        ("mistakes errors verified retries evaluating checks waited", 7),
        ("等等，我算错了，重新检查一下。", 4),  # 等等, 错了, 重新, 检查
    ],
)
def test_reflective_words(text, count):
    assert reflective_words(text) == count


def test_the_rate_is_words_a_completion():
    assert reflection_rate(["wait, wait", "5", "but 6"]) == 1.0  # (2 + 0 + 1) / 3
    assert reflection_rate([]) == 0.0


@pytest.mark.parametrize("name", ["language", "length", "problem_fields", "prose", "repetition", "words"])
def test_examples_in_docstrings_are_right(name):
    results = doctest.testmod(importlib.import_module(f"r1light.rewards.{name}"))
    assert results.attempted
    assert results.failed == 0
