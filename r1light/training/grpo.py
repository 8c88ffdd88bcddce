"""GRPO as a LightningModule: one `training_step` is one iteration of the paper's algorithm.

problems -> rollouts -> scores -> advantages -> minibatches of updates

Source: DeepSeek-R1 (arXiv:2501.12948v2) sections 2.1 and 3.2, eq. 1-3. Choices that the paper leaves open:
1. Ratios are of tokens and a sequence's loss is the mean of its tokens' (DeepSeekMath, arXiv:2402.03300).
2. Minibatches are cut by whole groups, so that a group's completions share one copy of their prompt.
3. An iteration with one update has no second forward pass: the policy is its own old policy.

Shapes: P problems, G group, B rows (P * G), T completion tokens, K completion tokens of all rows.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import lightning
import torch
from torch import Tensor

from r1light.algorithms.advantage import Advantages, group_advantages
from r1light.algorithms.aggregation import LossNormaliser
from r1light.algorithms.logprob import TokenLogprobs
from r1light.algorithms.policy_loss import PolicyMetrics, policy_loss
from r1light.core.errors import R1LightError
from r1light.core.protocols import RolloutEngine
from r1light.training import ranks
from r1light.training.ahead import Ahead
from r1light.training.batching import MicroBatch, Row, micro_batches
from r1light.training.collect import Collector, Rollout
from r1light.training.forward import can_share_prompts, disable_dropout, target_logprobs
from r1light.training.grpo_options import GrpoOptions
from r1light.training.metrics import UpdateSums
from r1light.training.problems import ProblemSchedule
from r1light.training.reference import Reference
from r1light.training.schedule import learning_rate_factor


@dataclass(frozen=True, slots=True)
class Iteration:
    """What one iteration did, for those who record it."""

    number: int
    rollout: Rollout
    advantages: Advantages
    sums: UpdateSums
    train_seconds: float
    seconds: float


class GrpoModule(lightning.LightningModule):
    """The policy, how it is updated, and the counters that a checkpoint keeps.

    Attributes:
        policy: A Hugging Face causal language model.
        iteration: Iterations completed.
        updates: Optimiser steps taken.
        last: The iteration just done.
    """

    def __init__(
        self,
        policy: Any,
        options: GrpoOptions,
        collector: Collector,
        problems: ProblemSchedule,
        seed: int,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.policy = policy
        self.options = options
        self.loss_options = options.loss_options
        self.collector = collector
        self.problems = problems
        self.ahead = Ahead(collector, problems, options.prompts_per_iteration, options.iterations)
        self.seed = seed
        self.iterations = options.iterations
        self.iteration = self.updates = 0
        self.last: Iteration | None = None
        disable_dropout(policy)
        self.share_prompts = options.share_prompts and can_share_prompts(policy)
        # in a list, as a module that is an attribute would join the policy's parameters
        self._reference = [Reference(policy)] if self.loss_options.kl_coefficient > 0 else []

    @property
    def engine(self) -> RolloutEngine:
        """The rollout engine."""
        return self.collector.engine

    @property
    def reference(self) -> Reference | None:
        """The reference policy, where the loss has a KL term."""
        return self._reference[0] if self._reference else None

    def forward(self, batch: MicroBatch) -> TokenLogprobs:
        """Log-probabilities and entropies of a micro-batch's completion tokens, [K], in nats."""
        return target_logprobs(self.policy, batch, self.options.temperature)

    def training_step(self, _batch: Any, _index: int) -> None:
        """One iteration."""
        started = time.perf_counter()
        number = self.iteration + 1
        rollout = self.ahead.take(number)
        advantages, own_PG = self._advantages(rollout)
        trained = time.perf_counter()
        sums = self._learn(rollout.rows(own_PG, self.options.mask_truncated), number)
        self.ahead.settle()
        self.engine.load_weights(self.policy.named_parameters(), version=number)
        now = time.perf_counter()
        self.iteration = number
        self.last = Iteration(number, rollout, advantages, sums, now - trained, now - started)

    def _advantages(self, rollout: Rollout) -> tuple[Advantages, Tensor]:
        """The advantages of all ranks' groups, and of this rank's, [P, G]."""
        rewards_PG, kept_PG = rollout.rewards_PG()
        rewards_PG = torch.stack(ranks.gather(list(rewards_PG)))
        kept_PG = torch.stack(ranks.gather(list(kept_PG)))
        advantages = group_advantages(rewards_PG, kept_PG, normalisation=self.options.normalisation)
        return advantages, torch.stack(ranks.share_of(list(advantages.advantages_PG)))

    def _learn(self, rows: Sequence[Row], number: int) -> UpdateSums:
        """All updates of one rollout."""
        on_policy = self.options.updates_per_iteration == 1 and not self.ahead.steps
        old = None if on_policy else self._old_logprobs(rows)
        sums = [
            self._update(minibatch, rows, old)
            for epoch in range(self.options.inner_epochs)
            for minibatch in self._minibatches(rows, number, epoch)
        ]
        policy = sum((each.policy for each in sums[1:]), start=sums[0].policy)
        return UpdateSums(
            policy=policy,
            entropy=sum(each.entropy for each in sums),
            grad_norm=tuple(norm for each in sums for norm in each.grad_norm),
            learning_rate=sums[-1].learning_rate,
        )

    def _old_logprobs(self, rows: Sequence[Row]) -> list[Tensor]:
        """Of the policy that drew, a list of [T]; where that is not this one, as the engine reported them."""
        if not self.ahead.steps:
            return self._logprobs(rows)
        return [torch.tensor(row.rollout_logprobs, device=self.device) for row in rows]

    def _minibatches(self, rows: Sequence[Row], number: int, epoch: int) -> Iterator[list[int]]:
        """Positions of rows, a list an update; whole groups, shuffled by (seed, iteration, epoch)."""
        groups = sorted({row.group for row in rows})
        random.Random(f"minibatches/{self.seed}/{number}/{epoch}").shuffle(groups)
        size = len(groups) // self.options.minibatches
        for start in range(0, len(groups), size):
            chosen = set(groups[start : start + size])
            yield [position for position, row in enumerate(rows) if row.group in chosen]

    def _cut(self, rows: Sequence[Row]) -> Iterator[MicroBatch]:
        tokens, tree_tokens = self.options.pass_tokens(self.device.type == "cpu")
        for batch in micro_batches(rows, tokens, self.share_prompts, tree_tokens):
            yield batch.to(self.device)

    @torch.no_grad()
    def _logprobs(self, rows: Sequence[Row], model: Any = None) -> list[Tensor]:
        """Log-probabilities of each row's tokens, before any update or under another model; a list of [T]."""
        found: dict[int, Tensor] = {}
        for batch in self._cut(rows):
            if model is None:
                logprobs_K = self._wrapped(batch).logprobs_T
            else:
                logprobs_K = target_logprobs(model, batch, self.options.temperature).logprobs_T
            lengths = [len(rows[position].completion_ids) for position in batch.rows]
            found |= dict(zip(batch.rows, logprobs_K.split(lengths), strict=True))
        return [found[position] for position in range(len(rows))]

    @property
    def _wrapped(self) -> Any:
        """The module as the strategy wraps it; a forward pass past the wrapper would escape its hooks."""
        return self.trainer.strategy.model

    def _update(
        self, positions: Sequence[int], all_rows: Sequence[Row], old: Sequence[Tensor] | None
    ) -> UpdateSums:
        """One optimiser step."""
        rows = [all_rows[position] for position in positions]
        normaliser = self._normaliser(rows)
        optimizer: Any = self.optimizers()
        factor = self._set_learning_rate(optimizer)
        zero = torch.zeros(len(PolicyMetrics.__dataclass_fields__), dtype=torch.float32, device=self.device)
        metrics, entropy = PolicyMetrics.unstack(zero), zero[0]
        if not normaliser.tokens:
            return UpdateSums(metrics, 0.0, (), factor)
        for batch in self._cut(rows):
            out: TokenLogprobs = self._wrapped(batch)
            old_BT = None
            if old is not None:
                olds = [old[positions[row]] for row in batch.rows]
                old_BT = batch.spread(torch.cat(olds))
            loss = policy_loss(
                batch.spread(out.logprobs_T),
                batch.advantages_B,
                batch.mask_BT,
                options=self.loss_options,
                normaliser=normaliser,
                old_logprobs_BT=old_BT,
                rollout_logprobs_BT=batch.rollout_logprobs_BT,
                reference_logprobs_BT=self._reference_logprobs(batch),
            )
            # engines average gradients over ranks; the loss is divided by the count over all of them
            self.manual_backward(loss.loss * ranks.world_size())
            metrics = metrics + loss.metrics
            entropy = entropy + (batch.spread(out.entropy_T.detach()) * batch.mask_BT).sum()
        norm = self._step(optimizer)
        metrics = PolicyMetrics.unstack(ranks.add_up(metrics.stack()))
        normaliser.check(sequences=float(metrics.sequences), tokens=float(metrics.tokens))
        return UpdateSums(metrics, float(ranks.add_up(entropy)), (norm,), factor)

    def _normaliser(self, rows: Sequence[Row]) -> LossNormaliser:
        """Counts over all ranks, of rows and tokens that count."""
        counts = [
            float(sum(row.learn for row in rows)),
            float(sum(len(row.completion_ids) for row in rows if row.learn)),
        ]
        sequences, tokens = ranks.add_up(ranks.on_device(counts, self.device)).tolist()
        return LossNormaliser(
            sequences=int(sequences), tokens=int(tokens), max_tokens=self.options.max_tokens
        )

    def _reference_logprobs(self, batch: MicroBatch) -> Tensor | None:
        if self.reference is None:
            return None
        with torch.no_grad():
            out = target_logprobs(self.reference.model, batch, self.options.temperature)
        return batch.spread(out.logprobs_T)

    def _set_learning_rate(self, optimizer: Any) -> float:
        options = self.options
        warmup, total = options.warmup_updates, options.updates
        factor = learning_rate_factor(options.lr_schedule, self.updates, warmup, total)
        for group in optimizer.param_groups:
            group["lr"] = options.lr * factor
        return options.lr * factor

    def _step(self, optimizer: Any) -> float:
        """Clip, step, and let the reference follow; returns the gradient's norm before clipping."""
        limit = self.options.max_grad_norm or float("inf")
        norm = float(torch.nn.utils.clip_grad_norm_(self.policy.parameters(), limit))
        if norm != norm or norm == float("inf"):
            raise R1LightError(
                f"the gradient of update {self.updates + 1} is not finite; the last checkpoint is unharmed. "
                "Lower stage.lr, or train in trainer.precision=32-true"
            )
        optimizer.step()
        optimizer.zero_grad()
        self.updates += 1
        if self.reference is not None:
            every = self.options.reference_reset_updates
            if self.options.reference_ema is not None:
                self.reference.trail(self.policy, self.options.reference_ema)
            elif every and self.updates % every == 0:
                self.reference.reset(self.policy)
        return norm

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW on all weights that require a gradient."""
        return torch.optim.AdamW(
            [parameter for parameter in self.policy.parameters() if parameter.requires_grad],
            lr=self.options.lr,
            betas=(0.9, self.options.adam_beta2),
            weight_decay=self.options.weight_decay,
        )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the counters and the reference."""
        checkpoint["progress"] = {
            "iteration": self.iteration,
            "updates": self.updates,
            "cursors": self.ahead.cursors,
            "reference": self.reference.model.state_dict() if self.reference else None,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the counters and the reference back.

        Lightning's own count of batches is dropped: at the end of a run it says that the epoch is over, and a
        run that is continued for more iterations would end at once.
        """
        checkpoint.pop("loops", None)
        state = checkpoint["progress"]
        self.iteration, self.updates = state["iteration"], state["updates"]
        self.problems.cursors = state["cursors"]
        if self.reference is not None and state["reference"] is not None:
            self.reference.model.load_state_dict(state["reference"])

    def on_train_start(self) -> None:
        """Start from the policy's weights, whether they are fresh or restored."""
        if self.reference is not None:
            self.reference.model.to(self.device)
        self.engine.load_weights(self.policy.named_parameters(), version=self.iteration)
