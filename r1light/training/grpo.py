"""GRPO as a LightningModule: one `training_step` is one iteration of the paper's algorithm.

problems -> rollouts -> scores -> advantages -> minibatches of updates

Source: DeepSeek-R1 (arXiv:2501.12948v2) sections 2.1 and 3.2, eq. 1-3. Choices that the paper leaves open:
1. Ratios are of tokens and a sequence's loss is the mean of its tokens' (DeepSeekMath, arXiv:2402.03300).
2. Minibatches are cut by whole groups, so that a group's completions share one copy of their prompt.
3. An iteration with one update has no second forward pass: the policy is its own old policy.

Shapes: P problems, G group, B rows (P * G), T completion tokens, K completion tokens of all rows.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import lightning
import torch
from torch import Tensor

from r1light.algorithms.advantage import Advantages, group_advantages
from r1light.algorithms.aggregation import LossNormaliser
from r1light.algorithms.policy_loss import PolicyLoss, PolicyMetrics, policy_loss
from r1light.core.protocols import RolloutEngine
from r1light.training import ranks
from r1light.training.ahead import Ahead
from r1light.training.batching import MicroBatch, Row, micro_batches, minibatches
from r1light.training.checkpoint import check_trained, keep_trained
from r1light.training.collect import Collector, Rollout
from r1light.training.flops import matmul_parameters
from r1light.training.forward import can_share_prompts, disable_dropout, target_logprobs
from r1light.training.grpo_options import GrpoOptions
from r1light.training.lanes import Lanes
from r1light.training.metrics import UpdateSums
from r1light.training.problems import ProblemSchedule
from r1light.training.reference import Reference, follow, reference_of
from r1light.training.stepping import Skips, adamw, backward, one_pass, set_learning_rate, step, wrapped
from r1light.training.strategies import share_out
from r1light.training.tree_attention import use_trees
from r1light.training.whole import engine_parameters


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
        updates: Optimiser steps done, with those that were left out.
        last: The iteration just done.
    """

    def __init__(
        self,
        policy: Any,
        options: GrpoOptions,
        collector: Collector,
        problems: ProblemSchedule,
        seed: int,
        lanes: int = 1,
        *,
        segments: bool = False,
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
        self.skips = Skips(options.max_skipped_updates)
        disable_dropout(policy)
        self.share_prompts = options.share_prompts and can_share_prompts(policy)
        self.segments = segments
        if self.share_prompts or segments:
            use_trees(policy)
        self.lanes = Lanes(policy, lanes)
        self.matmul_parameters = matmul_parameters(policy)
        # in a list, as a module that is an attribute would join the policy's parameters
        self._reference = [reference_of(policy)] if self.loss_options.kl_coefficient > 0 else []

    @property
    def engine(self) -> RolloutEngine:
        """The rollout engine."""
        return self.collector.engine

    @property
    def reference(self) -> Reference | None:
        """The reference policy, where the loss has a KL term."""
        return self._reference[0] if self._reference else None

    def hand_over(self, version: int) -> None:
        """Give the engine the policy's weights."""
        self.engine.load_weights(engine_parameters(self.engine, self.policy), version=version)

    def forward(self, batch: MicroBatch) -> tuple[Tensor, Tensor]:
        """Log-probabilities and entropies of a micro-batch's completion tokens, both [K], in nats.

        In a tuple, as strategies look for tensors in nothing else.
        """
        found = target_logprobs(self.lanes.model, batch, self.options.temperature)
        return found.logprobs_T, found.entropy_T

    def training_step(self, _batch: Any, _index: int) -> None:
        """One iteration."""
        started = time.perf_counter()
        number = self.iteration + 1
        rollout = self.ahead.take(number)
        advantages, own_PG = self._advantages(rollout)
        trained = time.perf_counter()
        sums = self._learn(rollout.rows(own_PG, self.options.mask_truncated), number)
        self.ahead.settle()
        self.hand_over(number)
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
        updates = (
            self._update(minibatch, rows, old)
            for epoch in range(self.options.inner_epochs)
            for minibatch in minibatches(
                rows, self.options.minibatches, f"minibatches/{self.seed}/{number}/{epoch}"
            )
        )
        return UpdateSums.over(list(updates))

    def _old_logprobs(self, rows: Sequence[Row]) -> list[Tensor]:
        """Of the policy that drew, a list of [T]; where that is not this one, as the engine reported them."""
        if not self.ahead.steps:
            return self._logprobs(rows)
        return [torch.tensor(row.rollout_logprobs, device=self.device) for row in rows]

    def _cut(self, rows: Sequence[Row]) -> list[MicroBatch]:
        tokens = self.options.pass_tokens(self.device.type == "cpu")
        cut = micro_batches(rows, tokens, self.share_prompts, self.lanes.count, segments=self.segments)
        return [batch.to(self.device) for batch in cut]

    @torch.no_grad()
    def _logprobs(self, rows: Sequence[Row]) -> list[Tensor]:
        """Log-probabilities of each row's tokens, before any update; a list of [T]."""
        found: dict[int, Tensor] = {}
        for batch, counts, _ in ranks.in_step(self._cut(rows), lambda: self._cut(rows[:1])[0]):
            logprobs_K, _ = wrapped(self)(batch)
            if not counts:
                continue
            lengths = [len(rows[position].completion_ids) for position in batch.rows]
            found |= dict(zip(batch.rows, logprobs_K.split(lengths), strict=True))
        return [found[position] for position in range(len(rows))]

    def _update(
        self, positions: Sequence[int], all_rows: Sequence[Row], old: Sequence[Tensor] | None
    ) -> UpdateSums:
        """One optimiser step."""
        rows = [all_rows[position] for position in positions]
        normaliser = self._normaliser(rows)
        optimizer: Any = self.optimizers()
        rate = set_learning_rate(optimizer, self.options.learning_rate(self.updates))
        nothing = PolicyMetrics.none(self.device)
        if not normaliser.tokens:
            return UpdateSums(nothing, 0.0, (), rate)

        def learn(item: tuple[MicroBatch, bool, bool]) -> tuple[PolicyMetrics, Tensor]:
            batch, counts, last = item
            with one_pass(self, last) as policy:
                logprobs_K, entropy_K = policy(batch)
                if not counts:
                    backward(self, logprobs_K.sum(), counts)
                    return nothing, nothing.tokens
                old_K = None if old is None else torch.cat([old[positions[row]] for row in batch.rows])
                loss = self._loss(batch, logprobs_K, old_K, normaliser)
                backward(self, loss.loss)
            return loss.metrics, (batch.spread(entropy_K.detach()) * batch.mask_BT).sum()

        in_step = ranks.in_step(self._cut(rows), lambda: self._cut(all_rows[:1])[0])
        passes = self.lanes.map(learn, list(in_step))
        metrics = sum((each for each, _ in passes), start=nothing)
        entropy = torch.stack([each for _, each in passes]).sum()
        norm = self._step(optimizer)
        metrics = PolicyMetrics.unstack(ranks.add_up(metrics.stack()))
        normaliser.check(sequences=float(metrics.sequences), tokens=float(metrics.tokens))
        return UpdateSums(metrics, float(ranks.add_up(entropy)), (norm,), rate)

    def _loss(
        self, batch: MicroBatch, logprobs_K: Tensor, old_K: Tensor | None, normaliser: LossNormaliser
    ) -> PolicyLoss:
        """The part of a micro-batch in the update's loss."""
        return policy_loss(
            batch.spread(logprobs_K),
            batch.advantages_B,
            batch.mask_BT,
            options=self.loss_options,
            normaliser=normaliser,
            old_logprobs_BT=None if old_K is None else batch.spread(old_K),
            rollout_logprobs_BT=batch.rollout_logprobs_BT,
            reference_logprobs_BT=self._reference_logprobs(batch),
        )

    def _normaliser(self, rows: Sequence[Row]) -> LossNormaliser:
        """Counts over all ranks, of rows and tokens that count."""
        lengths = [len(row.completion_ids) for row in rows if row.learn]
        counts = [float(len(lengths)), float(sum(lengths))]
        sequences, tokens = ranks.add_up(ranks.on_device(counts, self.device)).tolist()
        return LossNormaliser(
            sequences=int(sequences), tokens=int(tokens), max_tokens=self.options.max_tokens
        )

    def _reference_logprobs(self, batch: MicroBatch) -> Tensor | None:
        if self.reference is None:
            return None
        with torch.no_grad(), self.reference.acting(self.lanes.model) as model:
            found = target_logprobs(model, batch, self.options.temperature)
            return batch.spread(found.logprobs_T)

    def _step(self, optimizer: Any) -> float:
        """Clip, step, and let the reference follow; returns the gradient's norm before clipping."""
        norm = step(self, optimizer, self.options.max_grad_norm, self.updates + 1, self.skips)
        self.updates += 1
        if self.reference is not None:
            follow(self.reference, self.policy, self.updates, self.options)
        return norm

    def configure_model(self) -> None:
        """Share the weights out, where the strategy asks for it."""
        share_out(self, self.policy)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW on all weights that require a gradient."""
        given = self.options
        return adamw(
            self.policy.parameters(), lr=given.lr, beta2=given.adam_beta2, weight_decay=given.weight_decay
        )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the counters and the reference; leave out what is not trained."""
        keep_trained(self, checkpoint)
        checkpoint["progress"] = {
            "iteration": self.iteration,
            "updates": self.updates,
            "cursors": self.ahead.cursors,
            "skips": self.skips.state(),
            "reference": self.reference.state_dict() if self.reference else None,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the counters and the reference back.

        Lightning's own count of batches is dropped: at the end of a run it says that the epoch is over, and a
        run that is continued for more iterations would end at once.
        """
        checkpoint.pop("loops", None)
        check_trained(self, checkpoint)
        state = checkpoint["progress"]
        self.iteration, self.updates = state["iteration"], state["updates"]
        self.problems.cursors = state["cursors"]
        self.skips.load_state(state["skips"])
        if self.reference is not None and state["reference"] is not None:
            self.reference.load_state_dict(state["reference"])

    def on_train_start(self) -> None:
        """Start from the policy's weights, whether they are fresh or restored."""
        if self.reference is not None:
            self.reference.to(self.device)
        self.hand_over(self.iteration)
