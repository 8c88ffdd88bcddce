"""Which of a run's completions go into its report, and how answers changed from before to after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from r1light.core.run_folder import RunFolder
from r1light.reports.run_files import SampleRow, read_samples
from r1light.reports.series import thin

PHASES = ("before", "train", "after")


@dataclass(frozen=True, slots=True)
class Pair:
    """One problem's completions before and after training."""

    before: SampleRow
    after: SampleRow


@dataclass(frozen=True, slots=True)
class Picked:
    """What a report shows of samples.jsonl.

    Attributes:
        rows: The completions kept, by phase, iteration and place in the file.
        total: How many the file holds.
        moves: (right before, right after) to the number of problems; the first completion of each counts.
        pair: The example, None where no problem is in both phases.
        alike: Of how many problems that changed in the same way the pair is one.
    """

    rows: tuple[SampleRow, ...] = ()
    total: int = 0
    moves: Mapping[tuple[bool, bool], int] = field(default_factory=dict)
    pair: Pair | None = None
    alike: int = 0


@dataclass(frozen=True, slots=True)
class _First:
    """Where a problem's first completion of a phase stands."""

    row: int
    correct: bool | None
    length: int


@dataclass(slots=True)
class _Index:
    """What one reading of samples.jsonl keeps: places, not texts."""

    buckets: dict[str, dict[int, list[int]]] = field(default_factory=dict)
    first: dict[str, dict[str, _First]] = field(default_factory=dict)
    total: int = 0

    def add(self, sample: SampleRow) -> None:
        row = self.total
        self.total += 1
        self.buckets.setdefault(sample.phase, {}).setdefault(sample.iteration, []).append(row)
        if sample.phase in ("before", "after"):
            firsts = self.first.setdefault(sample.phase, {})
            length = sample.tokens if sample.tokens is not None else len(sample.completion)
            firsts.setdefault(sample.problem_id, _First(row, sample.correct, length))


def fair_shares(sizes: Sequence[int], total: int) -> list[int]:
    """How many to take from each of some heaps: alike from all, and what small heaps lack from the larger.

    Args:
        sizes: The heaps' sizes.
        total: How many to take, at least 0.

    Returns:
        Shares, none above its heap's size, that sum to min(total, sum(sizes)) if no heap is empty. With fewer
        to take than there are heaps, evenly spread heaps give one each.
    """
    if total < len(sizes):
        chosen = set(thin(len(sizes), total))
        return [min(size, int(i in chosen)) for i, size in enumerate(sizes)]
    shares, left = [0] * len(sizes), total
    for place, i in enumerate(sorted(range(len(sizes)), key=lambda i: sizes[i])):
        shares[i] = min(sizes[i], left // (len(sizes) - place))
        left -= shares[i]
    return shares


def _phase_order(phase: str) -> tuple[int, str]:
    return (PHASES.index(phase) if phase in PHASES else len(PHASES), phase)


def _chosen(index: _Index, cap: int) -> list[int]:
    """Row numbers: alike many of each phase, and within a phase of each iteration."""
    phases = [index.buckets[phase] for phase in sorted(index.buckets, key=_phase_order)]
    sizes = [sum(map(len, phase.values())) for phase in phases]
    rows: list[int] = []
    for phase, share in zip(phases, fair_shares(sizes, cap), strict=True):
        heaps = [phase[iteration] for iteration in sorted(phase)]
        for heap, count in zip(heaps, fair_shares([len(heap) for heap in heaps], share), strict=True):
            rows.extend(heap[i] for i in thin(len(heap), count))
    return rows


def _example(index: _Index) -> tuple[tuple[int, int] | None, int, dict[tuple[bool, bool], int]]:
    """The example's rows, how many problems changed likewise, and how many changed in which way.

    Problems that were wrong and became right come first, then right and right, wrong and wrong, right and
    wrong, unjudged. Of the first kind there is, the one whose completion after training has the median length
    is taken: a typical one, not the best.
    """
    before, after = index.first.get("before", {}), index.first.get("after", {})
    kinds: dict[tuple[bool | None, bool | None], list[str]] = {}
    for name in before:
        if name in after:
            kinds.setdefault((before[name].correct, after[name].correct), []).append(name)
    moves = {(a, b): len(names) for (a, b), names in kinds.items() if a is not None and b is not None}
    if not kinds:
        return None, 0, moves
    order = [(False, True), (True, True), (False, False), (True, False)]
    kind = min(kinds, key=lambda k: (order.index(k) if k in order else len(order), str(k)))
    names = sorted(kinds[kind], key=lambda name: (after[name].length, after[name].row))
    name = names[(len(names) - 1) // 2]
    return (before[name].row, after[name].row), len(names), moves


def pick_samples(folder: RunFolder, cap: int) -> Picked:
    """Choose completions evenly over phases and iterations, and an example of a change.

    samples.jsonl is read twice, row by row: only the chosen rows are ever held.

    Args:
        folder: The run's; without samples.jsonl nothing is picked.
        cap: Most completions to keep; the example comes besides.

    Raises:
        DataError: If a line of samples.jsonl is not a JSON object.
    """
    index = _Index()
    for sample in read_samples(folder):
        index.add(sample)
    chosen = _chosen(index, cap)
    example, alike, moves = _example(index)
    wanted = {*chosen, *(example or ())}
    found = {row: sample for row, sample in enumerate(read_samples(folder)) if row in wanted}
    pair = Pair(found[example[0]], found[example[1]]) if example is not None else None
    return Picked(tuple(found[row] for row in chosen), index.total, moves, pair, alike)
