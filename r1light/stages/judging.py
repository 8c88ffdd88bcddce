"""The second half of `stage=evaluate`: from completions.jsonl to samples.jsonl, and what that comes to."""

from __future__ import annotations

import dataclasses
import json
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from r1light.config.schema import RewardSpec, RunConfig
from r1light.core.collector import passed_over
from r1light.core.errors import DataError, UnknownNameError
from r1light.core.manifest import read_manifest
from r1light.core.progress import progress
from r1light.core.protocols import Template
from r1light.core.run_folder import RunFolder, read_jsonl
from r1light.core.scoring import score_fields
from r1light.core.types import Sample, Score
from r1light.evaluation.outcome import Measures, Outcome
from r1light.evaluation.recorded import Drawn, ReadRow, batches, groups
from r1light.evaluation.voting import Ballot, votes
from r1light.stages import build
from r1light.stages.graders import Graders
from r1light.stages.measuring import measures, rewards_to_compute

_log = logging.getLogger(__name__)


def judge(
    config: RunConfig, folder: RunFolder, template: Template, graders: Graders, source: Path
) -> tuple[list[list[Outcome]], float]:
    """Judge what is not judged yet, problem by problem.

    Returns:
        The outcomes of each problem, and the seconds that judging took in earlier sessions of the run.

    Raises:
        DataError: A row of the source is none, or names an unknown grader.
        RewardError: A grader or a reward failed too often.
        ResumeError: What was judged before was made from other completions.
    """
    from r1light.curation.committed import count_lines, open_output
    from r1light.stages.mix import build_mix

    accuracy = RewardSpec("accuracy", "accuracy")
    rewards = dataclasses.replace(config.reward, components=(accuracy, *rewards_to_compute(config)))
    chosen = dataclasses.replace(config, reward=rewards)
    inputs = read_manifest(folder).get("inputs", {})
    mix = build_mix(chosen, graders)
    try:
        with passed_over(), open_output(source, folder.samples, inputs, afresh=False) as out:
            earlier = seconds = float(out.last.progress.get("seconds", 0.0))
            if out.last.lines:
                mix.load_state(out.last.progress["mix"])
            with progress(max(count_lines(source) - out.last.lines, 1), "completions") as bar:
                found = groups(out.lines(), str(source), _reader(config, template))
                for batch in batches(found, config.stage.batch_prompts):
                    begun = time.perf_counter()
                    written = _judged(batch, mix, graders, measures())
                    seconds += time.perf_counter() - begun
                    lines = sum(each.raw.count(b"\n") for each in batch)
                    state = {"mix": mix.state(), "seconds": seconds}
                    out.commit(b"".join(each.raw for each in batch), written, lines, state)
                    bar.advance(lines)
        mix.check()
    finally:
        mix.close()
    return outcomes_of(folder), earlier


def outcomes_of(folder: RunFolder) -> list[list[Outcome]]:
    """What samples.jsonl tells, problem by problem."""
    by_problem: dict[str, list[Outcome]] = {}
    for row in read_jsonl(folder.samples):
        by_problem.setdefault(row["problem_id"], []).append(Outcome.of_row(row))
    return list(by_problem.values())


def _reader(config: RunConfig, template: Template) -> ReadRow:
    """Reads a row of completions.jsonl, and how many tokens were sampled for it."""
    from r1light.curation.stored import StoredCompletions
    from r1light.data.rows import parse_object

    plain = build.encoder(build.build_tokenizer(config).tokenizer)

    def encode(text: str) -> list[int]:
        ids: list[int] = plain(text.encode(errors="replace").decode())  # a lone surrogate cannot be encoded
        return ids

    of_ids = encode if rewards_to_compute(config) else None  # no grader looks at them
    stored = StoredCompletions(template, of_ids, config.stage.grader)

    def read(line: bytes, where: str) -> tuple[Sample, int]:
        row = parse_object(line, where)
        sample = stored.sample(row, where)
        sampler, text = row.get("sampler"), sample.completion.text
        known = sampler.get("tokens") if isinstance(sampler, dict) else None
        if type(known) is int:
            return sample, known
        return sample, len(sample.completion.token_ids if row.get("token_ids") or of_ids else encode(text))

    return read


def _judged(batch: Sequence[Drawn], mix: Any, graders: Graders, measure: Measures) -> bytes:
    """The rows of samples.jsonl for some problems."""
    samples = [sample for drawn in batch for sample in drawn.samples]
    try:
        graders.add([drawn.samples[0].problem for drawn in batch])
    except UnknownNameError as error:
        raise DataError(str(error)) from error
    mixed = mix.score(samples)
    elected = iter(_votes(batch, mixed.scores["accuracy"], graders))
    lines = []
    measured: dict[tuple[str, str, str], Mapping[str, float | None]] = {}  # many completions are alike
    tokens = [count for drawn in batch for count in drawn.tokens]
    for index, sample in enumerate(samples):
        scores = {name: found[index] for name, found in mixed.scores.items()}
        alike = (sample.problem.id, sample.prefill, sample.completion.text)
        found = measured.get(alike) or measured.setdefault(alike, measure(sample))
        beside = {"vote": next(elected), "measures": found, "reward": mixed.totals[index]}
        lines.append(_row(sample, tokens[index], scores, beside))
    return "".join(lines).encode()


def _votes(batch: Sequence[Drawn], scores: Sequence[Score], graders: Graders) -> list[str | None]:
    ballots, start = [], 0
    for drawn in batch:
        mine = scores[start : start + len(drawn.samples)]
        start += len(drawn.samples)
        answers = [sample.parsed.answer for sample in drawn.samples]
        ballots.append(Ballot(drawn.samples[0].problem, answers, [score.value for score in mine]))
    return [vote for found in votes(ballots, graders.by_name) for vote in found]


def _row(sample: Sample, tokens: int, scores: Mapping[str, Score], beside: Mapping[str, Any]) -> str:
    from r1light.training.metrics import sample_fields

    source = sample.problem.meta.get("source")
    row = {
        "phase": "eval",
        "iteration": 0,
        **sample_fields(sample),
        "tokens": tokens,
        "source": None if source is None else str(source),
        "scores": {name: score_fields(score) for name, score in scores.items()},
        "advantage": None,
        **beside,
    }
    return json.dumps(row, ensure_ascii=True) + "\n"  # a lone surrogate would not encode otherwise
