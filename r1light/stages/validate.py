"""`stage=validate`: checks a data source with a mix of rewards, before anything is trained on them.

Reads: a data source, a template, rewards, and the tokenizer and context of a model. No weights, no GPU.
Writes: samples.jsonl (examples of what was found), result.json, report.html; a table on the console. Above a
threshold the command ends with exit code 2.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from r1light.config.schema import RunConfig
from r1light.core.errors import DataError
from r1light.core.progress import progress
from r1light.core.run_folder import RunFolder, StageResult
from r1light.core.types import Problem

if TYPE_CHECKING:
    from r1light.curation.survey import Survey
    from r1light.stages.graders import Graders

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Config:
    """How much is looked at, and how much of what is found is borne; shares are in [0, 1]."""

    check_problems: int | None = None
    """Problems of each split whose gold answers are scored, evenly spread; null for all."""
    full_marks: dict[str, float | None] = field(default_factory=dict)
    """By reward, the score that a perfect completion should reach; 1 unless given, null leaves it out."""
    max_tokens: int = 1024
    """Tokens that a completion is to have room for."""
    near_share: float = 0.5
    """A held-out prompt overlaps if more than this share of its 10-grams stand in training prompts."""
    samples: int = 20
    """Examples that are kept of each finding and split."""
    batch_problems: int = 128
    """Problems whose answers are scored at once."""
    max_gold_failures: float = 0.003
    """The share of gold answers that may lack full marks."""
    max_wrong_passes: float = 0.003
    """The share of wrong answers that may earn as much as the gold one."""
    max_unchecked: float = 1.0
    """The share of problems that may have no gold answer to check."""
    max_too_long: float = 0.0
    """The share of prompts that may leave no room in the model's context; training refuses any."""
    max_duplicates: float = 0.01
    """The share of prompts that may stand there before."""
    max_conflicts: float = 0.001
    """The share of prompts that may stand there before with another answer."""
    max_foreign: float = 0.01
    """The share of prompts that may be in another script than their language's."""
    max_overlap: float = 0.01
    """The share of held-out prompts that may overlap with training by more than `near_share`."""
    max_contaminated: float = 0.01
    """The share of training problems that may have something of what `data.decontaminate.against` names;
    training leaves them out."""

    def __post_init__(self) -> None:
        for name in ("near_share", *(each.name for each in fields(self) if each.name.startswith("max_"))):
            value = getattr(self, name)
            if name != "max_tokens" and not 0 <= value <= 1:
                raise ValueError(f"{name}={value} must be a share in [0, 1]")
        for name in ("check_problems", "max_tokens", "batch_problems"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise ValueError(f"{name}={value} must be at least 1")


def run(config: RunConfig, folder: RunFolder) -> StageResult:
    """Look at both splits, write down what was found, and refuse what is above a threshold."""
    from r1light.curation.survey import Survey
    from r1light.stages import build
    from r1light.stages.graders import build_graders
    from r1light.stages.sources import build_rows, evaluation_texts

    options: Config = config.stage
    train = build.build_problems(config, "train", as_they_are=True)
    test = build_rows(config, "test")
    if not test:
        _log.warning("there is no test split: overlap is not checked, and training stages would refuse it")
    survey = Survey(options.samples)
    splits = [(split, problems) for split, problems in (("train", train), ("test", test)) if problems]
    for split, problems in splits:
        survey.prompts(split, problems)
    if test:
        survey.overlap(train, test, options.near_share)
    if config.data.decontaminate.against:
        survey.contamination(train, evaluation_texts(config))
    with closing(build_graders(config, [*train, *test])) as graders:
        _score(config, splits, graders, survey)
    return _finish(config, folder, survey)


def _spread(problems: Sequence[Problem], most: int | None) -> list[int]:
    """Positions of at most so many problems, evenly spread."""
    count = len(problems) if most is None else min(most, len(problems))
    return [index * len(problems) // count for index in range(count)] if count else []


def _score(
    config: RunConfig, splits: Sequence[tuple[str, Sequence[Problem]]], graders: Graders, survey: Survey
) -> None:
    """Lengths, and gold and wrong answers, of both splits."""
    from r1light.curation.gold import GoldCheck
    from r1light.curation.survey import Room
    from r1light.stages import build
    from r1light.stages.mix import build_mix

    options: Config = config.stage
    loaded = build.build_tokenizer(config)
    encode, template = build.encoder(loaded.tokenizer), build.build_template(config, loaded.tokenizer)
    room = Room(template, encode, loaded.context, options.max_tokens)
    # every failure is to be counted, and none to end the check
    lenient = replace(config, reward=replace(config.reward, max_error_rate=1.0))
    with closing(build_mix(lenient, graders)) as mix:
        check = GoldCheck(template, mix, options.full_marks, encode, config.seed)
        for split, problems in splits:
            with progress(len(problems), f"{split}: prompts") as bar:
                survey.lengths(split, problems, room, bar.advance)
            chosen = _spread(problems, options.check_problems)
            with progress(len(chosen), f"{split}: answers") as bar:
                for findings in check.check(problems, chosen, options.batch_problems):
                    survey.gold(split, findings)
                    bar.advance(len(findings))


def _finish(config: RunConfig, folder: RunFolder, survey: Survey) -> StageResult:
    """Files, tables, and the verdict.

    Raises:
        DataError: Something is above its threshold; names each with the option that bears it.
    """
    from rich.console import Console

    from r1light.core.manifest import finish_manifest
    from r1light.reports.validation import console_tables, lines, write_validation_report

    limits = config.resolved["stage"]
    folder.samples.unlink(missing_ok=True)
    folder.append(folder.samples, survey.samples)
    result = StageResult(
        "validate", survey.metrics, {"samples": str(folder.samples), "report": str(folder.report)}
    )
    folder.save_result(result)
    finish_manifest(folder)  # the report shows it
    write_validation_report(folder)
    console = Console(width=None if sys.stdout.isatty() else 140)
    for table in console_tables(survey.metrics, limits):
        console.print(table)
    for row in survey.samples:
        if row["check"] == "languages":
            _log.info(
                "%s: languages asked for: %s; scripts: %s; detected in a sample: %s",
                *(row[name] for name in ("split", "declared", "scripts", "detected")),
            )
    _say_unchecked(survey.metrics)
    exceeded = [line.sentence() for line in lines(survey.metrics, limits) if line.exceeded]
    if exceeded:
        first = next((f" ({row['detail']})" for row in survey.samples if row["check"] == "gold"), "")
        raise DataError(
            f"data={config.data.name} is not fit to train on: {'; '.join(exceeded)}{first:.300}. See "
            f"{folder.report}"
        )
    _log.info("validate: nothing above its threshold; examples of what was found: %s", folder.report)
    return result


def _say_unchecked(metrics: dict[str, Any]) -> None:
    """A check that could not be made must not look like one that was passed."""
    for split in ("train", "test"):
        unchecked = int(metrics.get(f"{split}/unchecked", 0))
        if unchecked:
            of = int(metrics[f"{split}/gold_chosen"])
            _log.warning(
                "%s: the gold answers of %d of %d problems cannot be checked: they have no reference answer, "
                "and the source offers no meta.solution",
                split,
                unchecked,
                of,
            )
