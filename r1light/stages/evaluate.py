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
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from r1light.config.schema import RunConfig
from r1light.core.errors import DataError
from r1light.core.protocols import Template
from r1light.core.run_folder import RunFolder, StageResult
from r1light.core.types import Problem, SamplingParams
from r1light.evaluation.harness import HarnessConfig
from r1light.graders.judge import Judge

if TYPE_CHECKING:
    from r1light.stages.graders import Graders
    from r1light.stages.tasks import Chosen

_log = logging.getLogger(__name__)

_STATE = ("completions.jsonl.state.json", "samples.jsonl.state.json")
"""What a killed run goes on from."""

_SAMPLES = 4
"""Completions a problem of a data source, the fewest of the paper."""


@dataclass(frozen=True, slots=True)
class Config:
    """What is asked, how completions are drawn, and what is looked at."""

    tasks: list[str] = field(default_factory=list)
    """Benchmarks to ask, or groups of them; none asks the problems of the data source (`data=`)."""
    data_dir: str | None = None
    """A folder with the files of benchmarks; null takes them from the hub."""
    task: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Options of single tasks by their names, such as `stage.task.aime24.path=aime.jsonl`."""
    split: Literal["train", "test"] = "test"
    """The split of the data source."""
    limit: int | None = None
    """Problems to ask, of each task or of the data source, drawn at random by the seed; null for all."""
    k: int | None = None
    """Completions a problem; null for each task's own, and 4 of a data source. The paper: 4 to 64, the fewer
    the larger a benchmark is."""
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
    lm_eval: HarnessConfig = field(default_factory=HarnessConfig)
    """How tasks named `lm_eval:<task>`, of lm-evaluation-harness, are asked."""

    def __post_init__(self) -> None:
        SamplingParams(1, self.temperature, self.top_p, self.top_k, self.max_tokens)
        for name in ("k", "limit", "batch_prompts"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name}={value} must be at least 1")


def run(config: RunConfig, folder: RunFolder) -> StageResult:
    """Draw, judge, and sum it up."""
    from r1light.stages import build
    from r1light.stages.graders import Graders
    from r1light.stages.harness import apart, ask_harness
    from r1light.stages.judging import judge
    from r1light.stages.measuring import rewards_to_compute
    from r1light.stages.supervised import set_up
    from r1light.stages.tasks import check, chosen_tasks, figures_of

    names, config = apart(config)
    options: Config = config.stage
    set_up(config)
    rewards_to_compute(config)  # an unknown name is told before anything is drawn
    check(options.tasks, options.task)
    template = build.build_template(config)
    tasks = chosen_tasks(config)
    harness = ask_harness(config, folder, names)
    if harness and not tasks and options.completions is None:
        return _finish(folder, None, harness)
    with closing(Graders(sandbox=config.sandbox, options={"judge": options.judge})) as graders:
        if options.completions is not None:
            source, more = _recorded(folder, Path(options.completions)), {"wall_seconds": 0.0}
        else:
            source, more = _drawn(config, folder, template, graders, tasks)
        outcomes, seconds = judge(config, folder, template, graders, source)
    more["wall_seconds"] += seconds + harness.pop("wall_seconds", 0.0)
    return _finish(folder, source, figures_of(outcomes, tasks, config.seed) | more | harness)


def _drawn(
    config: RunConfig, folder: RunFolder, template: Template, graders: Graders, tasks: Sequence[Chosen]
) -> tuple[Path, dict[str, float]]:
    """completions.jsonl, and how long drawing took and what was left out."""
    from r1light.curation.curator import Way
    from r1light.stages.draw import draw, problems_of
    from r1light.stages.measuring import check_rewards

    problems = [each for task in tasks for each in task.problems] if tasks else problems_of(config)
    only = [problem for _, problem in problems]
    graders.add(only)  # one that cannot work says so before drawing
    check_rewards(config, only)

    def ways(problem: Problem) -> Sequence[Way]:
        return [Way("template", template.render(problem))]

    params, samples = _params(config), _samples(config.stage, tasks)
    drawn = draw(config, folder, ways, problems, params, each_apart=True, samples=samples)
    seconds = drawn.counts.seconds
    figures = {"wall_seconds": seconds, "generate_seconds": seconds}
    return drawn.path, figures | ({"too_long": drawn.asking.too_long} if drawn.asking.too_long else {})


def _samples(options: Config, tasks: Sequence[Chosen]) -> Callable[[Problem], int]:
    """How many completions each problem gets."""
    of_tasks = {problem.id: task.task.about.k for task in tasks for _, problem in task.problems}
    if options.temperature == 0:
        _log.info("greedy: one completion a problem, as more would be the same")
    fixed = options.k if options.temperature else 1
    return lambda problem: fixed or of_tasks.get(problem.id, _SAMPLES)


def _params(config: RunConfig) -> SamplingParams:
    options: Config = config.stage
    return SamplingParams(
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


def _finish(folder: RunFolder, source: Path | None, metrics: dict[str, float]) -> StageResult:
    """result.json, the report, and a table for the log."""
    from r1light.reports.evaluation import table_lines
    from r1light.stages.supervised import finish

    outputs = {} if source is None else {"completions": str(source), "samples": str(folder.samples)}
    result = finish(folder, "evaluate", metrics, outputs)
    for name in _STATE:
        (folder.path / name).unlink(missing_ok=True)  # the run is over, and nothing goes on from them
    for line in table_lines(result.metrics):
        _log.info("%s", line)
    return result
