"""IFEval's instructions one by one, and its scores beside lm-eval's own on all its prompts."""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from r1light.core.types import Problem
from r1light.graders.ifeval import IFEval
from r1light.graders.instructions import CHECKS

PARAGRAPHS = "the cats sleep all day long. the dogs run in the park. "
CASES = [
    (
        "change_case:capital_word_frequency",
        {"capital_relation": "at least", "capital_frequency": 4},
        "DON'T tell NASA, U.S.A.",
        "DON'T tell NASA.",
    ),  # DO and N'T are two
    ("change_case:english_capital", {}, "THIS IS AN ENGLISH SENTENCE.", "This is an English sentence."),
    ("change_case:english_lowercase", {}, "this is an english sentence.", "DAS IST KEINER"),
    (
        "combination:repeat_prompt",
        {"prompt_to_repeat": "Say hello. "},
        " say HELLO. Hello!",
        "Hello. Say hello.",
    ),
    ("combination:two_responses", {}, "one\n******\ntwo", "one\n******\none"),
    ("detectable_content:number_placeholders", {"num_placeholders": 2}, "[a] and [b]", "[a\n] [b]"),
    ("detectable_content:postscript", {"postscript_marker": "P.P.S"}, "Bye.\np. p.s more", "P.S. more"),
    ("detectable_format:constrained_response", {}, "So: My answer is no. Yes.", "no"),
    ("detectable_format:json_format", {}, '```json\n{"a": [1]}\n```', "{a: 1}"),
    (
        "detectable_format:multiple_sections",
        {"section_spliter": "Section", "num_sections": 2},
        "Section 1 a Section2 b",
        "Section one",
    ),
    ("detectable_format:number_bullet_lists", {"num_bullets": 2}, "* a\n\n  - b\n** c", "* a\n- b\n- c"),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 2}, "*a* *b*", "*a* ** **"),
    ("detectable_format:title", {}, "<<a>>", "<< >> <<\n>>"),
    ("keywords:existence", {"keywords": ["moon", "sun"]}, "Sunday, MOONLIGHT", "sun"),
    ("keywords:forbidden_words", {"forbidden_words": ["rock"]}, "rocks", "a Rock!"),
    ("keywords:frequency", {"keyword": "war ", "relation": "less than", "frequency": 2}, "warm", "War, warm"),
    ("keywords:letter_frequency", {"letter": "#", "let_relation": "at least", "let_frequency": 2}, "##", "#"),
    (
        "language:response_language",
        {"language": "de"},
        "Das ist ein ganz kurzer deutscher Satz.",
        "It is English.",
    ),
    (
        "length_constraints:nth_paragraph_first_word",
        {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "weekend"},
        "a\n\n'\"Weekend's b",
        "a\n\nb\n\nweekend",
    ),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "***\na\n***\nb", "a *** *** b"),
    (
        "length_constraints:number_sentences",
        {"relation": "less than", "num_sentences": 3},
        "Dr. Smith left. He is 3.5 ft. tall.",
        "One. Two. Three.",
    ),
    (
        "length_constraints:number_words",
        {"relation": "at least", "num_words": 3},
        "one-two three",
        "one, two",
    ),
    ("punctuation:no_comma", {}, "a; b", "a, b"),
    ("startend:end_checker", {"end_phrase": "Bye now."}, 'So: "bye NOW."', "Bye now. Then."),
    ("startend:quotation", {}, ' "a" ', '"'),
]


def problem_of(names, kwargs):
    return Problem("i", "?", "ifeval", meta={"instruction_id_list": names, "kwargs": kwargs})


@pytest.mark.parametrize(("name", "kwargs", "kept", "broken"), CASES, ids=[case[0] for case in CASES])
def test_each_instruction_is_kept_and_broken(name, kwargs, kept, broken):
    padded = {**kwargs, "of_another": None}  # as the hub's table has it
    assert IFEval().grade(problem_of([name], [padded]), kept).score == 1.0
    verdict = IFEval().grade(problem_of([name], [padded]), broken)
    assert (verdict.score, verdict.detail) == (0.0, f"breaks {name}")
    assert IFEval().grade(problem_of([name], [padded]), " \n").parts["prompt_loose"] == 0.0


def test_every_instruction_has_a_case():
    assert sorted(case[0] for case in CASES) == sorted(CHECKS)


def test_parts_and_what_loose_forgives():
    asked = problem_of(
        ["punctuation:no_comma", "startend:quotation", "startend:end_checker"],
        [{}, {}, {"end_phrase": "Bye."}],
    )
    # without its first line the answer has no comma and is quoted; without the asterisk it ends as asked
    verdict = IFEval().grade(asked, 'Sure, here:\n"Hello\nBye.*"')
    assert verdict.parts == {
        "prompt_strict": 0.0, "prompt_loose": 1.0, "inst_strict": 0.0, "inst_loose": 1.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("names", "kwargs", "said"),
    [
        (["nothing:known"], [{}], "unknown instruction"),
        (["punctuation:no_comma"], [], "1 instructions with 0 kwargs"),
        ([], [], "0 instructions"),
        (["keywords:frequency"], [{"keyword": "a", "frequency": 1, "relation": "above"}], "'above' must be"),
        (["length_constraints:number_words"], [{}], "KeyError: 'relation'"),
    ],
)
def test_what_cannot_be_checked_is_an_error_and_never_wrong(names, kwargs, said):
    verdict = IFEval().grade(problem_of(names, kwargs), "text")
    assert verdict.status == "error"
    assert said in verdict.detail


HOSTILE = ["[" * 60000, "<" * 60000, "\n" * 60000 + "x", " " * 60000 + "x", "*" * 60000, "p." * 30000,
           "[" * 60000 + "\n]", '{"a":' * 60000]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_takes_time_that_grows_with_its_square(text):
    begun = time.process_time()
    for name, kwargs, *_ in CASES:
        CHECKS[name](text, kwargs)
    assert time.process_time() - begun < 60  # a square of 60,000 would take many minutes


# --- beside lm-eval ---


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """lm-eval's own checks, with the English Punkt model as NLTK's data, and langdetect's guess fixed."""
    pytest.importorskip("lm_eval")
    import nltk
    from langdetect import DetectorFactory
    from punkt.data import english

    folder = tmp_path_factory.mktemp("nltk") / "tokenizers/punkt_tab/english"
    folder.mkdir(parents=True)
    pairs = "".join(f"{one}\t{two}\n" for one, two in sorted(english.COLLOCATIONS))
    (folder / "collocations.tab").write_text(pairs)
    (folder / "sent_starters.txt").write_text("\n".join(sorted(english.SENT_STARTERS)))
    (folder / "abbrev_types.txt").write_text("\n".join(sorted(english.ABBREV_TYPES)))
    contexts = "".join(f"{word}\t{number}\n" for word, number in english.ORTHO_CONTEXT.items())
    (folder / "ortho_context.tab").write_text(contexts)
    nltk.data.path.insert(0, str(folder.parents[2]))
    DetectorFactory.seed = 0
    from lm_eval.tasks.ifeval import utils

    yield utils
    nltk.data.path.remove(str(folder.parents[2]))


def their_parts(utils, row, text):
    inst = utils.process_results({**row, "key": 0}, [text])
    strict, loose = inst["inst_level_strict_acc"], inst["inst_level_loose_acc"]
    return {
        "prompt_strict": float(inst["prompt_level_strict_acc"]),
        "prompt_loose": float(inst["prompt_level_loose_acc"]),
        "inst_strict": sum(strict) / len(strict),
        "inst_loose": sum(loose) / len(loose),
    }


def prompts():
    folder = os.environ.get("R1LIGHT_SHARED_DATA")
    if not folder or not (path := Path(folder) / "ifeval/input_data.jsonl").is_file():
        pytest.skip("R1LIGHT_SHARED_DATA names no folder with ifeval/input_data.jsonl")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def drawn_at_random(row):
    """Whether the published check draws a letter of its own."""
    return any(len(each.get("letter") or "a") != 1 or not (each.get("letter") or "a").isalpha()
               for each in row["kwargs"])  # fmt: skip


def kept_text(row, rng):
    """A text that was made to follow the instructions, more or less."""
    names, said = row["instruction_id_list"], {}
    for each in row["kwargs"]:
        said.update({key: value for key, value in each.items() if value is not None})
    parts = []
    if "combination:repeat_prompt" in names:
        parts.append(said["prompt_to_repeat"])
    if "detectable_format:title" in names:
        parts.append("<<a title>>")
    words = [
        *said.get("keywords", []),
        *[said.get("keyword", "")] * said.get("frequency", 0),
    ]
    words += [said.get("letter", "e")] * said.get("let_frequency", 0)
    words += ["GOOD"] * said.get("capital_frequency", 0) + ["[name]"] * said.get("num_placeholders", 0)
    words += ["word"] * (said.get("num_words", 20) + rng.randint(-1, 1))
    parts.append(" ".join(words) + ".")
    parts += [f"* point {n}" for n in range(said.get("num_bullets", 0))]
    parts += [f"*mark {n}*" for n in range(said.get("num_highlights", 0))]
    parts += [f"{said.get('section_spliter', 'S')} {n}" for n in range(1, said.get("num_sections", 0) + 1)]
    parts += ["He met Dr. Smith at 5 p.m. on Friday."] * (said.get("num_sentences", 1) + rng.randint(-2, 0))
    if "first_word" in said:
        parts = [f"{said['first_word']}, then more." for _ in range(said["num_paragraphs"])]
    glue = "\n\n" if "first_word" in said else "\n***\n" if "num_paragraphs" in said else "\n"
    text = glue.join(parts[: said["num_paragraphs"]] if glue == "\n***\n" else parts)
    text += f"\n{said['postscript_marker']} bye" if "postscript_marker" in said else ""
    text += f"\n{said['end_phrase']}" if "end_phrase" in said else ""
    text = f"{text}\n******\nOther." if "combination:two_responses" in names else text
    text = "My answer is maybe." if "detectable_format:constrained_response" in names else text
    text = json.dumps({"a": text}) if "detectable_format:json_format" in names else text
    text = text.replace(",", "") if "punctuation:no_comma" in names else text
    text = text.upper() if "change_case:english_capital" in names else text
    text = text.lower() if "change_case:english_lowercase" in names else text
    return f'"{text}"' if "startend:quotation" in names else text


def responses(row, rng):
    """Responses of several kinds."""
    made = kept_text(row, rng)
    yield from ("", " \n ", row["prompt"], row["prompt"].upper(), row["prompt"].lower(), made)
    yield f"Sure, here it is:\n{made}\nI hope that helps!"
    yield "\n".join(rng.choice(PIECES) for _ in range(rng.randint(1, 12)))


PIECES = [
    "* one",
    "- two",
    "  * three *four*",
    "**bold** and *it*",
    "<<t>>",
    "<< >>",
    "***",
    "******",
    "",
    "",
    "P.S. x",
    "P. P. S y",
    "Section 1",
    "SECTION 2: [a] [b]",
    '"quoted"',
    "```json",
    "```",
    "{}",
    "My answer is yes.",
    "Mr. Jones of the U.S. DON'T CAN'T A/B e.g. NASA... Really?! Yes.",
    "A, b, and c",
    "nur ein deutscher Satz",
    "yet another line with words",
    "ALL CAPS LINE",
    "\t* tab",
    "*\nafter a star",
    "Any other questions?",
    "-",
    "[",
    "]",
]


def both(utils, row, text):
    meta = {"instruction_id_list": row["instruction_id_list"], "kwargs": row["kwargs"]}
    ours = IFEval().grade(Problem("i", row["prompt"], "ifeval", meta=meta), text)
    assert ours.status == "ok", ours.detail
    return dict(ours.parts), their_parts(utils, row, text)


@pytest.mark.slow
def test_all_four_scores_are_those_of_lm_eval_on_every_prompt(theirs):
    compared, followed, broken = 0, set(), set()
    for row in prompts():
        if drawn_at_random(row):
            continue
        rng = random.Random(f"ifeval/{row['key']}")
        for text in responses(row, rng):
            ours, other = both(theirs, row, text)
            assert ours == other, (row["key"], row["instruction_id_list"], text)
            compared += 1
            for name, kwargs in zip(row["instruction_id_list"], row["kwargs"], strict=True):
                told = bool(text.strip()) and CHECKS[name](text, kwargs)
                (followed if told else broken).add(name)
    assert compared == 8 * 539
    assert followed == broken == set(CHECKS)  # each was kept by some response, and broken by another


TEXTS = st.lists(
    st.sampled_from([*"[]<>*-#\"'.,! \n\t\r\x0b", *PIECES, "a", "Weekend", "P.", "1"]), max_size=30
)


@settings(deadline=None)  # the first call reads models
@given(TEXTS.map("".join), st.integers(0, len(CASES) - 1))
@example("*\n* a", 10)
@example("[[]]\n[", 5)
@example(">><<a>>>", 12)
def test_each_check_is_lm_eval_s_on_any_text(theirs, text, index):
    name, kwargs, *_ = CASES[index]
    row = {"prompt": "?", "instruction_id_list": [name], "kwargs": [kwargs]}
    if not drawn_at_random(row):
        ours, other = both(theirs, row, text)
        assert ours == other
