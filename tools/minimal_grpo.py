"""GRPO in one file: the whole algorithm on any Hugging Face model directory, with nothing hidden.

    python tools/minimal_grpo.py --model path/to/model --iterations 50

It uses r1light.algorithms for the mathematics, transformers for the model and its generation, and torch; the
stage `grpo` does the same faster, over several processes and from checkpoints. Read `main` first.

Task: "12+7=" is to be completed with "19" and an end token. The reward is 1 for exactly that, else 0.

Shapes: P problems, G samples of a problem, B = P * G rows, S prompt and completion, T completion tokens.
"""

from __future__ import annotations

import argparse
import copy
import random
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from r1light.algorithms.advantage import group_advantages
from r1light.algorithms.aggregation import LossNormaliser
from r1light.algorithms.logprob import chunked_logprobs
from r1light.algorithms.policy_loss import PolicyMetrics, policy_loss
from r1light.algorithms.presets import PRESETS


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="GRPO on small additions, in one file.")
    parser.add_argument("--model", required=True, help="a Hugging Face directory or name")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="grpo", help="the loss")
    parser.add_argument("--iterations", type=int, default=50, help="rollouts, each learnt from once")
    parser.add_argument("--problems", type=int, default=16, help="problems of an iteration (P)")
    parser.add_argument("--group", type=int, default=8, help="samples of a problem (G)")
    parser.add_argument("--minibatches", type=int, default=2, help="optimiser steps of an iteration")
    parser.add_argument("--micro-rows", type=int, default=32, help="rows of a forward and backward pass")
    parser.add_argument("--max-tokens", type=int, default=16, help="length cap of a completion (T)")
    parser.add_argument("--max-number", type=int, default=99, help="largest number to add")
    parser.add_argument("--temperature", type=float, default=1.0, help="of sampling and of the loss")
    parser.add_argument("--lr", type=float, default=1e-5, help="AdamW's learning rate")
    parser.add_argument(
        "--reference-reset", type=int, default=200, help="iterations until the reference moves"
    )
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


def make_problem(rng: random.Random, max_number: int) -> tuple[str, str]:
    """A prompt and its answer."""
    left, right = rng.randint(0, max_number), rng.randint(0, max_number)
    return f"{left}+{right}=", str(left + right)


def reward(completion: str, answer: str) -> float:
    """1 for the answer and nothing else."""
    return float(completion.strip() == answer)


@dataclass(frozen=True, slots=True)
class Rollout:
    """Sampled completions, behind prompts that are padded on the left to one length.

    `ids_BS` are prompt and completion; `seen_BS` is True where the model may look; `mask_BT` marks the tokens
    that were really sampled: up to and with the first end token, and never by comparison with a padding id.
    """

    ids_BS: Tensor
    seen_BS: Tensor
    mask_BT: Tensor

    def rows(self, index: Tensor) -> Rollout:
        """Some of the rows."""
        return Rollout(self.ids_BS[index], self.seen_BS[index], self.mask_BT[index])

    def completions(self) -> list[list[int]]:
        """The sampled ids of each row, padding left out."""
        ids_BT = self.ids_BS[:, -self.mask_BT.shape[1] :]
        return [ids_T[mask_T].tolist() for ids_T, mask_T in zip(ids_BT, self.mask_BT, strict=True)]


@torch.no_grad()
def sample(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompts_P: list[str], args: argparse.Namespace
) -> Rollout:
    """Draw `args.group` completions of each prompt from the whole distribution (no top-k, no top-p)."""
    encoded = tokenizer(prompts_P, return_tensors="pt", padding=True, padding_side="left")
    end_ids = model.generation_config.eos_token_id
    if end_ids is None:
        end_ids = tokenizer.eos_token_id
    ids_BS = model.generate(
        **encoded.to(model.device),
        do_sample=True,
        temperature=args.temperature,
        top_k=0,
        top_p=1.0,
        num_return_sequences=args.group,
        max_new_tokens=args.max_tokens,
        eos_token_id=end_ids,
        pad_token_id=tokenizer.pad_token_id,
    )
    completion_BT = ids_BS[:, encoded.input_ids.shape[1] :]
    is_end_BT = torch.isin(completion_BT, torch.as_tensor(end_ids, device=ids_BS.device))
    mask_BT = is_end_BT.cumsum(dim=1) - is_end_BT.long() == 0
    seen_BS = torch.cat([encoded.attention_mask.repeat_interleave(args.group, dim=0).bool(), mask_BT], dim=1)
    return Rollout(ids_BS, seen_BS, mask_BT)


def score_tokens(model: PreTrainedModel, rollout: Rollout, temperature: float) -> Tensor:
    """Log-probabilities [B, T] of the completions, without ever holding all logits."""
    positions_BS = (rollout.seen_BS.long().cumsum(dim=1) - 1).clamp(min=0)
    hidden_BSH = model.base_model(
        input_ids=rollout.ids_BS,
        attention_mask=rollout.seen_BS.long(),
        position_ids=positions_BS,
        use_cache=False,
    ).last_hidden_state
    rows, length = rollout.mask_BT.shape
    hidden_BTH = hidden_BSH[:, -length - 1 : -1]  # the state before a token predicts it
    head = model.get_output_embeddings()
    flat = chunked_logprobs(
        hidden_BTH.reshape(rows * length, -1),
        head.weight,
        rollout.ids_BS[:, -length:].reshape(-1),
        temperature=temperature,
        bias_V=getattr(head, "bias", None),
    )
    return flat.logprobs_T.view(rows, length)


@torch.no_grad()
def score_without_gradient(model: PreTrainedModel, rollout: Rollout, args: argparse.Namespace) -> Tensor:
    """Log-probabilities [B, T], a few rows at a time."""
    parts = torch.arange(len(rollout.mask_BT)).split(args.micro_rows)
    return torch.cat([score_tokens(model, rollout.rows(part), args.temperature) for part in parts])


def learn(
    model: PreTrainedModel,
    optimiser: torch.optim.Optimizer,
    rollout: Rollout,
    advantages_B: Tensor,
    reference: PreTrainedModel,
    args: argparse.Namespace,
) -> PolicyMetrics:
    """One optimiser step a minibatch; the losses of its micro-batches add up to its own exactly."""
    # What stays fixed while the policy moves: its own log-probabilities and the reference's.
    old_BT = score_without_gradient(model, rollout, args)
    reference_BT = score_without_gradient(reference, rollout, args)
    sums = []
    for minibatch in torch.randperm(len(old_BT)).chunk(args.minibatches):
        normaliser = LossNormaliser.of(rollout.mask_BT[minibatch], args.max_tokens)
        for micro in minibatch.split(args.micro_rows):
            result = policy_loss(
                score_tokens(model, rollout.rows(micro), args.temperature),
                advantages_B[micro],
                rollout.mask_BT[micro],
                options=PRESETS[args.preset].loss,
                normaliser=normaliser,
                old_logprobs_BT=old_BT[micro],
                reference_logprobs_BT=reference_BT[micro],
            )
            result.loss.backward()
            sums.append(result.metrics.stack())
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()
    return PolicyMetrics.unstack(torch.stack(sums).sum(dim=0))


def main(arguments: list[str] | None = None) -> list[float]:
    """Train, print a line an iteration, and return the mean reward of each."""
    args = parse_arguments(arguments)
    torch.manual_seed(args.seed)
    rng = random.Random(args.seed)
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    # Dropout would make the log-probabilities of sampling and of the loss differ: eval mode throughout.
    model = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32).eval()
    reference = copy.deepcopy(model).requires_grad_(False)
    optimiser = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.0)
    normalisation = PRESETS[args.preset].advantage_normalisation
    history = []
    for iteration in range(args.iterations):
        if iteration % args.reference_reset == 0:
            reference.load_state_dict(model.state_dict())
        problems_P = [make_problem(rng, args.max_number) for _ in range(args.problems)]
        rollout = sample(model, tokenizer, [prompt for prompt, _ in problems_P], args)
        texts_B = tokenizer.batch_decode(rollout.completions(), skip_special_tokens=True)
        answers_B = [answer for _, answer in problems_P for _ in range(args.group)]
        rewards_PG = torch.tensor(list(map(reward, texts_B, answers_B))).view(args.problems, args.group)
        everyone_PG = torch.ones_like(rewards_PG, dtype=torch.bool)
        advantages = group_advantages(rewards_PG, everyone_PG, normalisation=normalisation)
        metrics = learn(model, optimiser, rollout, advantages.advantages_PG.flatten(), reference, args)
        history.append(rewards_PG.mean().item())
        print(
            f"{iteration:4d}  reward {history[-1]:.3f}  "
            f"groups without variance {advantages.zero_variance_P.float().mean():.2f}  "
            f"length {rollout.mask_BT.sum(dim=1).float().mean():.1f}  "
            f"kl {metrics.reference_kl / metrics.tokens:.2e}  "
            f"clipped {(metrics.clipped_low + metrics.clipped_high) / metrics.tokens:.3f}",
            flush=True,
        )
    return history


if __name__ == "__main__":
    main()
