"""The language-consistency reward: words, symbols, scripts, languages of one script, mixtures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from r1light.core.registry import registry
from r1light.core.types import Score
from r1light.rewards.language import Language, consistency, is_known, language_code

ENGLISH = (
    "The two numbers are added first, and then we divide the whole sum by seven. Let me check that again."
)
FRENCH = "On additionne d'abord les deux nombres, puis on divise toute la somme par sept. Vérifions cela."
GERMAN = (
    "Zuerst werden die beiden Zahlen addiert, dann teilen wir die ganze Summe durch sieben. Prüfen wir das."
)
SPANISH = "Primero se suman los dos números y luego dividimos toda la suma entre siete. Vamos a comprobarlo."
ITALIAN = (
    "Prima si sommano i due numeri, poi dividiamo tutta la somma per sette. Controlliamo ancora una volta."
)
RUSSIAN = "Сначала мы складываем оба числа, а затем делим всю сумму на семь. Давайте проверим это ещё раз."
UKRAINIAN = "Спочатку ми додаємо обидва числа, а потім ділимо всю суму на сім. Давайте перевіримо це ще раз."
CHINESE = "我们先把这两个数相加，然后把总和除以七。让我再检查一遍这个结果。"
JAPANESE = "まず二つの数を足して、それから合計を七で割ります。もう一度確かめてみましょう。"
KOREAN = "먼저 두 수를 더한 다음에 합계를 칠로 나눕니다. 다시 한번 확인해 봅시다."
THAI = "ก่อนอื่นเราบวกตัวเลขทั้งสองเข้าด้วยกัน แล้วหารผลรวมทั้งหมดด้วยเจ็ด"
HINDI = "पहले हम दोनों संख्याओं को जोड़ते हैं और फिर पूरे योग को सात से भाग देते हैं। एक बार फिर जाँच करते हैं।"
ARABIC = "نجمع العددين أولا ثم نقسم المجموع كله على سبعة. دعونا نتحقق من ذلك مرة أخرى."
GREEK = "Πρώτα προσθέτουμε τους δύο αριθμούς και μετά διαιρούμε όλο το άθροισμα με το επτά."
HEBREW = "קודם מחברים את שני המספרים ואז מחלקים את כל הסכום בשבע."

PASSAGES = {
    "en": ENGLISH,
    "fr": FRENCH,
    "de": GERMAN,
    "es": SPANISH,
    "it": ITALIAN,
    "ru": RUSSIAN,
    "uk": UKRAINIAN,
    "zh": CHINESE,
    "ja": JAPANESE,
    "ko": KOREAN,
    "th": THAI,
    "hi": HINDI,
    "ar": ARABIC,
    "el": GREEK,
    "he": HEBREW,
}


def score(sample, **options):
    return Language(Language.Config(**options))([sample])[0]


@pytest.mark.parametrize("language", PASSAGES)
@pytest.mark.parametrize("asked", PASSAGES)
def test_a_passage_is_in_its_own_language_and_in_no_other(language, asked):
    share = consistency(PASSAGES[language], asked)
    assert share == 1.0 if language == asked else share == 0.0


def test_a_han_or_kana_character_is_a_word():
    # 10 Han characters against 3 English words
    assert consistency("我们先把这两个数相加 and then stop", "zh") == pytest.approx(10 / 13)
    # まず二つの数を足す: 9 characters of Kana and Han in a Japanese sentence, 2 English words
    assert consistency("まず二つの数を足す and stop", "ja") == pytest.approx(9 / 11)


@pytest.mark.parametrize(
    "noise",
    [
        "$\\text{so the sum is } x + y$",
        "$$\\begin{aligned} where y is \\end{aligned}$$",
        "\\[ for every n \\]",
        "\\( with n \\)",
        "\\begin{align*} some words \\end{align*}",
        "```python\nfor line in lines: print(line)\n```",
        "`for line in lines`",
        "https://example.org/some/english/words?yes=indeed",
        "www.example.org/words",
        "someone@example.org",
        "1234567 3.14 50% 2024-01-01 ½ ²",
        "x1 max_len foo_bar H2O 3rd",
        "<answer>",
        "x = y + z, ABC, sin, cos, \\frac, π, Δ",
    ],
)
def test_code_formulas_addresses_numbers_and_symbols_are_left_out(noise):
    assert consistency(f"{CHINESE} {noise} {CHINESE}", "zh") == 1.0
    assert consistency(noise, "zh") is None


def test_what_is_opened_and_never_closed_hides_nothing():
    for opening in ("```", "`", "$", "$$", "\\[", "\\(", "\\begin{align}", "~~~"):
        assert consistency(f"{CHINESE} {opening} {ENGLISH}", "zh") < 0.7
    assert consistency(f"{CHINESE} it costs $5 and {ENGLISH} and then $7 more", "zh") < 0.7


def test_words_in_the_braces_of_a_command_count():
    assert consistency(r"\boxed{the whole sum of both numbers}", "zh") == 0.0
    assert consistency(r"\boxed{the whole sum of both numbers}", "en") == 1.0


def test_an_empty_thought_scores_zero_where_a_language_is_asked_for(make_sample):
    assert score(make_sample(thinking=None, language="en")) == Score.ok(0.0, "no thought")
    assert score(make_sample(thinking=" \n ", language="en")) == Score.ok(0.0, "no thought")
    assert score(make_sample(thinking=None)).status == "abstain"


@pytest.mark.parametrize("thinking", ["12 + 3 = 15", "$x^2$", "`f(x)`", "x = y", "3.14 %"])
def test_a_thought_without_words_abstains(make_sample, thinking):
    for language in ("en", "zh", "ru"):
        assert score(make_sample(thinking=thinking, language=language)) == Score.abstain("no words")


def test_the_problem_says_which_language_and_the_config_where_it_does_not(make_sample):
    assert score(make_sample(thinking=ENGLISH, language="en")).value == 1.0
    assert score(make_sample(thinking=ENGLISH, language="fr")).value == 0.0
    assert score(make_sample(thinking=ENGLISH)).status == "abstain"
    assert score(make_sample(thinking=ENGLISH), language="en-US").value == 1.0
    assert score(make_sample(thinking=ENGLISH, language="fr"), language="en").value == 0.0


def test_codes():
    assert [language_code(text) for text in ("zh-CN", "pt_BR", "EN", "nb", "iw", "zh-Hant-TW")] == [
        "zh",
        "pt",
        "en",
        "no",
        "he",
        "zh",
    ]
    for text in ("english", "", "e", "en US", "12"):
        with pytest.raises(ValueError, match="no code of ISO 639-1"):
            language_code(text)
    assert is_known("ka")
    assert not is_known("kk")


def test_a_language_that_cannot_be_told_abstains_and_a_wrong_code_is_an_error(make_sample):
    unknown = score(make_sample(thinking=ENGLISH, language="eo"))
    assert unknown == Score.abstain("language 'eo' cannot be told from others of its script")
    wrong = score(make_sample(thinking=ENGLISH, language="english"))
    assert wrong.status == "error"
    assert "'sums/1'" in wrong.detail
    assert "ISO 639-1" in wrong.detail


@pytest.mark.parametrize(("language", "says"), [("english", "ISO 639-1"), ("eo", "cannot be told")])
def test_the_config_refuses_languages_that_it_cannot_tell(language, says):
    with pytest.raises(ValueError, match=says):
        Language.Config(language=language)


@pytest.mark.parametrize(
    ("one", "other"), [("en", "fr"), ("de", "en"), ("es", "it"), ("ru", "uk"), ("en", "zh"), ("zh", "ja")]
)
@pytest.mark.parametrize("between", [" ", "\n"])
def test_half_and_half_scores_half(one, other, between):
    text = PASSAGES[one] + between + PASSAGES[other]
    assert 0.35 <= consistency(text, one) <= 0.65
    assert 0.35 <= consistency(text, other) <= 0.65
    assert consistency(text, one) + consistency(text, other) == pytest.approx(1.0)


def test_a_foreign_clause_within_a_sentence_is_found():
    text = "We add the two numbers and then il faut diviser toute la somme par le nombre sept"
    # 7 of 16 words are English: We add the two numbers and then
    assert consistency(text, "en") == pytest.approx(7 / 16, abs=0.1)


def test_names_of_other_languages_and_acronyms_do_not_make_a_text_foreign():
    assert (
        consistency("He met Jean Dupont and Gabriele Rossi in Aix at the station before noon.", "en") == 1.0
    )
    assert consistency("设三角形 ABC 的面积为 S，用 DNA 和 GDP 表示，x 是未知数，max 是最大值。", "zh") == 1.0


def test_japanese_is_told_from_chinese_sentence_by_sentence():
    assert consistency(CHINESE + JAPANESE, "zh") == pytest.approx(29 / (29 + 36))
    assert consistency("東京都庁。" + JAPANESE, "ja") == 1.0  # a heading without Kana in a Japanese text
    assert consistency("工", "ja") == consistency("工", "zh") == 1.0  # a character of both


def test_full_width_letters_are_letters():
    assert consistency("Ｔｈｅ　ｗｈｏｌｅ　ｓｕｍ　ｏｆ　ｂｏｔｈ　ｎｕｍｂｅｒｓ", "en") == 1.0


TEXTS = [*PASSAGES.values(), ENGLISH + FRENCH, CHINESE + " " + ENGLISH, "12", "", "x"]
ASKED = ["en", "fr", "zh", "ru", "ja"]


@given(st.lists(st.tuples(st.sampled_from(TEXTS), st.sampled_from(ASKED)), max_size=8), st.randoms())
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_score_does_not_depend_on_the_batch_or_its_order(make_sample, rows, rng):
    reward = Language(Language.Config())
    samples = [make_sample(thinking=text, language=asked) for text, asked in rows]
    straight = reward(samples)
    order = rng.sample(range(len(rows)), len(rows))
    assert reward([samples[index] for index in order]) == [straight[index] for index in order]
    assert [reward([sample])[0] for sample in samples] == straight


@given(st.text(max_size=300), st.sampled_from(list(PASSAGES)))
@settings(deadline=None, max_examples=60)
def test_any_text_has_a_share_or_none(text, asked):
    share = consistency(text, asked)
    assert share is None or 0.0 <= share <= 1.0


def test_other_processes_hash_seeds_and_random_states_say_the_same():
    code = (
        "import json, random, sys; random.seed(int(sys.argv[1])); import langdetect; "
        "langdetect.DetectorFactory.seed = int(sys.argv[1])\n"
        "from r1light.rewards.language import consistency\n"
        "texts = json.load(sys.stdin)\n"
        "if sys.argv[1] == '1': texts = texts[::-1]\n"
        "found = [consistency(text, 'fr') for text in texts]\n"
        "print(json.dumps(found[::-1] if sys.argv[1] == '1' else found))"
    )
    texts = [ENGLISH + FRENCH, GERMAN + "\n" + FRENCH, FRENCH[:60], SPANISH + FRENCH]
    answers = [
        subprocess.run(
            [sys.executable, "-c", code, seed],
            input=json.dumps(texts),
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
        for seed in ("0", "1")
    ]
    assert answers[0] == answers[1]
    assert json.loads(answers[0]) == [consistency(text, "fr") for text in texts]


HOSTILE = [
    "a" * 200_000,
    "`" * 50_000 + "x",
    "$a" * 50_000,
    "\\begin{" * 20_000,
    "<a" * 50_000,
    "\\[" * 50_000,
    "a.b@" * 30_000,
    "a_" * 60_000,
    "ﷺ" * 5_000,
    "e\u0301" * 50_000,
    "https://" * 20_000,
    "é" * 100_000,
    "我" * 100_000,
    ". " * 50_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_costs_no_more_than_its_length(text):
    started = time.process_time()
    consistency(text, "fr")
    assert time.process_time() - started < 3.0


def test_the_registry_builds_it(make_sample):
    reward = registry("rewards").create("language", Language.Config(language="en"), graders={}, deadline=1.0)
    assert reward([make_sample(thinking=ENGLISH)])[0].value == 1.0
