"""The second half of `stage=sample`: from completions.jsonl to data.jsonl and dropped.jsonl."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path

from r1light.config.schema import RunConfig
from r1light.core.errors import DataError, UnknownNameError
from r1light.core.manifest import read_manifest
from r1light.core.progress import progress
from r1light.core.run_folder import RunFolder
from r1light.curation.committed import count_lines, open_output
from r1light.curation.curator import Balancing, Candidate, Curator, Dropped, Outcome
from r1light.curation.drawn import Drawn, groups
from r1light.curation.grading import verdicts
from r1light.curation.outcomes import OutcomeTally, each_once, kept_rows, outcome_lines, split
from r1light.stages.graders import Graders


def curate(
    config: RunConfig, folder: RunFolder, curator: Curator, graders: Graders, source: Path
) -> OutcomeTally:
    """Grade and curate what is not curated yet, problem by problem; then write data.jsonl and dropped.jsonl.

    Raises:
        DataError: A row of the source is none, or names an unknown grader.
        ResumeError: What was curated before was made from other completions.
    """
    outcomes = folder.path / "outcomes.jsonl"
    total = count_lines(source)
    inputs = read_manifest(folder).get("inputs", {})
    with open_output(source, outcomes, inputs, afresh=False) as out:
        tally = OutcomeTally(**out.last.progress)
        with progress(max(total - out.last.lines, 1), "completions") as bar:
            found = groups(out.lines(), str(source), curator)
            for batch in _batches(found, config.stage.batch_prompts):
                graded = _graded(batch, curator, graders)
                chosen = _curated(curator, graded, config.stage.judge.concurrency)
                written = b"".join(map(_counted, graded, chosen, repeat(tally)))
                lines = sum(len(drawn.candidates) for drawn in batch)
                out.commit(b"".join(drawn.raw for drawn in batch), written, lines, tally.plain())
                bar.advance(lines, kept=tally.kept)
    left_out: Mapping[int, Dropped] = {}
    if isinstance(curator, Balancing):
        balance = curator.balance(kept_rows(outcomes))
        left_out = balance.left_out
        tally.settle(left_out, kept_rows(outcomes), balance.metrics)
    split(outcomes, folder.path / "data.jsonl", folder.path / "dropped.jsonl", left_out)
    return tally


def _batches(found: Iterable[Drawn], size: int) -> Iterator[list[Drawn]]:
    batch: list[Drawn] = []
    for drawn in found:
        batch.append(drawn)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _graded(batch: Sequence[Drawn], curator: Curator, graders: Graders) -> list[Drawn]:
    """The problems with a verdict at every candidate, where the curation asks for it."""
    if not curator.graded:
        return list(batch)
    try:
        graders.add([drawn.problem for drawn in batch])
    except UnknownNameError as error:
        raise DataError(str(error)) from error
    items = [(drawn.problem, candidate.parsed.answer) for drawn in batch for candidate in drawn.candidates]
    found = iter(verdicts(items, graders.by_name))
    return [
        dataclasses.replace(
            drawn,
            candidates=tuple(dataclasses.replace(each, verdict=next(found)) for each in drawn.candidates),
        )
        for drawn in batch
    ]


def _curated(curator: Curator, batch: Sequence[Drawn], at_once: int) -> list[list[Outcome]]:
    """The outcomes of each problem, several at a time where the curation waits for another model."""
    if not curator.asks:
        return [_chosen(curator, drawn) for drawn in batch]
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(_chosen, repeat(curator), batch))


def _chosen(curator: Curator, drawn: Drawn) -> list[Outcome]:
    """The outcomes of one problem; text that no file can hold is dropped before the curation sees it."""
    sound = [index for index, each in enumerate(drawn.candidates) if _is_unicode(each)]
    outcomes: list[Outcome] = [
        Dropped("not_unicode", "half a surrogate pair stands in it", index)
        for index in range(len(drawn.candidates))
        if index not in sound
    ]
    for outcome in curator.curate(drawn.problem, [drawn.candidates[index] for index in sound]):
        if isinstance(outcome, Dropped) and outcome.candidate is not None:
            outcomes.append(dataclasses.replace(outcome, candidate=sound[outcome.candidate]))
        else:
            outcomes.append(outcome)
    return each_once(outcomes)


def _counted(drawn: Drawn, outcomes: Sequence[Outcome], tally: OutcomeTally) -> bytes:
    tally.add(drawn.candidates, outcomes)
    return outcome_lines(drawn.problem, drawn.candidates, outcomes)


def _is_unicode(candidate: Candidate) -> bool:
    try:
        candidate.text.encode()
    except UnicodeEncodeError:
        return False
    return True
