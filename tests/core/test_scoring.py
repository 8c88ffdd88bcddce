from r1light.core.protocols import Reward
from r1light.core.scoring import per_sample
from r1light.core.types import Completion, Parsed, Problem, Sample, Score


def sample(text: str) -> Sample:
    completion = Completion((), text, (), "stop")
    return Sample(Problem("1", "?", "exact"), "?", completion, Parsed(None, text, True))


@per_sample
def length(sample):
    """How long the text is."""
    if sample.completion.text == "raise":
        raise ZeroDivisionError("by nought")
    return {"none": None, "own": Score.ok(9, "mine")}.get(sample.completion.text, len(sample.completion.text))


def test_numbers_abstentions_and_scores_pass_and_an_exception_is_an_error_of_its_sample():
    scores = length([sample("abc"), sample("none"), sample("own"), sample("raise"), sample("")])
    assert scores == [
        Score.ok(3),
        Score.abstain(),
        Score.ok(9, "mine"),
        Score.error("ZeroDivisionError: by nought"),
        Score.ok(0),
    ]


def test_the_lifted_function_is_a_reward_and_keeps_its_name():
    assert isinstance(length, Reward)
    assert length.__name__ == "length"
    assert length.__doc__ == "How long the text is."
