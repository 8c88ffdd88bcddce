"""`stage=sample`: draws completions for problems, and makes rows to learn from of those that are kept.

The paper's cold start and its rejection sampling are this stage (DeepSeek-R1, arXiv:2501.12948v2, B.3.2 and
B.3.3).

Reads: a model, problems, a template; or `stage.completions`, which were drawn before.
Writes: prompts.jsonl (what was asked), completions.jsonl (what came, as `stage=score` reads it), data.jsonl
(rows, as `stage=sft` reads them), dropped.jsonl (what gave no row, and why), result.json, report.html. A
killed run goes on behind its last whole batch.
"""

from __future__ import annotations

import logging
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from r1light.config.schema import RunConfig
from r1light.core.errors import DataError
from r1light.core.run_folder import RunFolder, StageResult
from r1light.core.types import SamplingParams
from r1light.curation.cold_start import ColdStart
from r1light.curation.general import General
from r1light.curation.pairs import Pairs
from r1light.curation.rejection import Rejection
from r1light.graders import JUDGED
from r1light.graders.judge_model import JudgeConfig
from r1light.stages.curations import build_curator, check_curation

if TYPE_CHECKING:
    from r1light.curation.outcomes import OutcomeTally
    from r1light.stages.review import ReviewStep

OUTPUTS = ("data", "completions", "dropped", "review", "review_page", "report")

_log = logging.getLogger(__name__)

_STATE = ("outcomes.jsonl", "outcomes.jsonl.state.json", "completions.jsonl.state.json")
"""What a killed run, and one that people have reviewed, goes on from."""


@dataclass(frozen=True, slots=True)
class Config:
    """What is drawn, and which of it is kept."""

    curation: str = "none"
    """Which completions become rows: none (all of them), rejection, cold_start or general; the options of
    each stand under its name."""
    completions: str | None = None
    """A completions.jsonl that was drawn before, to be curated again; null draws."""
    split: Literal["train", "test"] = "train"
    """The problems' split."""
    limit: int | None = None
    """Problems to ask, drawn at random by the seed; null for all."""
    n: int = 4
    """Completions a prompt. The paper says "multiple"."""
    temperature: float = 1.0
    """Divides the logits; 0 is greedy. The paper: 1.0 for the cold start; not told for rejection sampling."""
    top_p: float = 1.0
    """Nucleus mass in (0, 1]."""
    top_k: int = 0
    """The likeliest tokens that are drawn from; 0 for all."""
    max_tokens: int = 1024
    """The cap on sampled tokens a completion."""
    stop: list[str] = field(default_factory=list)
    """Strings that end a completion; they are not part of it."""
    too_long: Literal["refuse", "skip"] = "refuse"
    """What becomes of prompts without room in the model's context: an error, or left out and counted."""
    batch_prompts: int = 64
    """Prompts that are drawn for, or graded, at once and then written; what a kill may cost."""
    token_ids: bool = False
    """Whether completions.jsonl has the sampled ids."""
    write_as: str | None = None
    """The template that rows are written in; null for that of the curation (cold_start and general have the
    template cold_start), or for the very text that the model read and wrote."""
    write_options: dict[str, Any] = field(default_factory=dict)
    """Options of that template, such as `{opening: "<think>"}`, over those of `template` if it is the one."""
    review: str | None = None
    """A .jsonl file for people. Where it is absent, the rows are written to it, and a page to read and edit
    them in beside it; where it is there, it is checked and merged into the rows. Null for no review."""
    cold_start: ColdStart.Config = field(default_factory=ColdStart.Config)
    """How `curation=cold_start` asks, and what it keeps."""
    general: General.Config = field(default_factory=General.Config)
    """What `curation=general` thinks about, and what it keeps."""
    pairs: Pairs.Config = field(default_factory=Pairs.Config)
    """How `curation=pairs` makes and judges pairs."""
    rejection: Rejection.Config = field(default_factory=Rejection.Config)
    """What `curation=rejection` keeps."""
    judge: JudgeConfig = field(default_factory=JudgeConfig)
    """The model that the grader `judge` and curations ask."""

    def __post_init__(self) -> None:
        check_curation(self.curation)
        if self.review is not None and Path(self.review).suffix != ".jsonl":
            raise ValueError(f"review={self.review} must name a .jsonl file, or be null")
        for name in ("review", "write_as"):
            if self.curation == "pairs" and (value := getattr(self, name)) is not None:
                raise ValueError(
                    f"{name}={value} is of rows to write, and curation=pairs makes pairs; take null"
                )
        SamplingParams(self.n, self.temperature, self.top_p, self.top_k, self.max_tokens)
        for name in ("limit", "batch_prompts"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name}={value} must be at least 1")


def run(config: RunConfig, folder: RunFolder) -> StageResult:
    """Draw, curate, and sum it up."""
    from r1light.stages import build
    from r1light.stages.curate import curate
    from r1light.stages.draw import draw, problems_of, sampling_params
    from r1light.stages.graders import Graders
    from r1light.stages.review import check_review, review_rows
    from r1light.stages.supervised import set_up

    options: Config = config.stage
    set_up(config)
    template = build.build_template(config)
    metrics: dict[str, float] = {}
    with closing(Graders(sandbox=config.sandbox, options=dict.fromkeys(JUDGED, options.judge))) as graders:
        curator = build_curator(config, template, graders)
        check_review(config, template)
        if options.completions is not None:
            source = _drawn_before(options.completions)
        else:
            problems = problems_of(config)
            if curator.graded:
                graders.add(problem for _, problem in problems)  # one that cannot work says so before drawing
            drawn = draw(config, folder, curator.ways, problems, sampling_params(config, config.stage.n))
            source, metrics = drawn.path, drawn.metrics()
        tally = curate(config, folder, curator, graders, source)
        review = review_rows(config, folder, template, graders, source)
    return _finish(folder, source, metrics, tally, review)


def comes_back(config: RunConfig, folder: RunFolder) -> bool:
    """Whether a finished run of the same configuration is gone on with, rather than moved out of the way."""
    return config.stage.review is not None and all((folder.path / name).exists() for name in _STATE)


def _drawn_before(name: str) -> Path:
    path = Path(name)
    if not path.is_file():
        raise DataError(f"stage.completions={path} is no file; name a completions.jsonl of stage=sample")
    return path


def _finish(
    folder: RunFolder, source: Path, metrics: dict[str, float], tally: OutcomeTally, review: ReviewStep
) -> StageResult:
    """result.json, the report, and a few lines for the log.

    Raises:
        DataError: Nothing was kept; says why most was dropped.
    """
    from r1light.stages.supervised import finish

    outputs = {
        "data": str(folder.path / "data.jsonl"),
        "completions": str(source),
        "dropped": str(folder.path / "dropped.jsonl"),
        **review.outputs,
    }
    counts = {**tally.metrics(), **review.metrics}
    result = finish(folder, "sample", {**metrics, **counts}, outputs)
    for name in () if review.outputs else _STATE:
        (folder.path / name).unlink(missing_ok=True)  # the run is over, and nothing goes on from them
    dropped = {name.removeprefix("dropped/"): n for name, n in counts.items() if name.startswith("dropped/")}
    reasons = sorted(dropped.items(), key=lambda each: -each[1])
    told = ", ".join(f"{reason} {count}" for reason, count in reasons if count) or "none"
    if not tally.kept:
        raise DataError(f"none of {tally.completions} completions was kept: {told}. See {folder.report}")
    _log.info("%d rows of %d completions; dropped: %s", counts["kept"], tally.completions, told)
    return result
