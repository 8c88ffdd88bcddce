"""One process of a small GRPO run on given completions; says what each update did to the weights.

python learn_on_ranks.py STRATEGY WORLD OUTPUT [adapters] [mixed], with RANK, LOCAL_RANK and the like in the
environment.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path
from types import SimpleNamespace

import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

from r1light.config.schema import TrainerSpec
from r1light.core.types import Completion, Parsed, Problem, Prompt, Sample
from r1light.models.lora import add_adapters
from r1light.training import ranks
from r1light.training.collect import Rollout, ScoredGroup
from r1light.training.fit import fit, make_trainer
from r1light.training.grpo import GrpoModule
from r1light.training.grpo_options import GrpoOptions
from r1light.training.whole import whole_parameters

LENGTHS = ((60, 2), (3, 5), (41, 64), (2, 9))
"""Tokens of two completions each to four problems: dealt out to two ranks, 167 and 19."""

OPTIONS = GrpoOptions(
    iterations=3,  # of two updates each
    prompts_per_iteration=4,
    group_size=2,
    minibatches=2,
    micro_batch_tokens=48,
    max_tokens=64,
    max_grad_norm=0.05,  # below every gradient's norm: all are clipped
    lr=1.0,
)


def group(number: int, lengths: tuple[int, int], iteration: int) -> ScoredGroup:
    dice = random.Random(f"{number}/{iteration}")
    problem = Problem(id=str(number), prompt="?", grader="none")
    samples = []
    for length in lengths:
        ids = tuple(dice.randrange(3, 64) for _ in range(length))
        completion = Completion(ids, "", (-4.0,) * length, "stop")
        samples.append(Sample(problem, "?", completion, Parsed(None, None, True)))
    return ScoredGroup(problem, Prompt("?"), (1, 2), tuple(samples), (0.0, 1.0), {})


class Given:
    """A collector that has the same completions for any number of ranks."""

    def __init__(self) -> None:
        self.engine = SimpleNamespace(load_weights=lambda weights, version: [None for _ in weights])

    def collect(self, stream, problems, iteration):
        groups = [group(number, lengths, iteration) for number, lengths in enumerate(LENGTHS)]
        return Rollout(tuple(ranks.share_of(groups)), 0.0, 0.0, 1, 0)


class Observed(GrpoModule):
    """Plain gradient descent, each update's weights and norm kept."""

    def configure_optimizers(self):
        trained = [each for each in self.policy.parameters() if each.requires_grad]
        return torch.optim.SGD(trained, lr=self.options.lr)

    def on_train_start(self):
        super().on_train_start()
        self.seen, self.norms = [], []
        self.look()

    def _step(self, optimizer):
        self.norms.append(super()._step(optimizer))
        self.look()
        return self.norms[-1]

    def look(self):
        self.seen.append({name: each.detach().clone() for name, each in whole_parameters(self.policy)})


def policy(adapters: bool):
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=128,
        tie_word_embeddings=True,
        attn_implementation="sdpa",
        initializer_range=0.2,  # gradients well above rounding
    )
    model = Qwen2ForCausalLM(config)
    if adapters:
        add_adapters(model, rank=4, alpha=8.0, dropout=0.0, targets="all-linear")
        with torch.no_grad():
            for each in model.parameters():
                if each.requires_grad:  # the second factor begins at 0, and the first would have no gradient
                    each.normal_(std=0.1)
    return model


def main(strategy: str, world: int, output: Path, *words: str) -> None:
    torch.set_num_threads(1)
    precision = "bf16-mixed" if "mixed" in words else "32-true"
    spec = TrainerSpec("cpu", strategy, devices=world, timeout=120.0, precision=precision)
    if world > 1:
        ranks.join(spec.timeout)
    problems = SimpleNamespace(at=lambda number: SimpleNamespace(cursor=0), cursors=[0, 0])
    module = Observed(policy("adapters" in words), OPTIONS, Given(), problems, seed=1)
    trainer = make_trainer([], "cpu", spec, output.parent, OPTIONS.max_grad_norm)
    fit(trainer, module, None)
    if ranks.rank() == 0:
        torch.save({"seen": module.seen, "norms": module.norms}, output)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), *sys.argv[4:])
