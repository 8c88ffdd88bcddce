"""Tasks of lm-evaluation-harness (extra `eval`), asked through our engines. The one file that imports it.

The harness reads a task's YAML and data, makes the prompts, filters the responses and computes the metrics;
`HarnessModel` answers it. Tasks are named `lm_eval:<task>` in `stage.tasks`.
"""

from __future__ import annotations

import json
import logging
import math
import os
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from r1light.core.errors import ConfigError, DataError, nearest
from r1light.core.run_folder import write_atomic

if TYPE_CHECKING:
    from r1light.evaluation.harness_model import HarnessModel

_log = logging.getLogger(__name__)

PREFIX = "lm_eval:"
"""Begins the names of the harness's tasks."""

_BOOTSTRAP = 1000
"""Draws for the standard errors that have no closed form."""


@dataclass(frozen=True, slots=True)
class HarnessConfig:
    """How tasks of lm-evaluation-harness are asked."""

    include_path: str | None = None
    """A folder of task YAML files of your own, which stand before the harness's of the same names."""
    chat_template: bool = False
    """Whether prompts become turns of the tokenizer's chat template, few-shot examples earlier turns."""
    system: str | None = None
    """A system text before the prompts; null for the task's own, or none."""
    num_fewshot: int | None = None
    """Examples in front of a question; null for the task's own number. A task that says 0 keeps it."""
    generation: Literal["task", "run"] = "task"
    """Whose temperature, top-p, top-k and cap count: the task's own, for numbers that compare with the
    harness's, or the run's (`stage.temperature`, ...)."""
    max_tokens: int | None = None
    """The cap on sampled tokens a response, before any other; null for the task's, or the run's."""
    thought_ends: str | None = None
    """What ends a thought, such as "</think>": the task sees what stands behind it, and stop strings are
    looked for there alone; null where there are no thoughts."""

    def __post_init__(self) -> None:
        if self.max_tokens is not None and self.max_tokens < 1:
            raise ValueError(f"max_tokens={self.max_tokens} must be at least 1")
        if self.num_fewshot is not None and self.num_fewshot < 0:
            raise ValueError(f"num_fewshot={self.num_fewshot} must not be negative")
        if "" in (self.include_path, self.thought_ends):
            raise ValueError("include_path and thought_ends must be texts that are not empty, or null")


@dataclass(frozen=True, slots=True)
class HarnessTasks:
    """Tasks that are ready to be asked.

    Attributes:
        loaded: The harness's own dict of tasks and groups.
    """

    loaded: Mapping[str, Any]

    @property
    def tasks(self) -> Mapping[str, Any]:
        """The single tasks by name, those of groups included."""
        tasks: Mapping[str, Any] = self.loaded["tasks"]
        return tasks

    @property
    def writes(self) -> bool:
        """Whether a task has texts drawn, rather than likelihoods computed alone."""
        return any(task.OUTPUT_TYPE == "generate_until" for task in self.tasks.values())


def load_tasks(names: Sequence[str], config: HarnessConfig) -> HarnessTasks:
    """Find tasks, and read their data.

    Args:
        names: The harness's names of tasks, groups or tags, without the prefix.
        config: How they are asked.

    Raises:
        ConfigError: The harness is not installed, has no task of a name, or a task runs programs unconfined.
        DataError: A task's data are absent, or its YAML is broken.
    """
    _environment()
    manager = _manager(names, config.include_path)
    loaded: dict[str, Any] = {"tasks": {}, "groups": {}, "group_map": {}}
    for name in names:
        try:
            found = manager.load([name])
        except Exception as error:  # the hub's, the HTTP client's, the file system's, and the YAML's own
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            raise DataError(
                f"{PREFIX}{name} cannot be loaded: {reason}; where its data are absent, make them available "
                "to the `datasets` library, or name local files in a task YAML of stage.lm_eval.include_path"
            ) from error
        for part in loaded:
            loaded[part].update(found.get(part, {}))
    for name, task in loaded["tasks"].items():
        _prepare(name, task, config)
    return HarnessTasks(loaded)


def ask(
    tasks: HarnessTasks,
    model: HarnessModel,
    config: HarnessConfig,
    folder: Path,
    limit: int | None,
    seed: int,
) -> dict[str, float]:
    """Ask the tasks, `model.copies` times over, and keep what the harness says of each row.

    Args:
        tasks: What is asked.
        model: Who answers.
        config: How they are asked.
        folder: Where <task>.jsonl goes, a row each question and turn.
        limit: Questions of each task, drawn at random by the seed; None for all.
        seed: Decides the few-shot examples too.

    Returns:
        `lm_eval:<task>/<metric>`, with `_stderr` where the harness gives one, and the number of `problems`.
        A metric behind a filter is `<metric>,<filter>`, as the harness writes it. Over several copies
        these are means; the standard error then is the mean of the copies' own, which is too large rather
        than too small, as the copies share their questions.
    """
    turns, rows = [], dict[str, list[dict[str, Any]]]()
    chosen = _chosen(tasks, limit, seed)
    for turn in range(model.copies):
        model.turn = turn
        with _seeded(tasks, seed):
            found = _evaluate()(
                lm=model,
                task_dict=tasks.loaded,
                samples=chosen,
                bootstrap_iters=_BOOTSTRAP,
                system_instruction=config.system,
                apply_chat_template=config.chat_template,
                fewshot_as_multiturn=config.chat_template,
            )
        turns.append(_metrics(found))
        for name, mine in found["samples"].items():
            rows.setdefault(name, []).extend({"turn": turn, **row} for row in mine)
    for name, mine in rows.items():
        text = "".join(json.dumps(row, ensure_ascii=True, default=str) + "\n" for row in mine)
        write_atomic(folder / f"{name.replace('/', '__')}.jsonl", text.encode())
    return {
        name: math.fsum(each[name] for each in turns) / len(turns)
        for name in turns[0]
        if all(name in each for each in turns)
    }


def _evaluate() -> Callable[..., Any]:
    from lm_eval.evaluator import evaluate

    return evaluate  # type: ignore[no-any-return]


def _environment() -> None:
    """See that the harness is there, and that its bootstrap forks no copies of this process."""
    os.environ["DISABLE_MULTIPROC"] = "1"
    try:
        import lm_eval  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"tasks that begin with {PREFIX} need lm-evaluation-harness, which cannot be imported here "
            f'({error}): pip install "r1light[eval]"'
        ) from error


def _manager(names: Sequence[str], include_path: str | None) -> Any:
    """The harness's index of tasks: of the folder alone where that has all, as its own takes 10 seconds.

    Raises:
        ConfigError: There is no such folder, or no task of a name.
    """
    from lm_eval.tasks import TaskManager

    if include_path is not None:
        folder = Path(include_path).expanduser()
        if not folder.is_dir():
            raise ConfigError(f"stage.lm_eval.include_path={include_path} is no folder of task YAML files")
        own = TaskManager(include_path=str(folder), include_defaults=False)
        if set(names) <= set(own.all_tasks):
            return own
        include_path = str(folder)
    manager = TaskManager(include_path=include_path)
    for name in names:
        if name not in manager.all_tasks:
            near = nearest(name, manager.all_tasks)
            hint = f"; did you mean {PREFIX}{near}?" if near else "."
            raise ConfigError(
                f"stage.tasks: lm-evaluation-harness has no task {name!r}{hint} A task of your own: put its "
                "YAML file into a folder and name that by stage.lm_eval.include_path="
            )
    return manager


def _prepare(name: str, task: Any, config: HarnessConfig) -> None:
    """Settle the few-shot number, and refuse what cannot be asked safely.

    Raises:
        ConfigError: The task runs what the model writes, outside the sandbox, or needs pictures.
    """
    if getattr(task, "UNSAFE_CODE", False) or task.get_config("unsafe_code"):
        raise ConfigError(
            f"{PREFIX}{name} runs programs that the model writes, outside the sandbox; take one of our own "
            "for programs, such as humaneval, mbpp or livecodebench"
        )
    if getattr(task, "MULTIMODAL", False):
        raise ConfigError(f"{PREFIX}{name} shows pictures, and models here read text alone")
    own = task.get_config("num_fewshot")
    if own is None or (own != 0 and config.num_fewshot is not None):
        task.set_config(key="num_fewshot", value=config.num_fewshot or 0)


@contextmanager
def _seeded(tasks: HarnessTasks, seed: int) -> Iterator[None]:
    """Few-shot examples of this seed, and questions of no earlier turn."""
    state = random.getstate()
    random.seed(seed)
    for task in tasks.tasks.values():
        task.set_fewshot_seed(seed=seed)
    try:
        yield
    finally:
        random.setstate(state)


def _chosen(tasks: HarnessTasks, limit: int | None, seed: int) -> dict[str, list[int]] | None:
    """Numbers of the questions that are asked; None for all."""
    if limit is None:
        return None
    chosen = {}
    for name, task in tasks.tasks.items():
        numbers = list(range(len(task.eval_docs)))
        random.Random(f"evaluate/{seed}/{name}").shuffle(numbers)
        chosen[name] = sorted(numbers[:limit])
    return chosen


def _metrics(found: Mapping[str, Any]) -> dict[str, float]:
    """The harness's results of tasks and groups, by our names."""
    metrics: dict[str, float] = {}
    for name, values in {**found.get("groups", {}), **found["results"]}.items():
        for key, value in values.items():
            metric, comma, chosen = key.partition(",")
            if not comma or isinstance(value, str | bool) or not math.isfinite(float(value)):
                continue  # a name, or "N/A" for an error that cannot be told
            plain = metric.removesuffix("_stderr")
            error = "_stderr" if plain != metric else ""
            shown = plain if chosen == "none" else f"{plain},{chosen}"
            metrics[f"{PREFIX}{name}/{shown}{error}"] = float(value)
    for name, count in found["n-samples"].items():
        metrics[f"{PREFIX}{name}/problems"] = float(count["effective"])
    if not any(not name.endswith("/problems") for name in metrics):
        raise DataError(f"{PREFIX} tasks gave no metric that is a number; look at their YAML files")
    return metrics
