"""The completions of `stage=evaluate`: drawn, or drawn before and read from a file."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from r1light.config.schema import RunConfig
from r1light.core.errors import DataError
from r1light.core.protocols import Template
from r1light.core.run_folder import RunFolder, write_atomic
from r1light.core.types import Problem
from r1light.curation.curator import Way
from r1light.curation.stored import regraded
from r1light.evaluation.recorded import rows_by_problem
from r1light.evaluation.summary import SAMPLES
from r1light.stages import build
from r1light.stages.draw import draw, problems_of, sampling_params
from r1light.stages.graders import Graders
from r1light.stages.measuring import check_rewards
from r1light.stages.tasks import Chosen

_log = logging.getLogger(__name__)


def drawn(
    config: RunConfig, folder: RunFolder, template: Template, graders: Graders, tasks: Sequence[Chosen]
) -> tuple[Path, dict[str, float]]:
    """completions.jsonl; seconds of drawing, `wall_seconds` those of earlier sessions; what is left out."""
    problems = [each for task in tasks for each in task.problems] if tasks else problems_of(config)
    only = [regraded(problem, config.stage.grader) for _, problem in problems]
    graders.add(only)  # one that cannot work says so before drawing
    check_rewards(config, only)

    def ways(problem: Problem) -> Sequence[Way]:
        return [Way("template", template.render(problem))]

    params, samples = sampling_params(config), _samples(config.stage, tasks)
    _log.info(
        "asking %d problems for %s completions, of at most %s tokens, at temperature %g and top-p %g",
        len(only), f"{sum(map(samples, only)):,}", f"{params.max_tokens:,}", params.temperature, params.top_p,
    )  # fmt: skip
    whole = config.stage.too_long != "cap" and build.runs_model(config)
    made = draw(config, folder, ways, problems, params, each_apart=True, whole=whole, samples=samples)
    figures = {"wall_seconds": made.earlier, "generate_seconds": made.counts.seconds}
    return made.path, figures | ({"too_long": made.asking.too_long} if made.asking.too_long else {})


def _samples(options: Any, tasks: Sequence[Chosen]) -> Callable[[Problem], int]:
    """How many completions each problem gets."""
    of_tasks = {problem.id: task.task.about.k for task in tasks for _, problem in task.problems}
    if options.temperature == 0:
        _log.info("greedy: one completion a problem, as more would be the same")
    fixed = options.k if options.temperature else 1
    return lambda problem: fixed or of_tasks.get(problem.id, SAMPLES)


def recorded(folder: RunFolder, path: Path) -> Path:
    """Completions that were drawn before, in the run's own completions.jsonl.

    Raises:
        DataError: There is no such file, or a row is none.
    """
    if not path.is_file():
        raise DataError(f"stage.completions={path} is no file; name a completions.jsonl")
    own = folder.path / "completions.jsonl"
    write_atomic(own, b"".join(rows_by_problem(path)))
    return own
