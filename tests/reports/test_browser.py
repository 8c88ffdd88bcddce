from __future__ import annotations

from collections.abc import Callable
from typing import Any

from r1light.core.run_folder import RunFolder
from r1light.reports.browser import browser_html, completion_html, pair_html, sample_html, scores_html
from r1light.reports.run_files import SampleRow, read_samples
from r1light.reports.samples import Picked, pick_samples

Make = Callable[..., RunFolder]
Row = Callable[..., dict[str, Any]]


def _one(make_run: Make, row: dict[str, Any]) -> SampleRow:
    (sample,) = read_samples(make_run(samples=[row]))
    return sample


def test_thoughts_are_folded_and_nothing_of_the_text_is_lost(make_run: Make, sample: Row) -> None:
    shown = completion_html(_one(make_run, sample()))
    assert '<span class="prefill">&lt;think&gt;</span>' in shown
    assert "<summary>Thoughts, 8 characters</summary>" in shown
    assert (
        shown.index("&lt;think&gt;") < shown.index("2+3 is 5") < shown.index("&lt;/think&gt; &lt;answer&gt;5")
    )
    assert "<details open" not in shown
    assert "<details" in completion_html(_one(make_run, sample()), opened=True)


def test_without_thoughts_the_text_stands_unfolded(make_run: Make, sample: Row) -> None:
    for thinking in (None, "", "not in the text"):
        shown = completion_html(_one(make_run, sample(thinking=thinking)))
        assert "<details" not in shown
        assert "2+3 is 5&lt;/think&gt;" in shown


def test_an_empty_completion_is_said_to_be_empty(make_run: Make, sample: Row) -> None:
    row = sample(prefill="", completion="", thinking=None)
    assert "The completion is empty." in completion_html(_one(make_run, row))


def test_the_middle_of_a_very_long_text_is_left_out_and_said(make_run: Make, sample: Row) -> None:
    text = "a" * 9_000 + "b" * 20_000 + "c" * 3_000
    shown = completion_html(_one(make_run, sample(prefill="", completion=text, thinking=None)))
    assert "20,000 characters left out" in shown
    assert shown.count("b") < 20  # those of the markup
    assert "c" * 3_000 in shown


def test_every_score_stands_with_its_status_and_reason(make_run: Make, sample: Row) -> None:
    scores = {
        "accuracy": {"value": 0.0, "status": "ok", "detail": "4 is not 5"},
        "language": {"value": None, "status": "abstain", "detail": "no language asked for"},
        "mine": {"value": None, "status": "error", "detail": "KeyError: 'x'"},
    }
    shown = scores_html(_one(make_run, sample(scores=scores)))
    assert shown is not None
    assert '<th scope="row">accuracy</th><td>0</td><td>ok</td><td>4 is not 5</td>' in shown
    assert '<th scope="row">language</th><td>–</td><td>abstain</td><td>no language asked for</td>' in shown
    assert '<th scope="row">mine</th><td>–</td><td>error</td><td>KeyError: &#x27;x&#x27;</td>' in shown


def test_a_wrong_answer_is_shown_beside_its_reference(make_run: Make, sample: Row) -> None:
    wrong = {"accuracy": {"value": 0.0, "status": "ok", "detail": ""}}
    shown = sample_html(_one(make_run, sample(answer="4", scores=wrong)))
    assert "4  (reference: 5)" in shown
    assert 'data-verdict="wrong"' in shown
    assert 'data-verdict="right"' in sample_html(_one(make_run, sample()))
    assert 'data-verdict="unknown"' in sample_html(_one(make_run, sample(scores={})))


def test_the_browser_says_how_many_of_how_many_it_shows(make_run: Make, sample: Row) -> None:
    folder = make_run(samples=[sample(iteration=i) for i in range(1, 11)])
    few, every = browser_html(pick_samples(folder, 4)), browser_html(pick_samples(folder, 10))
    assert few is not None
    assert every is not None
    assert "4 of the 10 completions" in few
    assert "All 10 completions" in every
    assert (few.count('class="sample"'), every.count('class="sample"')) == (4, 10)
    assert '<option value="train">train</option>' in few
    assert '<option value="before">' not in few


def test_nothing_picked_nothing_shown() -> None:
    assert browser_html(Picked()) is None
    assert pair_html(Picked()) is None


def test_the_pair_counts_what_changed(make_run: Make, sample: Row) -> None:
    wrong = {"accuracy": {"value": 0.0, "status": "ok", "detail": ""}}
    rows = [sample(phase="before", scores=wrong, completion="2+3 is 6"), sample(phase="after")]
    shown = pair_html(pick_samples(make_run(samples=rows), 2))
    assert shown is not None
    assert "Of 1 problems" in shown
    assert "1 wrong before and right after, 0 right before and wrong after" in shown
    assert shown.index("✗ wrong") < shown.index("2+3 is 6") < shown.index("✓ right") < shown.index("2+3 is 5")
