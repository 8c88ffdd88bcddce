from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from r1light.core.errors import UnknownNameError
from r1light.core.run_folder import RunFolder
from r1light.reports.compare_console import heads, lines
from r1light.reports.compare_pool import cell_lines
from r1light.reports.compare_runs import read_runs
from r1light.reports.compare_table import Comparison, compare, default_metrics, direction, short_names

Lay = Callable[..., RunFolder]


def side_by_side(folders: Sequence[RunFolder], **options: Any) -> Comparison:
    return compare(read_runs([folder.path for folder in folders]), **options)


def measured(before: float, after: float, **more: float) -> dict[str, float]:
    return {"before/pass@1": before, "after/pass@1": after, "train_seconds": 5.0, **more}


def test_the_headline_numbers_of_runs_that_measured_before_and_after(lay_run: Lay) -> None:
    same = {"before/truncated": 0.0, "after/truncated": 0.0}
    varied = [{"before/reflection": 0.0, "after/reflection": value} for value in (0.5, 0.7)]
    found = side_by_side(
        [
            lay_run("a", options={"lr": 1}, metrics=measured(0.2, 0.5, **same, **varied[0])),
            lay_run("b", options={"lr": 2}, metrics=measured(0.2, 0.5, **same, **varied[1])),
        ]
    )
    assert found.metrics == ("after/pass@1", "after/reflection"), "what is alike and no headline is left out"
    assert found.objective == "after/pass@1"
    assert found.best == {"after/pass@1": frozenset()}, "of equal values none is best"


def test_a_number_that_is_not_finite_somewhere_is_no_headline(lay_run: Lay) -> None:
    metrics = {"before/loss": 1.0, "after/loss": float("nan")}
    found = side_by_side(
        [lay_run("a", metrics=measured(0.2, 0.5, **metrics)), lay_run("b", metrics=measured(0.2, 0.5))]
    )
    assert found.metrics == ("after/pass@1",)


def test_without_pairs_the_shared_numbers_that_vary_most(lay_run: Lay) -> None:
    # variation (max - min) / max: rq1 (1 - 0) / 1 = 1, steps (20 - 10) / 20 = 0.5, length (10 - 9) / 10 = 0.1
    pairs = [
        {"rq1_holds": 1, "steps": 10, "length": 9.0, "wall_seconds": 1.0, "only": 3},
        {"rq1_holds": 0, "steps": 20, "length": 10.0, "wall_seconds": 9.0},
    ]
    found = side_by_side(
        [lay_run(n, stage="pipeline", options={"k": n}, metrics=m) for n, m in zip("ab", pairs, strict=True)]
    )
    assert found.metrics == ("rq1_holds", "steps", "length")
    assert [row.label for row in found.rows] == ["a", "b"]
    assert found.best == {"rq1_holds": frozenset({0})}


def test_rows_are_sorted_by_the_objective_the_best_first_and_unfinished_ones_last(lay_run: Lay) -> None:
    folders = [
        lay_run("a", options={"lr": 1}),
        lay_run("b", options={"lr": 2}, metrics={"loss": 0.5}),
        lay_run("c", options={"lr": 3}, metrics={"loss": 0.1}),
        lay_run("d", options={"lr": 4}, metrics={"loss": 0.5}),
    ]
    assert [row.label for row in side_by_side(folders).rows] == ["c", "b", "d", "a"]
    assert side_by_side(folders).best == {"loss": frozenset({0})}
    highest = side_by_side(folders, best="highest")
    assert [row.label for row in highest.rows] == ["b", "d", "c", "a"]
    assert highest.best == {"loss": frozenset({0, 1})}
    assert "a: not finished: without result.json. Numbers are of finished runs alone." in highest.notes


def test_equal_rows_are_sorted_by_the_other_numbers(lay_run: Lay) -> None:
    folders = [
        lay_run(name, options={"lr": name}, metrics={"score": 1.0, "loss": loss})
        for name, loss in (("a", 0.5), ("b", 0.25))
    ]
    assert [row.label for row in side_by_side(folders, metrics=["score", "loss"]).rows] == ["b", "a"]


def test_the_objective_of_the_runs_comes_first(lay_run: Lay) -> None:
    folders = [
        lay_run(name, options={"lr": i}, metrics=measured(0.1, 0.2 + i / 10, num_tokens=5 - i))
        for i, name in enumerate("ab")
    ]
    for folder in folders:
        folder.config.write_text(folder.config.read_text().replace("null", '"num_tokens"'))
    found = side_by_side(folders)
    assert found.metrics == ("num_tokens", "after/pass@1")
    assert [row.label for row in found.rows] == ["a", "b"]
    assert found.best == {"after/pass@1": frozenset({1})}, "more tokens are neither better nor worse"


def test_an_unknown_metric_is_one_line_with_the_nearest(lay_run: Lay) -> None:
    folders = [lay_run(name, metrics=measured(0.1, 0.2)) for name in "ab"]
    with pytest.raises(UnknownNameError, match=r"did you mean 'after/pass@1'"):
        side_by_side(folders, metrics=["after/pas@1"])


def test_a_metric_that_only_some_have_can_be_asked_for(lay_run: Lay) -> None:
    folders = [
        lay_run("a", options={"k": 1}, metrics={"x": 1}),
        lay_run("b", options={"k": 2}, metrics={"y": 2}),
    ]
    found = side_by_side(folders, metrics=["x"])
    assert [cell_lines(row.value("x"), "x") for row in found.rows] == [["1"], ["–"]]
    assert side_by_side(folders).objective is None
    assert side_by_side(folders).notes == (
        "The finished runs share no number; name some with stage.metrics.",
    )


def test_keys_that_differ_with_those_of_the_command_line_first(lay_run: Lay) -> None:
    common = {"same": 5, "nested": {"a": 1}}
    folders = [
        lay_run("a", seed=0, options={**common, "alpha": 1, "lr": 1}, overrides=["++stage.lr=1", "seed=0"]),
        lay_run("b", seed=1, options={**common, "alpha": 2, "lr": 2, "extra": "x"}),
    ]
    found = side_by_side(folders)
    assert found.keys == ("stage.lr", "stage.alpha", "stage.extra")
    assert heads(found) == ["run", "state", "seed", "lr", "alpha", "extra"]
    assert list(lines(found)) == [
        ["a", "unfinished", "0", "1", "1", "–"],
        ["b", "unfinished", "1", "2", "2", "x"],
    ]


def test_more_keys_than_columns_are_told(lay_run: Lay) -> None:
    folders = [
        lay_run(name, options={f"k{i}": f"{name}{i}" for i in range(8)}, metrics={"x": 1}) for name in "ab"
    ]
    found = side_by_side(folders)
    assert len(found.keys) == 8
    assert len(found.columns) == 6
    assert "2 more keys of the configuration differ; the page lists them all." in found.notes


def test_short_names_end_where_they_are_alone() -> None:
    keys = ["stage.lr", "model.recommended.lr", "name", "data.name", "template.name"]
    assert list(short_names(keys).values()) == ["stage.lr", "recommended.lr", "name", "data", "template"]
    assert short_names(["lr", "stage.lr"]) == {"lr": "lr", "stage.lr": "stage.lr"}


def test_notes_on_what_is_not_alike(lay_run: Lay) -> None:
    first = {"versions": {"r1light": "0.1"}, "git": {"revision": "a" * 40, "modified": True}}
    second = {"versions": {"r1light": "0.2"}, "git": {"revision": "b" * 40, "modified": False}}
    found = side_by_side(
        [
            lay_run("a", stage="grpo", metrics={"x": 1}, manifest={**first, "inputs": {"data.path": "1"}}),
            lay_run("b", stage="sft", metrics={"x": 2}, manifest={**second, "inputs": {"data.path": "2"}}),
        ]
    )
    assert found.notes == (
        "These are runs of different stages (grpo, sft), compared by what they share.",
        "They were made with different versions of r1light: 0.1, 0.2.",
        "They were made with different revisions of the code: aaaaaaaaaaaa, bbbbbbbbbbbb.",
        "Only some were made with changes to the code that are in no revision: a.",
        "What these keys name differs in content between runs (by its hash): data.path.",
    )


def test_a_difference_within_the_intervals_is_told(lay_run: Lay) -> None:
    # |0.5 - 0.4| = 0.1 against 1.96 * (0.03 + 0.03) = 0.1176, and against 1.96 * (0.02 + 0.02) = 0.0784
    for error, told in ((0.03, True), (0.02, False)):
        folders = [
            lay_run(name, options={"k": name}, metrics=measured(0.1, after, **{"after/pass@1_stderr": error}))
            for name, after in (("a", 0.5), ("b", 0.4))
        ]
        assert any("may be chance" in note for note in side_by_side(folders).notes) == told


@pytest.mark.parametrize(
    ("metric", "best"),
    [
        ("after/pass@1", "highest"),
        ("rewards/format/mean", "highest"),
        ("rewards/format/std", None),
        ("reward", "highest"),
        ("reward_std", None),
        ("rq1_holds", "highest"),
        ("after/loss", "lowest"),
        ("ece", "lowest"),
        ("rewards/accuracy/error_rate", "lowest"),
        ("completions/clipped_ratio", "lowest"),
        ("truncated", "lowest"),
        ("mean_length", None),
        ("num_tokens", None),
        ("reflection", None),
    ],
)
def test_where_a_metric_is_best(metric: str, best: str | None) -> None:
    assert direction(metric) == best


RUN = st.tuples(st.sampled_from([1, 2]), st.integers(0, 2), st.none() | st.sampled_from([0.0, 0.25, 0.5]))


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=st.lists(RUN, min_size=2, max_size=5), random=st.randoms(), by_seed=st.booleans())
def test_the_order_in_which_runs_are_named_does_not_matter(
    lay_run: Lay, runs: list[Any], random: Any, by_seed: bool
) -> None:
    folders = []
    for i, (lr, seed, score) in enumerate(runs):
        folder = lay_run(
            f"r{i}", seed=seed, options={"lr": lr}, metrics=None if score is None else {"score": score}
        )
        if score is None:
            folder.result.unlink(missing_ok=True)  # of an earlier example
        folders.append(folder)
    one = side_by_side(folders, by_seed=by_seed)
    other = side_by_side(random.sample(folders, len(folders)), by_seed=by_seed)
    assert [heads(one), *lines(one)] == [heads(other), *lines(other)]
    assert (one.best, one.notes, one.metrics) == (other.best, other.notes, other.metrics)
    for name in one.metrics:
        assert [row.value(name) for row in one.rows] == [row.value(name) for row in other.rows]


def test_right_answers_come_before_what_varies_more():
    noise = [f"m{i}" for i in range(8)]
    runs = [
        SimpleNamespace(record=SimpleNamespace(metrics={**dict.fromkeys(noise, value), **right}))
        for value, right in (
            (1.0, {"a/pass@1": 0.50, "b/pass@1": 0.5}),
            (9.0, {"a/pass@1": 0.51, "b/pass@1": 0.6}),
        )
    ]
    # of the others' variation 8/9, b's 1/6, a's 1/51
    assert default_metrics(runs) == ["b/pass@1", "a/pass@1", "m0", "m1", "m2", "m3"]
