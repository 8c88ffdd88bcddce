"""`stage=evaluate`: how well a model answers held-out problems, by the paper's protocol.

The paper draws k completions a problem (4 to 64) at temperature 0.6 and top-p 0.95, of 32,768 tokens at most,
and reports pass@1 as their mean, and cons@64 (DeepSeek-R1, arXiv:2501.12948v2, section D.1).

Reads: a model, problems, a template; or `stage.completions`, which were drawn before.
Writes: prompts.jsonl (what was asked), completions.jsonl (what came, as `stage=score` reads it),
samples.jsonl (every completion with its verdict, rewards and measures), tasks.json (what is known of the
tasks), result.json, report.html. A killed run goes on behind its last whole batch. `wall_seconds` is the time
of the stage but for the report's, `generate_seconds` the drawing in it.
"""

from __future__ import annotations

import logging
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from r1light.config.schema import RunConfig
from r1light.core.errors import unknown_name
from r1light.core.registry import registry
from r1light.core.run_folder import RunFolder, StageResult, write_json
from r1light.core.types import SamplingParams
from r1light.evaluation.harness import HarnessConfig
from r1light.graders import JUDGED
from r1light.graders.judge_model import JudgeConfig

OUTPUTS = ("completions", "samples", "report")

_log = logging.getLogger(__name__)

_STATE = ("completions.jsonl.state.json", "samples.jsonl.state.json")
"""What a killed run goes on from."""


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
    """The cap on sampled tokens a completion. It has to fit behind every prompt; see `too_long`."""
    stop: list[str] = field(default_factory=list)
    """Strings that end a completion; they are not part of it."""
    rewards: list[str] | None = None
    """Rewards of the run's mix, by their names in it, that are computed on the same completions; null for the
    reward models in it, which give general questions a number; empty for none."""
    completions: str | None = None
    """A completions.jsonl that was drawn before, to evaluate all of it; null draws. What else is said of
    problems and of drawing then decides nothing."""
    too_long: Literal["refuse", "skip", "cap"] = "refuse"
    """What becomes of prompts that leave less than `max_tokens` of the model's context: an error, before the
    model is loaded; left out and counted; or asked, with completions that end where the context ends."""
    batch_prompts: int = 64
    """Prompts that are drawn for, or judged, at once and then written; what a kill may cost."""
    grader: str | None = None
    """A grader that judges all completions in place of the ones that their problems name."""
    token_ids: bool = False
    """Whether completions.jsonl has the sampled ids."""
    judge: JudgeConfig = field(default_factory=JudgeConfig)
    """The model that graders ask which are no rules: `judge`, `facts`, `preference`, `arena`."""
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
    from r1light.stages.completions import drawn, recorded
    from r1light.stages.graders import Graders
    from r1light.stages.harness import apart, ask_harness
    from r1light.stages.judging import judge
    from r1light.stages.measuring import rewards_to_compute
    from r1light.stages.supervised import set_up
    from r1light.stages.tasks import about, check, chosen_tasks, figures_of

    begun = time.perf_counter()
    names, config = apart(config)
    options: Config = config.stage
    set_up(config)
    rewards_to_compute(config)  # an unknown name is told before anything is drawn
    check(options.tasks, options.task)
    graders_known = [entry.name for entry in registry("graders").entries()]
    if options.grader not in (None, *graders_known):
        raise unknown_name("grader in stage.grader:", str(options.grader), graders_known)
    template = build.build_template(config)
    tasks = chosen_tasks(config)
    write_json(folder.tasks, about(tasks))
    harness = ask_harness(config, folder, names)
    if harness and not tasks and options.completions is None:
        return _finish(folder, None, harness)
    judged = dict.fromkeys(JUDGED, options.judge)
    with closing(Graders(sandbox=config.sandbox, options=judged)) as graders:
        if options.completions is not None:
            source, more = recorded(folder, Path(options.completions)), {"wall_seconds": 0.0}
        else:
            source, more = drawn(config, folder, template, graders, tasks)
        outcomes, earlier = judge(config, folder, template, graders, source)
    metrics = figures_of(outcomes, tasks, config.seed) | harness
    more["wall_seconds"] += earlier + time.perf_counter() - begun
    return _finish(folder, source, metrics | more)


def _finish(folder: RunFolder, source: Path | None, metrics: dict[str, float]) -> StageResult:
    """result.json, the report, and a table for the log."""
    from r1light.reports.evaluation import read_tasks, table_lines
    from r1light.stages.supervised import finish

    outputs = {} if source is None else {"completions": str(source), "samples": str(folder.samples)}
    result = finish(folder, "evaluate", metrics, outputs)
    for name in _STATE:
        (folder.path / name).unlink(missing_ok=True)  # the run is over, and nothing goes on from them
    for line in table_lines(result.metrics, read_tasks(folder.tasks)):
        _log.info("%s", line)
    return result
