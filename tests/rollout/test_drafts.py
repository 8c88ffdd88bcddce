import pytest

from r1light.core.errors import DataError, EngineError
from r1light.core.types import RolloutRequest, SamplingParams
from r1light.rollout.drafts import Collector, Draft, Endings, check_requests, drafts_of


def spell(ids):
    return "".join(map(chr, ids))


def write(text, *, eos=(0,), stop=(), cap=100):
    """Extend a draft by the characters of a text until it ends."""
    endings = Endings(spell, eos, stop, version=4)
    draft = Draft(0, 0, cap)
    for character in text:
        if endings.extend(draft, ord(character), -0.5):
            break
    return endings.complete(draft)


def test_an_end_token_is_kept_in_the_ids_and_left_out_of_the_text():
    done = write("ab\0cd")
    assert (done.token_ids, done.text, done.finish_reason) == ((97, 98, 0), "ab", "stop")
    assert done.logprobs == (-0.5,) * 3
    assert done.weights_version == 4


def test_every_end_token_ends():
    assert write("abc", eos=(0, 98)).text == "a"
    assert write("abc", eos=(99, 98)).token_ids == (97, 98)


def test_the_cap_ends_with_the_reason_length_unless_the_last_token_is_an_end():
    assert write("abcdef", cap=3).finish_reason == "length"
    assert write("abcdef", cap=3).text == "abc"
    assert write("ab\0", cap=3).finish_reason == "stop"


def test_a_stop_string_is_cut_from_the_text_and_kept_in_the_ids():
    done = write("so</a>xyz", stop=("</a>",))
    assert (done.text, spell(done.token_ids), done.finish_reason) == ("so", "so</a>", "stop")


def test_the_first_of_several_stop_strings_counts():
    assert write("one. two; three", stop=("; ", ". ")).text == "one"


def test_a_stop_string_is_found_after_a_long_text():
    assert write("x" * 90 + "END", stop=("END",)).text == "x" * 90


def test_a_stop_string_within_one_token_cuts_inside_it():
    pieces = {1: "a", 2: "b STOP c"}
    endings = Endings(lambda ids: "".join(pieces[each] for each in ids), (), ("STOP",), 0)
    draft = Draft(0, 0, 9)
    assert not endings.extend(draft, 1, 0.0)
    assert endings.extend(draft, 2, 0.0)
    assert endings.complete(draft).text == "ab "


def test_an_unfinished_draft_is_an_aborted_completion():
    done = write("abc")
    assert (done.finish_reason, done.text) == ("abort", "abc")
    assert write("").token_ids == ()


def test_probabilities_that_are_not_finite_are_a_fault_of_the_engine():
    endings = Endings(spell, (), (), version=7)
    draft = Draft(0, 0, 2)
    endings.extend(draft, 97, -1.0)
    endings.extend(draft, 98, float("nan"))
    with pytest.raises(EngineError, match=r"not finite \(weights version 7"):
        endings.complete(draft)


def test_a_group_is_whole_with_its_last_completion_and_ordered_by_index():
    requests = [RolloutRequest("a", (1,)), RolloutRequest("b", (2,))]
    endings = Endings(spell, (0,), (), 0)
    collector = Collector(requests, 2)
    drafts = [Draft(1, 1, 5, [65], [0.0]), Draft(0, 0, 5), Draft(1, 0, 5, [66], [0.0])]
    assert collector.add(drafts[0], endings.complete(drafts[0])) is None
    assert collector.add(drafts[1], endings.complete(drafts[1])) is None
    group = collector.add(drafts[2], endings.complete(drafts[2]))
    assert group is not None
    assert (group.request, [each.text for each in group.completions]) == (requests[1], ["B", "A"])


def test_drafts_stand_by_group_longest_prompt_first_capped_by_the_context():
    requests = [RolloutRequest("a", (1,) * 3), RolloutRequest("b", (1,) * 8), RolloutRequest("c", (1,) * 3)]
    drafts = drafts_of(requests, SamplingParams(n=2, max_tokens=5), context=10)
    assert [(each.group, each.index, each.cap) for each in drafts] == [
        (1, 0, 2),
        (1, 1, 2),
        (0, 0, 5),
        (0, 1, 5),
        (2, 0, 5),
        (2, 1, 5),
    ]


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ((), "problem 'q' has an empty prompt"),
        ((1,) * 10, "the prompt of problem 'q' has 10 tokens and leaves no room .* context of 10"),
        ((5, 50, 5), "problem 'q' has the token id 50, and the model knows ids up to 49"),
    ],
)
def test_prompts_that_cannot_be_completed_are_refused_by_name(ids, message):
    good = RolloutRequest("fine", (1,) * 9)
    check_requests([good], context=10, vocabulary=50)
    with pytest.raises(DataError, match=message):
        check_requests([good, RolloutRequest("q", ids)], context=10, vocabulary=50)
