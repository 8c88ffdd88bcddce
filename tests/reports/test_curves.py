from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from r1light.reports.curves import OTHERS, figures, series_of
from r1light.reports.series import Figure, Point

_NAMES = (
    "reward",
    "reward_std",
    "rewards/accuracy/mean",
    "rewards/format/mean",
    "completions/mean_length",
    "completions/clipped_ratio",
    "entropy",
    "kl",
    "clip_ratio/low_mean",
    "clip_ratio/high_mean",
    "clip_ratio/region_mean",
    "reflection/rate",
    "language/consistency",
    "flops",
    "frac_reward_zero_std",
    "groups/frac_all_correct",
    "groups/frac_all_wrong",
    "grad_norm",
    "loss",
    "policy_loss",
    "ratio",
    "old_kl",
    "completions/well_formed",
    "completions/min_length",
    "completions/max_tokens",
    "groups/dropped_samples",
    "sampling/sampling_logp_difference/mean",
    "sampling/importance_sampling_ratio/mean",
    "time/total",
    "eval/truncated",
    "learning_rate",
    "step_time",
    "time/generate",
    "time/train",
    "time/reward",
    "num_tokens",
    "perf/tokens_per_second",
    "host/rss_gb",
    "eval/pass@1",
    "eval/pass@1_greedy",
    "eval/mean_length",
)


def _by_slug(rows: Sequence[Mapping[str, Any]]) -> dict[str, Figure]:
    return {figure.slug: figure for _, made in figures(rows) for figure in made}


def test_a_missing_metric_is_no_point_and_a_broken_one_is_a_point_without_value() -> None:
    rows: list[Mapping[str, Any]] = [
        {"iteration": 0},
        {"iteration": 1, "kl": 0.5},
        {"iteration": 2, "kl": math.nan},
        {"iteration": 3, "kl": None},
        {"iteration": 4, "kl": math.inf},
    ]
    assert series_of(rows, "kl", "KL").points == (
        Point(1, 0.5),
        Point(2, None),
        Point(3, None),
        Point(4, None),
    )


def test_standard_errors_become_intervals_and_no_lines_of_their_own() -> None:
    rows = [{"iteration": 0, "eval/pass@1": 0.5, "eval/pass@1_stderr": 0.1}]
    (series,) = _by_slug(rows)["accuracy"].series
    assert series.points == (Point(0, 0.5, 1.96 * 0.1),)
    assert sum(len(made) for _, made in figures(rows)) == 1


def test_rewards_are_found_by_name_and_every_metric_is_drawn_once() -> None:
    rows = [
        {
            "iteration": 1,
            "reward": 1.0,
            "reward_std": 0.1,
            "rewards/accuracy/mean": 0.5,
            "rewards/my_own/mean": 0.25,
            "rewards/my_own/error_rate": 0.5,
            "odd": 3.0,
        }
    ]
    found = _by_slug(rows)
    assert [s.label for s in found["reward"].series] == ["reward (weighted sum)", "accuracy", "my own"]
    assert [s.label for s in found["outcomes"].series] == ["my own failed"]
    assert [s.label for s in found["spread"].series] == ["reward (weighted sum)"]
    assert figures(rows)[-1][0] == OTHERS
    labels = [s.label for s in found["other-0"].series]
    assert labels == ["odd"]


def test_every_metric_of_a_grpo_run_has_a_planned_figure() -> None:
    sections = figures([{"iteration": 1, "update": 1, **dict.fromkeys(_NAMES, 0.5)}])
    assert OTHERS not in [title for title, _ in sections]
    assert sum(len(figure.series) for _, made in sections for figure in made) == len(_NAMES)


def test_runs_without_iterations_count_updates_and_text_is_no_metric() -> None:
    ((title, (figure,)),) = figures([{"update": 3, "odd": 2.0, "diagnosis": "text", "flag": True}])
    assert (title, figure.title, figure.x_label) == (OTHERS, "odd", "update")
    assert figure.series[0].points == (Point(3, 2.0),)


def test_the_moment_of_a_row_is_not_drawn_and_the_running_total_is_apart_from_the_parts() -> None:
    found = _by_slug(
        [{"iteration": 1, "time": 1.7e9, "time/total": 900.0, "time/train": 0.5, "step_time": 1.0}]
    )
    assert {slug: [s.label for s in figure.series] for slug, figure in found.items()} == {
        "elapsed": ["training"],
        "time": ["iteration", "train"],
    }


def test_what_learns_from_rows_has_its_held_out_loss_beside_that_of_training() -> None:
    rows = [
        {"iteration": 0, "eval/loss": 3.0, "eval/entropy": 2.0},
        {"iteration": 1, "loss": 1.0, "entropy": 1.5},
    ]
    made = _by_slug(rows)
    assert [series.label for series in made["loss"].series] == ["training", "held-out"]
    assert [series.label for series in made["entropy"].series] == ["training", "held-out"]
    assert not [figure for group, found in figures(rows) if group == OTHERS for figure in found]


def test_no_rows_no_figures() -> None:
    assert figures([]) == []
