"""A pipeline's page, from fabricated run folders of one and of three seeds."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1light.core.run_folder import RunFolder
from r1light.reports.pipeline_costs import cost_of, flops_words
from r1light.reports.pipeline_curves import curve, mean_curve
from r1light.reports.pipeline_files import read_pipeline
from r1light.reports.pipeline_overview import sentences, wall_seconds
from r1light.reports.pipeline_report import render_pipeline_report, write_pipeline_report
from r1light.reports.pipeline_samples import CAPS, samples_html
from r1light.reports.pipeline_story import Stage, story
from r1light.reports.pipeline_story_plot import spans
from r1light.reports.pipeline_words import number_words
from r1light.reports.questions import judge
from r1light.reports.series import Point

Make = Callable[..., RunFolder]
Row = Callable[..., dict[str, Any]]

TITLES = {"base": "the base", "zero": "R1-Zero", "zero_eval": "R1-Zero, evaluated", "dev1": "Dev1"}
TITLES |= {"dev1_eval": "Dev1, evaluated", "rejection": "rejection sampling", "distill": "the student"}


def steps(*seeds: int, **changed: dict[str, Any]) -> dict[str, Any]:
    """A small pipeline: a base, RL, a cold start without rows of its own, samples of a teacher, a student."""
    made: dict[str, Any] = {"base@0": {"metrics": {"pass@1": 0.2, "mean_length": 30.0}}}
    for seed in seeds:
        rows = [{"update": u, "reward": u / 4, "eval/pass@1": 0.2 * u + 0.01 * seed} for u in range(5)]
        rows[-1] |= {"host/rss_gb": 0.75, "num_tokens": 900}
        made[f"zero@{seed}"] = {"stage": "grpo", "metrics": {"flops": 2e12, "num_tokens": 1000}, "rows": rows}
        made[f"zero_eval@{seed}"] = {"metrics": {"pass@1": 0.8 + 0.01 * seed}, "needs": [f"zero@{seed}"]}
        made[f"dev1@{seed}"] = {"stage": "sft", "metrics": {}, "rows": [{"update": 3, "loss": 1.0}]}
        made[f"dev1_eval@{seed}"] = {"metrics": {"pass@1": 0.5}, "needs": [f"dev1@{seed}"]}
        made[f"rejection@{seed}"] = {
            "stage": "sample",
            "needs": [f"zero@{seed}"],
            "metrics": {
                "drawn": 10,
                "kept": 6,
                "dropped/wrong": 3,
                "dropped/mixed_language": 1,
                "num_tokens": 50,
            },
            "dropped": [{"reason": "wrong", "problem_id": "p/1", "completion": "41"}],
        }
        made[f"distill@{seed}"] = {
            "stage": "distill",
            "needs": [f"rejection@{seed}"],
            "metrics": {"flops": 5e11},
        }
    for key, step in made.items():
        step |= {"title": TITLES[key.split("@")[0]], "seconds": 60.0} | changed.get(key.split("@")[0], {})
    return made


def questions() -> dict[str, Any]:
    check = {"what": "right answers", "at_least": 0.3, "percent": True}
    check |= {
        "before": {"step": "base", "metric": "pass@1"},
        "after": {"step": "zero_eval", "metric": "pass@1"},
    }
    asked = {"asks": "Does RL teach?", "claim": "It does.", "paper": "15.6% -> 77.9%"}
    return {"rq1": asked | {"checks": {"accuracy": check}, "curve": "eval/pass@1", "curve_steps": ["zero"]}}


class Page(HTMLParser):
    """What stands in the page: headings, landmarks, tables and drawings."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def render(folder: RunFolder) -> str:
    return render_pipeline_report(read_pipeline(folder))


@pytest.fixture(params=[(0,), (0, 1, 2)], ids=["one seed", "three seeds"])
def folder(request: pytest.FixtureRequest, make_pipeline: Make, sample: Row) -> RunFolder:
    made = steps(*request.param, zero={"samples": [sample()], "config": "seed: 0\n", "overrides": ["seed=0"]})
    return make_pipeline(made, questions(), story=["base", "zero", "dev1"])


def test_the_page_holds_all_its_sections_and_is_the_same_each_time(folder: RunFolder) -> None:
    path = write_pipeline_report(folder)
    text = path.read_text(encoding="utf-8")
    assert path == folder.report
    assert text == render(folder)
    sections = re.findall(r'<section id="([a-z0-9-]+)"', text)
    assert sections == ["answers", "question-1", "stages", "samples", "filtered", "costs", "steps"]
    assert "✓ Holds" in text
    assert "15.6% → 77.9%" in text
    assert "http" not in text.replace("http-equiv", "")


def test_headings_landmarks_tables_and_drawings_are_there_for_those_who_cannot_see(folder: RunFolder) -> None:
    page = Page(render(folder))
    levels = [int(name[1]) for name, _ in page.tags if re.fullmatch(r"h\d", name)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    for landmark in ("header", "main", "nav", "footer"):
        assert len(page.all(landmark)) == 1
    assert all(head.get("scope") for head in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table")) > 4
    drawings = [one for one in page.all("svg") if one.get("role") == "img"]
    assert len(drawings) == len([one for one in page.all("svg") if one.get("aria-hidden") != "true"])
    names = [one["id"] for _, one in page.tags if one.get("id")]
    assert len(names) == len(set(names))
    targets = {one["href"] for one in page.all("a")}
    assert {target[1:] for target in targets if target and target.startswith("#")} <= set(names)


def test_three_plain_sentences_come_first(make_pipeline: Make) -> None:
    hardware = {"cores": 2, "memory_gib": 15.6}
    made = steps(0, 1, 2, base={"manifest": {"hardware": hardware}})
    folder = make_pipeline(made, questions(), result={"wall_seconds": 2460.0})
    pipeline = read_pipeline(folder)
    said = sentences(pipeline, judge(pipeline))
    assert said[0].startswith("A language model was taught to think before it answers")
    assert said[1] == (
        "The recipe ran as 7 steps, 3 times over with different random seeds, on 2 processor cores, "
        "15.6 GiB of memory, and took 41 min 0 s."
    )
    assert said[2] == "Of 1 claim of the paper that were then tested on its numbers, 1 holds here." or said[
        2
    ] == ("Of 1 claim of the paper that was then tested on its numbers, 1 holds here.")


def test_an_unfinished_pipeline_says_so_and_answers_nothing(make_pipeline: Make) -> None:
    made = steps(0, zero_eval={"state": "waiting"}, dev1={"state": "failed", "why": "exit code 1"})
    del made["zero_eval@0"]["metrics"], made["dev1@0"]["metrics"]
    text = render(make_pipeline(made, questions()))
    assert "This pipeline has not finished: of 7 runs, 5 done, 1 waiting, 1 failed." in text
    assert "dev1@0 failed: exit code 1." in text
    assert "A number is missing: zero_eval@0 has not begun." in text
    assert "– Not answered" in text
    assert "only a part is done (5 of 7 runs)" in text


def test_a_pipeline_that_has_not_begun_has_a_page(make_pipeline: Make) -> None:
    text = render(make_pipeline({"zero@0": {"state": "waiting"}}, questions(), story=["zero", "gone"]))
    assert "This pipeline has not finished: of 1 run, 1 waiting." in text
    assert 'id="stages"' not in text


def test_steps_that_were_left_out_are_named(make_pipeline: Make) -> None:
    text = render(make_pipeline(steps(0, distill={"state": "left_out"})))
    assert "Left out, as asked: distill@0." in text
    assert "has not finished" not in text


def test_the_story_has_lines_of_training_and_dots_of_evaluations(make_pipeline: Make) -> None:
    folder = make_pipeline(steps(0, 1), story=["base", "zero", "dev1"])
    base, zero, dev1 = story(read_pipeline(folder))
    assert (base.updates, zero.updates, dev1.updates) == (0, 4, 3)
    assert base.stretches["accuracy"].dots == (0.2,)
    # the mean of 0.2 u and 0.2 u + 0.01
    line = [point.y for point in zero.stretches["accuracy"].line]
    assert line == pytest.approx([0.005, 0.205, 0.405, 0.605, 0.805])
    assert zero.stretches["accuracy"].dot == pytest.approx(0.805)
    assert len(zero.stretches["accuracy"].others) == 2
    assert dev1.stretches["accuracy"].line == ()
    assert dev1.stretches["accuracy"].dot == 0.5
    assert base.stretches["length"].dot == 30


_STAGES = st.lists(st.tuples(st.text("abc", max_size=30), st.integers(0, 5000)), min_size=1, max_size=20)


@given(_STAGES)
def test_the_stages_lie_end_to_end_over_the_whole_axis(given: list[tuple[str, int]]) -> None:
    stages = [Stage(name, name, float(updates), {}) for name, updates in given]
    placed = spans(stages)
    for (left, width), (after, _) in pairwise(placed):
        assert left + width == pytest.approx(after)
    assert placed[0][0] == 64
    assert sum(width for _, width in placed) == pytest.approx(1120 - 64 - 12)
    assert all(width > 0 for _, width in placed)


def test_curves_that_took_other_times_are_averaged_update_by_update() -> None:
    rows = [{"update": 0, "m": 0.0}, {"update": 1, "m": 1.0, "t": 10.0}, {"update": 2, "m": 2.0, "t": 20.0}]
    slow = [{"update": 0, "m": 0.0}, {"update": 1, "m": 3.0, "t": 30.0}, {"update": 2, "m": None, "t": 60.0}]
    # (10 + 30) / 2 and (1 + 3) / 2; update 2 has no value in both
    assert mean_curve([curve(rows, "m", "t"), curve(slow, "m", "t")]) == (Point(0, 0), Point(20, 2))


def test_costs_are_summed_over_seeds_and_the_teachers_are_apart(make_pipeline: Make) -> None:
    folder = make_pipeline(steps(0, 1))
    pipeline = read_pipeline(folder)
    cost = cost_of(pipeline.named("zero"))
    assert (cost.seconds, cost.tokens, cost.flops, cost.memory_gb) == (120, 2000, 4e12, 0.75)
    assert cost.energy_kwh is None
    text = render(folder)
    assert "Energy is not known" in text
    row = r'<th scope="row">the student: {}</th><td>{}</td><td>2 min 0 s</td><td>{}</td><td>{}</td>'
    assert re.search(row.format("the student’s training", 2, "–", "1 TFLOP"), text)
    assert re.search(row.format("drawing what it learns from", 2, 100, "–"), text)
    assert re.search(row.format("making the teacher", 2, "2,000", "4 TFLOP"), text)


def test_energy_is_told_where_manifests_have_it(make_pipeline: Make) -> None:
    made = steps(0, zero={"manifest": {"energy_kwh": 0.25}}, distill={"manifest": {"energy_kwh": 0.5}})
    assert "as far as manifests record it: 0.75 kWh" in render(make_pipeline(made))


def test_wall_time_is_what_the_spans_cover_where_no_result_tells_it(make_pipeline: Make) -> None:
    made = steps(0)
    for step in made.values():
        del step["seconds"]
    spans_of = {"base@0": ("10:00:00", 60), "zero@0": ("10:00:30", 60), "distill@0": ("12:00:00", 5)}
    for key, (start, seconds) in spans_of.items():
        made[key] |= {"started": f"2026-01-01T{start}+00:00", "seconds": seconds}
    # 10:00:00 to 10:01:30 and five seconds
    assert wall_seconds(read_pipeline(make_pipeline(made))) == 95


def test_what_was_dropped_is_counted_over_seeds_with_samples(make_pipeline: Make) -> None:
    text = render(make_pipeline(steps(0, 1)))
    cells = '<th scope="row">rejection sampling</th><td>–</td><td>20</td><td>12</td>'
    assert f"{cells}<td><span>wrong 6, mixed language 2</span></td>" in text
    assert "rejection sampling: what was dropped, with samples" in text


def test_steps_link_to_their_reports_and_hold_their_configuration(make_pipeline: Make) -> None:
    given = {"report": True, "config": "lr: 1\n", "overrides": ["stage=grpo"], "manifest": {"seed": 0}}
    text = render(make_pipeline(steps(0, zero=given)))
    assert 'href="./steps/zero/seed-0/report.html"' in text
    assert text.count('/report.html"') == 1
    for inside in ("lr: 1\n", "stage=grpo", "&quot;seed&quot;: 0"):
        assert inside in text


def test_the_samples_of_a_step_are_bounded_and_so_are_those_of_all(
    make_pipeline: Make, sample: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [sample(problem_id=f"p/{i}") for i in range(100)]
    pipeline = read_pipeline(make_pipeline(steps(0, 1, zero={"samples": rows}), name="many"))
    shown = samples_html(pipeline)
    assert shown is not None
    assert shown.count('<details class="sample"') == CAPS[0]
    assert shown.count('data-seed="1"') == CAPS[0] // 2
    assert "60 completions of 200 that 1 step kept" in shown
    monkeypatch.setattr("r1light.reports.pipeline_samples.BUDGET", 10_000)
    fewer = samples_html(pipeline)
    assert fewer is not None
    assert fewer.count('<details class="sample"') == CAPS[-1]


@pytest.mark.parametrize(("flops", "words"), [(12.0, "12 FLOP"), (2.5e13, "25 TFLOP"), (3e21, "3 ZFLOP")])
def test_operations_in_words(flops: float, words: str) -> None:
    assert flops_words(flops) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "–"), (152_000.0, "152,000"), (-1.86e13, "−18.6 trillion"), (0.1901, "0.1901")],
)
def test_numbers_in_words(value: float | None, words: str) -> None:
    assert number_words(value, percent=False) == words
