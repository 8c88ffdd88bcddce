"""What a token of a GRPO step costs as steps grow: by batch, group size, length and model size.

    python tools/bench/scaling.py [--most 65536] [--rounds 2] [--threads 2] [--device cpu] [--json out.json]

Draws completions with the native engine and learns from them as `stage=grpo` does, rewards left out: random
advantages, micro-batches by token budget, one update. Prompts have 64 random tokens; completions end by
chance at every token (see grpo_step.py), 45 on average with a cap of 110. From 4,096 tokens a step, one size
at a time grows: problems, completions a problem, or the cap (with an end token as much rarer). All settings
take turns in one process; times are CPU seconds on a CPU, which other work disturbs less, else the clock.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpo_step
import side_by_side as bench

LEAST = 4096
PROMPT, MEAN, CAP, GROUP = 64, 45, 110, 8
HEADER = ("grows", "step", "tokens", "generate µs a token", "train µs a token", "both", "to the smallest")


@dataclass(frozen=True, slots=True)
class Setting:
    """One size of a step.

    Attributes:
        grows: What is larger than in the smallest step.
        problems: Problems a step.
        group: Completions a problem.
        length: The mean length of a completion in units of 45 tokens; the cap grows alike.
        hidden: The model's width.
    """

    grows: str
    problems: int
    group: int = GROUP
    length: int = 1
    hidden: int = 128


def settings(most: int) -> Iterator[Setting]:
    """The smallest step, and three ways of larger ones: 4 times and as large as `most` allows.

    Example:
        >>> [(each.grows, each.problems * each.group * each.length) for each in settings(4096)]
        [('nothing', 96), ('model', 96)]
    """
    problems = -(-LEAST // (MEAN * GROUP))
    yield Setting("nothing", problems)
    for factor in sorted({4, most // LEAST}):
        if 1 < factor <= most // LEAST:
            yield Setting("batch", problems * factor)
            yield Setting("group size", problems, GROUP * factor)
            if factor <= 4:  # beyond, attention's square of the length is no longer small
                yield Setting("length", problems, GROUP, factor)
    yield Setting("model", problems, hidden=256)


def build(setting: Setting, device: str) -> tuple[Any, Any, Any]:
    """The model, its engine and its optimiser."""
    import tempfile

    import torch

    from r1light.models.pretrained import Pretrained
    from r1light.rollout.native import Native
    from r1light.training.tree_attention import use_trees

    with tempfile.TemporaryDirectory() as folder:
        mean = grpo_step.MEAN_LENGTH * setting.length
        grpo_step.write_random_model(Path(folder), hidden=setting.hidden, mean_length=mean)
        loaded = Pretrained(Pretrained.Config(path=folder)).load(device)
    engine = Native(Native.Config(), loaded.model, lambda _: "", loaded.eos_ids)
    use_trees(loaded.model)
    return loaded.model, engine, torch.optim.AdamW(loaded.model.parameters(), lr=1e-6)


def draw(engine: Any, setting: Setting) -> list[Any]:
    """Completions as rows with random advantages."""
    from r1light.core.types import RolloutRequest, SamplingParams
    from r1light.training.batching import Row

    chance = random.Random(0)
    requests = [
        RolloutRequest(str(index), tuple(chance.randrange(256) for _ in range(PROMPT)), (0, index))
        for index in range(setting.problems)
    ]
    params = SamplingParams(n=setting.group, temperature=1.0, max_tokens=CAP * setting.length, seed=0)
    return [
        Row(group.request.key[1], group.request.prompt_ids, each.token_ids, each.logprobs, chance.gauss(0, 1))
        for group in engine.generate(requests, params)
        for each in group.completions
    ]


def learn(model: Any, optimizer: Any, rows: list[Any], cap: int, device: str) -> None:
    """One update, as GrpoModule makes it without a reference."""
    import torch

    from r1light.algorithms.aggregation import LossNormaliser
    from r1light.algorithms.policy_loss import policy_loss
    from r1light.algorithms.presets import PolicyLossOptions
    from r1light.training.batching import micro_batches
    from r1light.training.forward import target_logprobs

    tokens = sum(len(row.completion_ids) for row in rows)
    normaliser = LossNormaliser(sequences=len(rows), tokens=tokens, max_tokens=cap)
    for batch in micro_batches(rows, 2048 if device == "cpu" else 16384):
        here = batch.to(device)
        logprobs_BT = here.spread(target_logprobs(model, here, 1.0).logprobs_T)
        loss = policy_loss(
            logprobs_BT, here.advantages_B, here.mask_BT, options=PolicyLossOptions(), normaliser=normaliser
        )
        loss.loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()


def measure(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Every setting in turn, round after round, the first round unmeasured on the smallest."""
    import torch

    from r1light.training.forward import disable_dropout

    def seconds(action: Callable[[], Any]) -> tuple[float, Any]:
        clock = time.process_time if options.device == "cpu" else time.perf_counter
        begun = clock()
        found = action()
        if options.device == "cuda":
            torch.cuda.synchronize()
        return clock() - begun, found

    torch.set_num_threads(options.threads)
    chosen = list(settings(options.most))
    built = [build(setting, options.device) for setting in chosen]
    for model, _, _ in built:
        disable_dropout(model)
    found: list[dict[str, Any]] = [{"setting": each, "generate": [], "train": []} for each in chosen]
    for number in range(options.rounds + 1):
        for (model, engine, optimizer), entry in zip(built, found, strict=True):
            setting = entry["setting"]
            if number == 0 and setting.grows not in ("nothing", "model"):
                continue
            drawing, rows = seconds(lambda: draw(engine, setting))  # noqa: B023
            cap = CAP * setting.length
            training, _ = seconds(lambda: learn(model, optimizer, rows, cap, options.device))  # noqa: B023
            entry["tokens"] = sum(len(row.completion_ids) for row in rows)
            if number:
                entry["generate"].append(drawing)
                entry["train"].append(training)
    return [summary(entry) for entry in found]


def summary(entry: dict[str, Any]) -> dict[str, Any]:
    """A setting's medians, in microseconds a token."""
    setting, tokens = entry["setting"], entry["tokens"]
    figures = {name: 1e6 * statistics.median(entry[name]) / tokens for name in ("generate", "train")}
    step = f"{setting.problems} x {setting.group}, cap {CAP * setting.length}, width {setting.hidden}"
    both = figures["generate"] + figures["train"]
    return {"grows": setting.grows, "step": step, "tokens": tokens, **figures, "both": both}


def table(entries: list[dict[str, Any]]) -> str:
    """The figures as a Markdown table."""
    least = entries[0]["both"]
    rows = [
        [
            each["grows"], each["step"], f"{each['tokens']:,}", f"{each['generate']:.1f}",
            f"{each['train']:.1f}", f"{each['both']:.1f}", f"{each['both'] / least:.2f}",
        ]
        for each in entries
    ]  # fmt: skip
    return bench.markdown(HEADER, rows)


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--most", type=int, default=65536, help="tokens of the largest step")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--json", type=Path, help="also write all figures here")
    options = parser.parse_args()
    machine = bench.machine(("torch", "transformers"))
    print(f"{bench.machine_line(machine)}; {options.device}, {options.threads} threads, "
          f"{options.rounds} rounds\n")  # fmt: skip
    entries = measure(options)
    print(table(entries))
    rise = max(each["both"] for each in entries if each["grows"] != "model") / entries[0]["both"]
    result = {"machine": machine, "threads": options.threads, "settings": entries, "largest_rise": rise}
    bench.write_json(options.json, result)


if __name__ == "__main__":
    main()
