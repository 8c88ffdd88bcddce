"""Who is a knight, and who a knave, in the words that models use."""

from __future__ import annotations

import pytest

from r1light.core.types import Problem
from r1light.graders.knights_and_knaves import KnightsAndKnaves

GRADER = KnightsAndKnaves(KnightsAndKnaves.Config(max_chars=400))
GOLD = "(1) Zoey is a knight\n(2) Owen is a knave\n(3) Ann-Lee is a knave"
PUZZLE = Problem("p", "", "knights_and_knaves", GOLD, meta={"names": ["Zoey", "Owen", "Ann-Lee"]})


@pytest.mark.parametrize(
    "said",
    [
        GOLD,
        "If Zoey is a knave, Owen is a knight.\nAnswer:\n" + GOLD,
        "**Answer:**\n- **Zoey**: Knight\n- **Owen**: Knave\n- **Ann-Lee**: Knave",
        "Zoey is a knight, Owen and Ann-Lee are knaves.",
        r"\boxed{\text{zoey is a knight, owen is not a knight, ann-lee (knave)}}",
        f"<think>Zoey is a knave</think><answer>{GOLD}</answer>",
    ],
)
def test_right(said):
    assert GRADER.grade(PUZZLE, said).score == 1.0
    assert GRADER.canonical(PUZZLE, said) == "knight knave knave"


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        ("", "Zoey: neither, or both"),
        ("Zoey is a knight. Owen is a knave.", "Ann-Lee: neither, or both"),
        (GOLD + "\n(4) Zoey is a knave", "Zoey: neither, or both"),
        ("Zoey is a knight, Owen is a knight, Ann-Lee is a knave", "Owen: knight"),
        (GOLD + "\nAnswer: they are all knights", "Zoey: neither, or both"),  # the answer is what is marked
        ("x" * 401, "longer than 400 characters"),
    ],
)
def test_wrong(said, detail):
    verdict = GRADER.grade_many([(PUZZLE, said)])[0]
    assert (verdict.score, verdict.detail) == (0.0, detail)


@pytest.mark.parametrize(
    ("answer", "meta"),
    [(GOLD, {}), (GOLD, {"names": []}), ("(1) Zoey is a knight", PUZZLE.meta), (None, PUZZLE.meta)],
)
def test_a_puzzle_without_names_or_a_whole_reference_is_an_error(answer, meta):
    assert GRADER.grade(Problem("p", "", "knights_and_knaves", answer, meta=meta), GOLD).status == "error"


def test_hostile_answers_take_no_time():
    grader = KnightsAndKnaves(KnightsAndKnaves.Config())
    for said in ("Zoey, " * 2700, "Zoey and " * 1800 + "is", "Answer:" * 2300, " \n" * 8000, "*" * 16000):
        assert grader.grade(PUZZLE, said).score == 0.0


def test_a_limit_that_means_nothing():
    with pytest.raises(ValueError, match="max_chars"):
        KnightsAndKnaves.Config(max_chars=0)
