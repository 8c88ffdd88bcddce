import pytest

from r1light.core.types import Message, Problem, Verdict
from r1light.curation.curator import Candidate, Dropped
from r1light.curation.general import General, count_words
from r1light.templates.r1_zero import R1Zero

ZERO = R1Zero(R1Zero.Config())
MIXED = "one two three four five six seven eight nine ten 混"
LONG = "Please write a short poem about the sea and the wind"


def problem(prompt=LONG, answer="A poem.", name="p"):
    return Problem(id=name, prompt=prompt, grader="none", answer=answer)


def drawn(way, text, **values):
    return Candidate(way=way, prompt=ZERO.render(problem()), text=text, sampler={"way": way}, **values)


def general(tools, **options):
    return General(General.Config(**options), tools)


def curated(curator, asked, way, *texts, **values):
    candidates = [drawn(way, text, parsed=curator.parse(way, "", text), **values) for text in texts]
    return curator.curate(asked, candidates)


@pytest.fixture
def tools(make_tools):
    return make_tools(empty_thoughts=True)


@pytest.mark.parametrize(
    ("text", "count"),
    [("hello", 1), ("Who are you?", 3), ("你好！", 2), ("", 0), ("2 + 3", 2), ("it's ok", 2)],
)
def test_words(text, count):
    assert count_words(text) == count


def test_simple_queries_get_no_thought_and_of_the_others_a_share(tools):
    always = general(tools, thought_share=1.0)
    assert [way.name for way in always.ways(problem())] == ["thought"]
    assert always.ways(problem())[0].prompt == ZERO.render(problem())
    (hello,) = always.ways(problem("hello"))
    assert (hello.name, hello.given) == ("given", "A poem.")
    assert [way.name for way in always.ways(problem("hello", answer=None))] == ["answer"]
    assert [way.name for way in general(tools, thought_share=0.0).ways(problem())] == ["given"]
    turns = problem((Message("user", LONG), Message("assistant", "ok"), Message("user", "thanks")))
    assert [way.name for way in always.ways(turns)] == ["given"]  # its last turn is simple
    half = general(tools)
    share = sum(half.ways(problem(name=str(n)))[0].name == "thought" for n in range(1000)) / 1000
    assert 0.44 < share < 0.56  # 3.8 standard deviations of 0.016 around a half
    assert [half.ways(problem(name="7")) for _ in range(2)] == [half.ways(problem(name="7"))] * 2


def test_rows_with_and_without_a_thought(tools):
    curator = general(tools)
    (plain,) = curated(curator, problem("hello"), "given", "A poem.")
    assert plain.row["completion"] == "|special||special|A poem."
    (thought,) = curated(curator, problem(), "thought", "<think>hm</think><answer>Mine.</answer>")
    assert thought.row["completion"] == "|special|hm|special|A poem."
    own = general(tools, answers="drawn")
    (mine,) = curated(own, problem(), "thought", "<think>hm</think><answer>Mine.</answer>")
    assert mine.row["completion"] == "|special|hm|special|Mine."
    (new,) = curated(curator, problem("hello", None), "answer", "<think>hm</think><answer>Hi!</answer>")
    assert new.row["completion"] == "|special||special|Hi!"


@pytest.mark.parametrize(
    ("way", "text", "reason"),
    [
        ("thought", "no form", "malformed"),
        ("thought", f"<think>{MIXED}</think><answer>a</answer>", "mixed_language"),
        ("thought", "<think>again again</think><answer>a</answer>", "repetition"),
        ("thought", "<think>a|special|</think><answer>a</answer>", "unwritable"),
    ],
)
def test_what_is_dropped(tools, way, text, reason):
    (outcome,) = curated(general(tools), problem(), way, text)
    assert isinstance(outcome, Dropped)
    assert outcome.reason == reason


@pytest.mark.parametrize(
    ("query", "options", "asked"),
    [
        (LONG, {}, "en"),
        (LONG, {"latin_language": "fr"}, "fr"),
        (LONG, {"latin_language": None}, None),
        ("请写一首关于大海和风的短诗，语言要优美", {}, "zh"),
        ("海と風についての短い詩を書いてくださいね", {}, "ja"),
        ("1234567890", {}, None),
    ],
)
def test_a_thought_is_to_be_in_the_language_of_the_query(tools, query, options, asked):
    seen = []

    class Listening:
        def fault(self, text, language):
            seen.append(language)

    curator = general(tools, **options)
    curator._thought = Listening()
    curated(curator, problem(query), "thought", "<think>hm</think><answer>a</answer>")
    assert seen == [asked]


def test_answers_are_looked_at_and_one_row_is_kept(tools):
    curator = general(tools)
    (outcome,) = curated(curator, problem(answer="again again"), "given", "again again")
    assert outcome.reason == "repetition"
    text = "<think>hm</think><answer>a</answer>"
    outcomes = curated(curator, problem(), "thought", "bad", text, text)
    assert [getattr(outcome, "reason", "kept") for outcome in outcomes] == ["malformed", "kept", "surplus"]
    (cut,) = curated(curator, problem(), "thought", text, finish_reason="length")
    assert cut.reason == "truncated"


@pytest.mark.parametrize("values", [{"simple_words": -1}, {"thought_share": 1.5}])
def test_options_are_checked(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        General.Config(**values)


def test_it_grades_nothing(tools):
    assert not general(tools).graded
    assert tools.grade(problem(), "x") == Verdict(0.0)
