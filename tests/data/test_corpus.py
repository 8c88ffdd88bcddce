from __future__ import annotations

import itertools
import re

from r1light.data.arithmetic import Sum
from r1light.data.corpus.build import documents
from r1light.data.countdown import Game
from r1light.data.tiny_programs import Rule
from r1light.graders.expression import evaluate, tokenize
from r1light.templates.r1_zero import BEFORE_QUESTION

DOCUMENTS = list(itertools.islice(documents(0, BEFORE_QUESTION), 4000))
SUM = re.compile(r"User: (?:Compute |计算)(\d+)\+(\d+)\. Assistant: (.*)", re.DOTALL)
GAME = re.compile(r"User: Use ([\d, ]+) once each .* to make (\d+)\. Assistant: (.*)", re.DOTALL)
ANSWER = re.compile(r"<answer> (.*) </answer>$")


def sums():
    for text in DOCUMENTS:
        if match := SUM.search(text):
            yield int(match[1]), int(match[2]), match[3]


def test_the_same_seed_gives_the_same_documents():
    assert list(itertools.islice(documents(0, BEFORE_QUESTION), 50)) == DOCUMENTS[:50]
    assert list(itertools.islice(documents(1, BEFORE_QUESTION), 50)) != DOCUMENTS[:50]


def test_no_held_out_problem_is_in_it():
    assert all(Sum(left, right).split == "train" for left, right, _ in sums())
    games = [match for text in DOCUMENTS if (match := GAME.search(text))]
    assert len(games) > 1000
    for match in games:
        numbers = tuple(int(part) for part in match[1].split(", "))
        assert Game(numbers, int(match[2])).split == "train"


def test_most_sums_are_guessed_and_guesses_are_mostly_wrong():
    guessed, right, worked, worked_right = 0, 0, 0, 0
    for left, other, thought in sums():
        answer = ANSWER.search(thought)
        good = answer is not None and answer[1] == str(left + other)
        if "put" in thought or "写" in thought:
            worked, worked_right = worked + 1, worked_right + good
        else:
            guessed, right = guessed + 1, right + good
    assert guessed > 3 * worked
    assert right < 0.35 * guessed
    assert worked_right > 0.7 * worked


def test_slips_are_noticed_in_some_traces_and_languages_mix_in_some():
    thoughts = [thought for _, _, thought in sums()]
    assert any("wait, " in thought for thought in thoughts)
    assert any("put" in thought and "写" in thought for thought in thoughts)


LAST_CHAIN = re.compile(r"=(\d+) vs (\d+)(?: (yes|no)|(对了|不行))[.。] </think>")


def test_searches_say_yes_to_what_hits_and_no_to_what_misses():
    said = {True: 0, False: 0}
    for text in DOCUMENTS:
        game, last = GAME.search(text), LAST_CHAIN.search(text)
        if game and last:
            assert last[2] == game[2]
            hit = last[1] == game[2]
            assert hit == (last[3] == "yes" or last[4] == "对了"), text
            said[hit] += 1
    assert min(said.values()) > 100


def test_a_search_answers_with_its_last_chain():
    for text in DOCUMENTS:
        game, last = GAME.search(text), LAST_CHAIN.search(text)
        if game and last and (answer := ANSWER.search(game[3])):
            assert evaluate(tokenize(answer[1])) == int(last[1])


TABLE = re.compile(r"(\d+[-+*/]\d+)=(\d+) vs (\d+) (yes|no);\n")


def test_tables_are_right_and_half_of_their_values_hit():
    tables = [text for text in DOCUMENTS if re.fullmatch(f"({TABLE.pattern})+", text)]
    assert len(tables) > 200
    said = {"yes": 0, "no": 0}
    for expression, value, aim, verdict in TABLE.findall("".join(tables)):
        assert evaluate(tokenize(expression)) == int(value)
        assert (value == aim) == (verdict == "yes")
        said[verdict] += 1
    assert 0.45 < said["yes"] / sum(said.values()) < 0.55


def test_openings_leave_what_they_have_not_used():
    openings = [text for text in DOCUMENTS if text.startswith("Use ")]
    assert len(openings) > 100
    for text in openings:
        first, *lines = text.rstrip("\n;").split("\n")
        numbers = [int(part) for part in first.removeprefix("Use ").split(", ")]
        for line in lines:
            left, running = list(numbers), None
            for step in line.rstrip(";").split(","):
                expression, _, rest = step.partition("=")
                one, other = (int(part) for part in re.split(r"[-+*/]", expression))
                if running is None:
                    left.remove(one)
                assert running in (None, one)
                left.remove(other)
                running, *shown = (int(part) for part in rest.split())
                assert evaluate(tokenize(expression)) == running
                assert shown == left
            assert len(left) == 1


def test_there_is_prose_in_both_languages_and_the_whole_template():
    assert any(re.search(r"[一-鿿]", text) and "User" not in text for text in DOCUMENTS)
    assert any(text.isascii() and "User" not in text for text in DOCUMENTS)
    assert sum(text.startswith(BEFORE_QUESTION) for text in DOCUMENTS) > 200


RIDDLE = re.compile(
    r"User: Write f\(x\) with f\((\d)\)=(\d+), f\(\d\)=(\d+), f\(\d\)=(\d+)\. Assistant: (.*)", re.DOTALL
)
PROGRAM = re.compile(r"<answer> def f\(x\): return (x|\d)\*x\+(\d+) </answer>$")


def test_no_held_out_function_is_in_it_and_most_guesses_at_one_are_wrong():
    seen, guessed, guessed_right, worked, worked_right = 0, 0, 0, 0, 0
    for text in DOCUMENTS:
        if not (found := RIDDLE.search(text)):
            continue
        seen += 1
        start, first, second, third = (int(part) for part in found.groups()[:4])
        square = third - second != second - first
        factor = None if square else second - first
        rule = Rule(factor, first - (start * start if square else factor * start))
        assert [rule.value(start + step) for step in range(3)] == [first, second, third]
        assert rule.split == "train"
        answer = PROGRAM.search(text)
        right = answer is not None and f"{answer[1]}*x+{answer[2]}" == rule.expression
        if ";\n" in text or "；\n" in text:
            worked, worked_right = worked + 1, worked_right + right
        else:
            guessed, guessed_right = guessed + 1, guessed_right + right
    assert seen > 400
    assert guessed > 1.5 * worked
    assert guessed_right < 0.3 * guessed
    assert worked_right > 0.6 * worked


def test_general_questions_have_good_and_poor_answers_and_none_asks_for_a_line_to_be_written():
    talks = [text for text in DOCUMENTS if re.search(r"User: .*(Name|Tell|secret|password|code)", text)]
    assert len(talks) > 40
    assert not any(re.search(r"\b(thank|Thank|Invite|invite)\b", text) for text in DOCUMENTS)


def test_thoughts_are_as_often_in_the_other_language_as_in_that_of_the_question():
    worked = [thought for _, _, thought in sums() if "put" in thought or "写" in thought]
    in_both = [thought for thought in worked if "put" in thought and "写" in thought]
    in_chinese = [thought for thought in worked if "put" not in thought]
    assert 0.1 < len(in_both) / len(worked) < 0.4
    assert 0.2 < len(in_chinese) / len(worked) < 0.55
