"""What a GRPO run leaves behind, iteration by iteration: metrics, samples, evaluations, checkpoints."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning

from r1light.core.progress import Progress
from r1light.core.run_folder import RunFolder
from r1light.core.types import Problem
from r1light.evaluation.outcome import Measures
from r1light.models.save import save_model
from r1light.training import ranks
from r1light.training.alarm import METRIC, HackingAlarm
from r1light.training.collect import ScoredGroup
from r1light.training.diagnosis import Diagnosis
from r1light.training.flops import GroupTokens, iteration_flops
from r1light.training.grpo import GrpoModule, Iteration
from r1light.training.grpo_options import GrpoOptions
from r1light.training.held_out import (
    SHOWN_TEST_SAMPLES,
    HeldOut,
    HeldOutResult,
    check_objective,
    in_words,
    judged_rows,
)
from r1light.training.host import rss_gb
from r1light.training.interrupt import Halt, Interrupt
from r1light.training.keeper import Keeper
from r1light.training.metrics import group_metrics, rewards_in_words, sample_rows, update_metrics
from r1light.training.whole import whole_model

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Watch:
    """What the record looks with, all ready built.

    Attributes:
        held_out: Evaluates.
        validation: Held-out problems for evaluations in the course of training.
        test: Held-out problems for the figures before and after.
        measures: Measures completions besides their rewards.
        interrupt: Whether a signal has come.
        mix_state: Reads the reward mix's counts.
        load_mix_state: Sets them.
        check_rewards: Raises RewardError if rewards failed too often, on however few samples.
        tokenizer: Saved with the best model.
        objective: The figure that a sweep goes by, if it goes by one.
    """

    held_out: HeldOut
    validation: Sequence[Problem]
    test: Sequence[Problem]
    measures: Measures
    interrupt: Interrupt
    mix_state: Callable[[], Any]
    load_mix_state: Callable[[Any], None]
    check_rewards: Callable[[], None]
    tokenizer: Any
    objective: str | None = None


class Record(lightning.Callback):
    """Writes rows first, then the checkpoint, and then says that the iteration is done.

    A run that is killed in between repeats that iteration, and `keep_rows` drops its rows on resume.
    """

    def __init__(self, folder: RunFolder, options: GrpoOptions, watch: Watch, bar: Progress) -> None:
        self.folder = folder
        self.options = options
        self.watch = watch
        self.bar = bar
        self.diagnosis = Diagnosis()
        self.alarm = HackingAlarm(options.hacking_alarm)
        self.keeper = Keeper(folder, options.checkpoints_kept, options.checkpoint_url)
        self.before: dict[str, float] = {}
        self.train_seconds = 0.0
        self.num_tokens = 0
        self.flops = 0
        self.best = -math.inf
        self.stale = 0
        self._recorded = 0
        self._mix: Any = None  # the counts of rewards at the last boundary, while an iteration is under way

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps of the record."""
        names = ("before", "train_seconds", "num_tokens", "flops", "best", "stale")
        mix = self.watch.mix_state() if self._mix is None else self._mix
        said = {"mix": mix, "diagnosis": self.diagnosis.state(), "alarm": self.alarm.state()}
        return {name: getattr(self, name) for name in names} | said

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take it back."""
        state = dict(state_dict)
        self.watch.load_mix_state(state.pop("mix"))
        self.diagnosis.load_state(state.pop("diagnosis"))
        self.alarm.load_state(state.pop("alarm"))
        for name, value in state.items():
            setattr(self, name, value)

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Look at the untrained policy, unless the run is resumed."""
        self._recorded = pl_module.iteration
        self.keeper.begin(pl_module)
        if reason := self._ends(pl_module.iteration):
            _log.info("nothing is left to train: %s", reason)
            trainer.should_stop = True
        if not self.before:
            self._look(pl_module)
        check_objective(self.watch.objective, self.before, self.figures(pl_module))

    def _look(self, pl_module: GrpoModule) -> None:
        """Measure the untrained policy."""
        result = self.watch.held_out.evaluate(self.watch.test, 0)
        self.write_test_samples("before", 0, result)
        self._append(self.folder.metrics, [_row(0, 0, _named("eval", self._evaluate(pl_module, 0)))])
        self.before = dict(result.metrics)
        _log.info("before training: %s", in_words(result.metrics))

    def figures(self, module: GrpoModule) -> dict[str, float]:
        """What training took so far, for result.json."""
        return {
            "train_seconds": self.train_seconds,
            "iterations": module.iteration,
            "updates": module.updates,
            "num_tokens": self.num_tokens,
            "flops": self.flops,
        }

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Keep the counts of this boundary, for a checkpoint of a rollout that is broken off."""
        self._mix = self.watch.mix_state()

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Record the iteration that is done, save if it is time, and end if it is time."""
        self._mix = None
        module: GrpoModule = pl_module
        done = module.last
        if done is None:
            return
        started = time.perf_counter()
        groups = ranks.gather(done.rollout.groups)
        row = self._metrics(module, done, groups)
        every = self.options.eval_every
        if every and (done.number % every == 0 or done.number == self.options.iterations):
            row |= _named("eval", self._evaluate(module, done.number))
        self.train_seconds += done.seconds + time.perf_counter() - started
        row["time/total"] = self.train_seconds
        self._write(done, groups, row)
        self._recorded = done.number
        halting = self.watch.interrupt.agreed()
        if halting or self._ends(done.number) or done.number % self.options.checkpoint_every == 0:
            self.keeper.save(trainer, done.number)
        names = {"reward": "reward", "accuracy": "rewards/accuracy/mean", "length": "completions/mean_length"}
        shown = {name: row.get(key) for name, key in names.items()}
        self.bar.advance(**{name: value for name, value in shown.items() if value is not None})
        if reason := self._ends(done.number):
            _log.info("training ends after iteration %d: %s", done.number, reason)
            _log.info("rewards of that iteration's completions, on average: %s", rewards_in_words(row))
            trainer.should_stop = True
        if halting:
            raise Halt

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Be done with checkpoints."""
        self.keeper.end(trainer, self._recorded)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Save where a signal broke an iteration off."""
        self.keeper.end(trainer, self._recorded, exception)

    def write_test_samples(self, phase: str, iteration: int, result: HeldOutResult) -> None:
        """Some completions to test problems, for the report."""
        rows = judged_rows(phase, iteration, result.judged[:SHOWN_TEST_SAMPLES])
        self._append(self.folder.samples, rows)

    def _ends(self, number: int) -> str:
        """Why training ends after an iteration; empty where it goes on."""
        stop = self.options.stop_when
        if stop.flops is not None and self.flops >= stop.flops:
            return f"{self.flops:.4g} floating-point operations, stage.stop_when.flops={stop.flops:.4g}"
        if stop.patience and self.stale >= stop.patience:
            return f"{self.stale} evaluations without a gain, stage.stop_when.patience={stop.patience}"
        return f"stage.iterations={self.options.iterations}" if number >= self.options.iterations else ""

    def _metrics(self, module: GrpoModule, done: Iteration, groups: Sequence[ScoredGroup]) -> dict[str, Any]:
        tokens = sum(ranks.gather([done.rollout.completion_tokens]))
        drawn = tokens + sum(ranks.gather([done.rollout.prompt_tokens]))
        self.num_tokens += tokens
        self.flops += _flops(module, groups, drawn)
        metrics = group_metrics(
            groups, done.advantages, self.options.max_tokens, self.watch.measures
        ) | update_metrics(done.sums)
        metrics |= {
            "num_tokens": self.num_tokens,
            "flops": self.flops,
            "step_time": done.seconds,
            "time/generate": done.rollout.generate_seconds,
            "time/reward": done.rollout.reward_seconds,
            "time/train": done.train_seconds,
            "perf/tokens_per_second": tokens / done.seconds,
            "skipped_updates": module.skips.total,
            "rollout/attempts": done.rollout.attempts,
            "host/rss_gb": rss_gb(),
        }
        self.keeper.shortage.of_memory()
        metrics |= getattr(module.engine, "figures", dict)()
        switch = self.options.preference_switch
        if switch is not None:
            metrics["phase/preference"] = float(done.number >= switch)
        return _row(done.number, module.updates, metrics) | self._said(done.number, metrics)

    def _said(self, number: int, metrics: Mapping[str, Any]) -> dict[str, Any]:
        """What the diagnosis and the alarm have to say, for the row and for the log; the alarm warns once."""
        said: dict[str, Any] = {}
        if advice := self.diagnosis.look(number, metrics):
            said["diagnosis"] = advice
            _log.warning("iteration %d: %s", number, advice)
        alarm = self.alarm.look(number, metrics)
        if alarm is not None:
            said[METRIC] = float(bool(alarm))
        if alarm and not self.alarm.warned:
            self.alarm.warned, said["alarm"] = True, alarm
            _log.warning("iteration %d: %s", number, alarm)
        return said

    def _evaluate(self, module: GrpoModule, number: int) -> Mapping[str, float]:
        if not self.watch.validation:
            return {}
        metrics = self.watch.held_out.evaluate(
            self.watch.validation, number, interruptible=number == 0
        ).metrics
        accuracy = metrics["pass@1"]
        if math.isnan(accuracy):  # no rule judges any of the held-out problems
            return metrics
        if accuracy > self.best + (self.options.stop_when.min_gain if self.best > -math.inf else 0.0):
            self.best, self.stale = accuracy, 0
            policy = whole_model(module.policy)
            if ranks.rank() == 0:
                save_model(policy, self.watch.tokenizer, self.folder.checkpoints / "best")
        else:
            self.stale += 1
        return metrics

    def _write(self, done: Iteration, groups: Sequence[ScoredGroup], row: Mapping[str, Any]) -> None:
        self._append(self.folder.metrics, [row])
        shown = min(self.options.logged_groups, len(groups))
        rows = sample_rows(groups[:shown], done.advantages.advantages_PG[:shown], done.number)
        self._append(self.folder.samples, rows)

    def _append(self, path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
        if ranks.rank() == 0:
            self.folder.append(path, rows)


def _flops(module: GrpoModule, groups: Sequence[ScoredGroup], drawn_tokens: int) -> int:
    """Floating-point operations of the policy in one iteration."""
    lengths = [
        GroupTokens(
            len(group.prompt_ids),
            sum(len(sample.completion.token_ids) for sample in group.samples),
            len(group.samples),
        )
        for group in groups
    ]
    return iteration_flops(
        module.matmul_parameters,
        drawn_tokens,
        lengths,
        passes=module.options.inner_epochs,
        shared_prompts=module.share_prompts,
        with_reference=module.reference is not None,
        with_old=module.options.updates_per_iteration > 1,
    )


def _named(prefix: str, metrics: Mapping[str, float]) -> dict[str, float]:
    return {f"{prefix}/{name}": value for name, value in metrics.items()}


def _row(iteration: int, update: int, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """A row of metrics.jsonl; JSON has no NaN, so an undefined number is null."""
    plain = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in metrics.items()
    }
    return {"iteration": iteration, "update": update, "time": time.time(), **plain}
