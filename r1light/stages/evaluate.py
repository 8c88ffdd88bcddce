"""`stage=evaluate`: how well a model answers held-out problems, by the paper's protocol.

The paper draws k completions a problem (4 to 64) at temperature 0.6 and top-p 0.95, of 32,768 tokens at most,
and reports pass@1 as their mean, and cons@64 (DeepSeek-R1, arXiv:2501.12948v2, section D.1).

Reads: a model, problems, a template; or `stage.completions`, which were drawn before.
Writes: prompts.jsonl (what was asked), completions.jsonl (what came, as `stage=score` reads it),
samples.jsonl (every completion with its verdict, rewards and measures), result.json, report.html. A killed
run goes on behind its last whole batch.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from r1light.config.schema import RunConfig
from r1light.core.errors import DataError
from r1light.core.protocols import Template
from r1light.core.run_folder import RunFolder, StageResult
from r1light.core.types import Problem, SamplingParams
from r1light.graders.judge import Judge

if TYPE_CHECKING:
    from r1light.curation.curator import Way
    from r1light.evaluation.outcome import Outcome
    from r1light.stages.graders import Graders

_log = logging.getLogger(__name__)

_STATE = ("completions.jsonl.state.json", "samples.jsonl.state.json")
"""What a killed run goes on from."""


@dataclass(frozen=True, slots=True)
class Config:
    """What is asked, how completions are drawn, and what is looked at."""

    split: Literal["train", "test"] = "test"
    """The problems' split."""
    limit: int | None = None
    """Problems to ask, drawn at random by the seed; null for all."""
    k: int = 4
    """Completions a problem. The paper: 4 to 64, the fewer the larger a benchmark is."""
    temperature: float = 0.6
    """Divides the logits; 0 is greedy, with one completion a problem, as all would be the same."""
    top_p: float = 0.95
    """Nucleus mass in (0, 1]."""
    top_k: int = 0
    """The likeliest tokens that are drawn from; 0 for all."""
    max_tokens: int = 32768
    """The cap on sampled tokens a completion; what the model's context leaves, where that is less."""
    stop: list[str] = field(default_factory=list)
    """Strings that end a completion; they are not part of it."""
    rewards: list[str] | None = None
    """Rewards of the run's mix, by their names in it, that are computed on the same completions; null for the
    reward models in it, which give general questions a number; empty for none."""
    completions: str | None = None
    """A completions.jsonl that was drawn before, to evaluate all of it; null draws. What else is said of
    problems and of drawing then decides nothing."""
    too_long: Literal["refuse", "skip"] = "refuse"
    """What becomes of prompts without room in the model's context: an error, or left out and counted."""
    batch_prompts: int = 64
    """Prompts that are drawn for, or judged, at once and then written; what a kill may cost."""
    token_ids: bool = False
    """Whether completions.jsonl has the sampled ids."""
    judge: Judge.Config = field(default_factory=Judge.Config)
    """The model that the grader `judge` asks."""

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ValueError(f"k={self.k} must be at least 1")
        SamplingParams(self.k, self.temperature, self.top_p, self.top_k, self.max_tokens)
        for name in ("limit", "batch_prompts"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name}={value} must be at least 1")


def run(config: RunConfig, folder: RunFolder) -> StageResult:
    """Draw, judge, and sum it up."""
    from r1light.evaluation.summary import summarise
    from r1light.stages import build
    from r1light.stages.graders import Graders
    from r1light.stages.judging import judge
    from r1light.stages.measuring import rewards_to_compute
    from r1light.stages.supervised import set_up

    options: Config = config.stage
    set_up(config)
    rewards_to_compute(config)  # an unknown name is told before anything is drawn
    template = build.build_template(config)
    with closing(Graders(sandbox=config.sandbox, options={"judge": options.judge})) as graders:
        if options.completions is not None:
            source, more = _recorded(folder, Path(options.completions)), {"wall_seconds": 0.0}
        else:
            source, more = _drawn(config, folder, template, graders)
        outcomes, seconds = judge(config, folder, template, graders, source)
    more["wall_seconds"] += seconds
    return _finish(folder, source, {**summarise(outcomes, seed=config.seed), **more}, outcomes)


def _drawn(
    config: RunConfig, folder: RunFolder, template: Template, graders: Graders
) -> tuple[Path, dict[str, float]]:
    """completions.jsonl, and how long drawing took and what was left out."""
    from r1light.curation.curator import Way
    from r1light.stages.draw import draw, problems_of
    from r1light.stages.measuring import check_rewards

    problems = problems_of(config)
    only = [problem for _, problem in problems]
    graders.add(only)  # one that cannot work says so before drawing
    check_rewards(config, only)

    def ways(problem: Problem) -> Sequence[Way]:
        return [Way("template", template.render(problem))]

    drawn = draw(config, folder, ways, problems, _params(config), each_apart=True)
    seconds = drawn.counts.seconds
    figures = {"wall_seconds": seconds, "generate_seconds": seconds}
    return drawn.path, figures | ({"too_long": drawn.asking.too_long} if drawn.asking.too_long else {})


def _params(config: RunConfig) -> SamplingParams:
    options: Config = config.stage
    if options.temperature == 0 and options.k > 1:
        _log.info("greedy: one completion a problem, as all %d would be the same", options.k)
    return SamplingParams(
        n=options.k if options.temperature else 1,
        temperature=options.temperature,
        top_p=options.top_p,
        top_k=options.top_k,
        max_tokens=options.max_tokens,
        stop=tuple(options.stop),
        seed=config.seed,
    )


def _recorded(folder: RunFolder, path: Path) -> Path:
    """Completions that were drawn before, in the run's own completions.jsonl.

    Raises:
        DataError: There is no such file, or a row is none.
    """
    from r1light.core.run_folder import write_atomic
    from r1light.evaluation.recorded import rows_by_problem

    if not path.is_file():
        raise DataError(f"stage.completions={path} is no file; name a completions.jsonl")
    own = folder.path / "completions.jsonl"
    write_atomic(own, b"".join(rows_by_problem(path)))
    return own


def _finish(
    folder: RunFolder, source: Path, metrics: dict[str, float], outcomes: Sequence[Sequence[Outcome]]
) -> StageResult:
    """result.json, the report, and a table for the log."""
    from r1light.reports.evaluation import table_lines
    from r1light.stages.supervised import finish

    outputs = {"completions": str(source), "samples": str(folder.samples)}
    result = finish(folder, "evaluate", metrics, outputs)
    for name in _STATE:
        (folder.path / name).unlink(missing_ok=True)  # the run is over, and nothing goes on from them
    for line in table_lines(result.metrics):
        _log.info("%s", line)
    if len(counts := {len(outcomes_K) for outcomes_K in outcomes}) > 1:
        _log.warning("problems have %d to %d completions each", min(counts), max(counts))
    return result
