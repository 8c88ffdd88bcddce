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
    known = {"none": None, "own": Score.ok(9, "mine"), "word": "good"}
    return known.get(sample.completion.text, len(sample.completion.text))


def test_numbers_abstentions_and_scores_pass_and_anything_else_is_an_error_of_its_sample():
    scores = length([sample("abc"), sample("none"), sample("own"), sample("word"), sample("")])
    assert scores == [
        Score.ok(3),
        Score.abstain(),
        Score.ok(9, "mine"),
        Score.error("returned 'good' where a number, a Score or None belongs"),
        Score.ok(0),
    ]


def test_an_exception_is_an_error_of_its_sample_and_tells_its_place():
    first, failed = length([sample("ab"), sample("raise")])
    assert (first, failed.status) == (Score.ok(2), "error")
    line = length.__wrapped__.__code__.co_firstlineno + 4  # behind the decorator, the name and the docstring
    assert failed.detail == f"ZeroDivisionError: by nought ({__file__}:{line})"


def test_the_lifted_function_is_a_reward_and_keeps_its_name():
    assert isinstance(length, Reward)
    assert length.__name__ == "length"
    assert length.__doc__ == "How long the text is."
