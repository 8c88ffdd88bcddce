import pytest

from r1light.core.errors import WorkerError
from r1light.core.types import Problem, Verdict
from r1light.curation.cold_start import ColdStart
from r1light.curation.curator import Candidate, Dropped, Kept
from r1light.templates.r1_zero import R1Zero

PROBLEM = Problem(id="p", prompt="2+3?", grader="math", answer="5", language="en")
ZERO = R1Zero(R1Zero.Config())
RIGHT, WRONG = Verdict(1.0), Verdict(0.0)


def candidate(thought="two and three", answer="5", verdict=RIGHT, **values):
    text = f"<think>{thought}</think><answer>{answer}</answer>"
    values = {"parsed": ZERO.parse("", text), "text": text, "prompt": ZERO.render(PROBLEM)} | values
    return Candidate(way="zero", verdict=verdict, sampler={"way": "zero"}, **values)


def curate(tools, candidates, **options):
    return ColdStart(ColdStart.Config(**options), tools).curate(PROBLEM, candidates)


def reasons(outcomes):
    return [outcome.reason if isinstance(outcome, Dropped) else "kept" for outcome in outcomes]


class Judge:
    """Rewrites into scripted texts, or raises."""

    def __init__(self, thought="First I add.", summary="It is 5", error=None, form="{}"):
        self.texts, self.error, self.form, self.asked = (thought, summary), error, form, 0

    def ask(self, messages):
        self.asked += 1
        if self.error:
            raise self.error
        mark = messages[0].content.partition("----- thought ")[2][:16]
        parts = zip(("thought", "summary", "end"), (*self.texts, ""), strict=True)
        return self.form.format("\n".join(f"----- {name} {mark} -----\n{text}" for name, text in parts))


def test_the_ways_are_asked_in_their_order(make_tools):
    curator = ColdStart(ColdStart.Config(), make_tools())
    ways = curator.ways(PROBLEM)
    assert [way.name for way in ways] == ["few_shot", "zero_shot", "zero"]
    assert ways[2].prompt == ZERO.render(PROBLEM)
    assert ways[0].prompt.text.endswith(ways[2].prompt.text)
    assert "step by step" in ways[1].prompt.text
    assert len({way.prompt.text for way in ways}) == 3
    assert curator.graded
    assert not curator.asks
    assert curator.parse("zero", "<think>", "a</think><answer>5</answer>").answer == "5"


def test_what_is_right_and_readable_is_written_in_the_form_of_the_cold_start(make_tools):
    (kept,) = curate(make_tools(), [candidate()])
    assert kept.row["completion"] == "|special|two and three|special|5"
    assert kept.row["prompt"] == "User: 2+3?\n\nAssistant:"
    assert kept.row["meta"]["sampler"] == {"way": "zero"}


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (candidate(verdict=WRONG), "wrong"),
        (candidate(verdict=Verdict(None, "error", "x")), "grader_error"),
        (candidate(verdict=Verdict(None, "abstain", "x")), "ungraded"),
        (candidate(finish_reason="length"), "truncated"),
        (candidate(thought=""), "malformed"),
        (candidate(thought="混混"), "mixed_language"),
        (candidate(thought="again again"), "repetition"),
        (candidate(thought="x" * 2001), "long_paragraph"),
        (candidate(thought="```x```"), "code_block"),
        (candidate(thought="a |special| b"), "unwritable"),
    ],
)
def test_everything_else_is_dropped_for_a_reason(make_tools, one, reason):
    assert reasons(curate(make_tools(), [one])) == [reason]


def test_at_most_keep_rows_and_the_others_are_surplus(make_tools):
    three = [candidate(thought=text) for text in ("a b c d", "a b c e", "x y z w")]
    assert sorted(reasons(curate(make_tools(), three))) == ["kept", "surplus", "surplus"]
    outcomes = curate(make_tools(), three, keep=2)
    kept = [outcome.row["completion"] for outcome in outcomes if isinstance(outcome, Kept)]
    assert ["x y z w" in text for text in kept] == [False, True]  # the second differs more than a near copy
    assert reasons(curate(make_tools(), three, keep=None)) == ["kept"] * 3


def test_a_judge_rewrites_what_is_kept_and_no_more(make_tools):
    judge = Judge()
    many = [candidate(thought=f"t{n}") for n in range(4)]
    outcomes = curate(make_tools(judge=judge), [candidate(verdict=WRONG), *many], rewrite=True)
    assert reasons(outcomes).count("kept") == 1
    assert judge.asked == 1
    row = next(outcome.row for outcome in outcomes if isinstance(outcome, Kept))
    assert row["completion"] == "|special|First I add.|special|It is 5"
    assert row["meta"]["sampler"]["rewritten"] is True
    assert ColdStart(ColdStart.Config(rewrite=True), make_tools(judge=judge)).asks


@pytest.mark.parametrize(
    ("judge", "reason"),
    [
        (Judge(summary="It is 6"), "rewritten_wrong"),
        (Judge(thought="混"), "rewritten_mixed_language"),
        (Judge(summary="混 5"), "rewritten_mixed_language"),
        (Judge(thought="again again"), "rewritten_repetition"),
        (Judge(thought="a|special|b"), "unwritable"),
        (Judge(form="no"), "rewrite_malformed"),
    ],
)
def test_a_bad_rewriting_is_dropped_and_the_next_completion_is_tried(make_tools, judge, reason):
    two = [candidate(thought="t1"), candidate(thought="t2")]
    assert reasons(curate(make_tools(judge=judge), two, rewrite=True)) == [reason] * 2
    assert judge.asked == 2


def test_code_may_stand_in_a_summary(make_tools):
    judge = Judge(summary="```python\nprint(5)\n```\nso 5")
    assert reasons(curate(make_tools(judge=judge), [candidate()], rewrite=True)) == ["kept"]


def test_a_judge_without_a_reply_stops_the_run_or_costs_the_row(make_tools):
    judge = Judge(error=RuntimeError("HTTP status 500"))
    with pytest.raises(WorkerError, match=r"problem 'p': HTTP status 500; run the same command again"):
        curate(make_tools(judge=judge), [candidate()], rewrite=True)
    outcomes = curate(make_tools(judge=judge), [candidate()], rewrite=True, failed_rewrites="drop")
    assert reasons(outcomes) == ["rewrite_failed"]
    assert "500" in outcomes[0].detail


@pytest.mark.parametrize("values", [{"ways": []}, {"ways": ["zero", "zero"]}, {"shots": 0}, {"keep": 0}])
def test_options_are_checked(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        ColdStart.Config(**values)
