from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from r1light.core.run_folder import RunFolder
from r1light.reports.samples import Picked, fair_shares, pick_samples

Make = Callable[..., RunFolder]
Row = Callable[..., dict[str, Any]]


def _judged(value: float) -> dict[str, Any]:
    return {"accuracy": {"value": value, "status": "ok", "detail": ""}}


def test_fair_shares_by_hand() -> None:
    # 10 over three heaps: 2 is below 10/3 and gives all it has; the other two share the 8 left.
    assert fair_shares([2, 50, 40], 10) == [2, 4, 4]
    # fewer to take than heaps: first, middle and last of five
    assert fair_shares([9, 9, 9, 9, 9], 3) == [1, 0, 1, 0, 1]
    assert fair_shares([], 3) == []


@given(st.lists(st.integers(1, 50), max_size=30), st.integers(0, 400))
def test_fair_shares_take_all_they_may_and_differ_only_where_heaps_are_small(
    sizes: list[int], total: int
) -> None:
    shares = fair_shares(sizes, total)
    assert sum(shares) == min(total, sum(sizes))
    assert all(0 <= share <= size for share, size in zip(shares, sizes, strict=True))
    unfilled = [share for share, size in zip(shares, sizes, strict=True) if share < size]
    assert not unfilled or max(shares) - min(unfilled) <= 1


def test_no_file_picks_nothing(make_run: Make) -> None:
    assert pick_samples(make_run(rows=[]), 10) == Picked()


def test_all_are_kept_where_they_fit_in_the_order_of_phases(make_run: Make, sample: Row) -> None:
    rows = [sample(phase=phase, problem_id=phase) for phase in ("after", "other", "train", "before")]
    picked = pick_samples(make_run(samples=rows), 4)
    assert [row.phase for row in picked.rows] == ["before", "train", "after", "other"]
    assert picked.total == 4


def test_the_cap_is_spread_evenly_over_phases_and_iterations(make_run: Make, sample: Row) -> None:
    rows = [sample(phase="before", iteration=0, problem_id=f"p/{i}") for i in range(50)]
    rows += [
        sample(phase="train", iteration=i, problem_id=f"t/{i}/{k}") for i in range(1, 11) for k in range(8)
    ]
    rows += [sample(phase="after", iteration=10, problem_id=f"p/{i}") for i in range(50)]
    picked = pick_samples(make_run(samples=rows), 60)
    assert Counter(row.phase for row in picked.rows) == {"before": 20, "train": 20, "after": 20}
    train = Counter(row.iteration for row in picked.rows if row.phase == "train")
    assert train == dict.fromkeys(range(1, 11), 2)
    assert picked.total == 180


def test_the_example_is_the_median_of_those_that_became_right(make_run: Make, sample: Row) -> None:
    # p0..p2: wrong to right, with lengths 10, 30, 90 after; p3 right to wrong; p4 right both times.
    before = {"p0": 0.0, "p1": 0.0, "p2": 0.0, "p3": 1.0, "p4": 1.0}
    after = {"p0": (1.0, 90), "p1": (1.0, 10), "p2": (1.0, 30), "p3": (0.0, 5), "p4": (1.0, 31)}
    rows = [sample(phase="before", problem_id=name, scores=_judged(value)) for name, value in before.items()]
    rows += [
        sample(phase="after", problem_id=name, scores=_judged(value), tokens=length)
        for name, (value, length) in after.items()
    ]
    rows.append(
        sample(phase="after", problem_id="p3", scores=_judged(1.0))
    )  # a second completion does not count
    picked = pick_samples(make_run(samples=rows), 1)
    assert picked.pair is not None
    assert (picked.pair.before.problem_id, picked.pair.after.problem_id) == ("p2", "p2")
    assert (picked.pair.before.phase, picked.pair.after.phase) == ("before", "after")
    assert picked.alike == 3
    assert picked.moves == {(False, True): 3, (True, False): 1, (True, True): 1}


def test_without_a_change_to_right_the_example_is_the_next_best_kind(make_run: Make, sample: Row) -> None:
    rows = [
        sample(phase=phase, problem_id=name, scores=_judged(value))
        for name, value in (("wrong", 0.0), ("right", 1.0))
        for phase in ("before", "after")
    ]
    pair = pick_samples(make_run(samples=rows), 4).pair
    assert pair is not None
    assert pair.before.problem_id == "right"


def test_unjudged_completions_still_give_an_example(make_run: Make, sample: Row) -> None:
    rows = [sample(phase=phase, scores={}) for phase in ("before", "after")]
    picked = pick_samples(make_run(samples=rows), 4)
    assert picked.pair is not None
    assert picked.moves == {}
