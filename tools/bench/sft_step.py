"""How long fine-tuning takes: `stage=sft`'s training loop beside TRL's SFTTrainer, on the same tokens.

    python tools/bench/sft_step.py [--rows 256] [--batch 16] [--rounds 5] [--threads 2] [--json out.json]

Rows are the two files of `sft_general` where R1LIGHT_SHARED_DATA names a folder that has it, else documents
of the corpus of the miniature models. They are encoded once, cut at --max-length, and given to both sides as
token ids with the same targets. Every round runs each side once, in alternating order, each in a fresh
process with its own copy of the model, for one epoch, and times it from the start of training to the end of
the last update: by the clock, and in CPU seconds, which other work on the machine disturbs less. Loading,
encoding and TRL's packing are outside. TRL has its defaults (among them gradient checkpointing and bfloat16
autocast), and then its packing strategies in float32 without checkpointing, which is faster. TRL is not a
dependency: install it beside r1light with `pip install trl`.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

OURS, OURS_PACKED = "r1light", "r1light, packed"
TRL: dict[str, dict[str, Any]] = {
    "TRL, defaults": {},
    "TRL, packed (bfd)": {"packing": True, "packing_strategy": "bfd"},
    "TRL, packed (wrapped)": {"packing": True, "packing_strategy": "wrapped"},
}
FASTEST = {"bf16": False, "gradient_checkpointing": False}  # what makes packing fastest on a CPU
SIDES = (OURS, OURS_PACKED, *TRL)
Moment = tuple[float, float]
"""The clock and this process's CPU time, in seconds."""


def now() -> Moment:
    """Both times."""
    return time.perf_counter(), time.process_time()


def encoded_rows(model: str, count: int, max_length: int) -> list[dict[str, list[int]]]:
    """Rows as token ids with marks on what is learnt."""
    from transformers import AutoTokenizer

    from r1light.models.chat_templates import CHATML
    from r1light.training.conversation_tokens import ConversationEncoder

    tokenizer = AutoTokenizer.from_pretrained(model)
    tokenizer.chat_template = CHATML
    encoder = ConversationEncoder(tokenizer)
    found = []
    for text in random.Random(0).sample(texts := conversations(), min(count, len(texts))):
        row = encoder.row(text)
        ids, marks = row.input_ids[:max_length], row.target[:max_length]
        if any(marks):
            found.append({"input_ids": list(ids), "completion_mask": [int(mark) for mark in marks]})
    return found


def conversations() -> list[Any]:
    """The real rows where they are at hand, else sums of the miniature world."""
    from itertools import islice

    from r1light.data.conversation_source import Conversations
    from r1light.data.conversations import Conversation
    from r1light.data.corpus.build import documents
    from r1light.templates.r1_zero import BEFORE_QUESTION

    shared = os.environ.get("R1LIGHT_SHARED_DATA")
    if shared and (Path(shared) / "sft_general").is_dir():
        return list(Conversations(Conversations.Config(path=f"{shared}/sft_general", test_share=0.0)))
    asked = (text.partition("Assistant:") for text in documents(0, BEFORE_QUESTION) if "Assistant:" in text)
    return [Conversation("", (), answer, before + mark) for before, mark, answer in islice(asked, 2000)]


def run_ours(rows: Sequence[dict[str, list[int]]], options: argparse.Namespace, folder: Path) -> list[Moment]:
    """Train by the module of `stage=sft`; the times at the start and after each update."""
    import lightning

    from r1light.config.schema import TrainerSpec
    from r1light.models.pretrained import Pretrained
    from r1light.stages.supervised import CPU_TOKENS
    from r1light.training.fit import fit, make_trainer
    from r1light.training.row_stream import RowStream
    from r1light.training.sft import SftObjective, SftRow
    from r1light.training.supervised import SupervisedModule
    from r1light.training.supervised_options import SupervisedOptions

    times: list[Moment] = []

    class Clock(lightning.Callback):
        def on_train_start(self, *_: Any) -> None:
            times.append(now())

        def on_train_batch_end(self, *_: Any) -> None:
            times.append(now())

    ours = [SftRow(tuple(row["input_ids"]), tuple(map(bool, row["completion_mask"]))) for row in rows]
    model = Pretrained(Pretrained.Config(path=options.model)).load().model
    objective = SftObjective(CPU_TOKENS, options.side == OURS_PACKED)
    settings = SupervisedOptions(batch_size=options.batch, epochs=1.0, lr=2e-5)
    module = SupervisedModule(model, objective, RowStream(ours, 0, 1.0), settings)
    fit(make_trainer([Clock()], "cpu", TrainerSpec("cpu"), folder, None), module, None)
    return times


def run_trl(rows: Sequence[dict[str, list[int]]], options: argparse.Namespace, folder: Path) -> list[Moment]:
    """Train by SFTTrainer; the times at the start and after each update."""
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
    from trl import SFTConfig, SFTTrainer

    times: list[Moment] = []

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_train_begin(self, *_: Any, **__: Any) -> None:
            times.append(now())

        def on_step_end(self, *_: Any, **__: Any) -> None:
            times.append(now())

    settings = TRL[options.side] | (FASTEST if TRL[options.side] else {})
    config = SFTConfig(
        output_dir=str(folder), per_device_train_batch_size=options.batch, max_length=options.max_length,
        num_train_epochs=1, use_cpu=True, report_to="none", save_strategy="no", disable_tqdm=True, **settings,
    )  # fmt: skip
    trainer = SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(options.model, dtype="float32"),
        args=config,
        train_dataset=Dataset.from_list(list(rows)),
        processing_class=AutoTokenizer.from_pretrained(options.model),
        callbacks=[Clock()],
    )
    trainer.train()
    return times


def serve_side(options: argparse.Namespace) -> None:
    """Run one side once and print its times."""
    import torch

    torch.set_num_threads(options.threads)
    rows = json.loads(options.data.read_text())
    run = run_ours if options.side in (OURS, OURS_PACKED) else run_trl
    with tempfile.TemporaryDirectory() as folder:
        times = run(rows, options, Path(folder))
    clock, cpu = (end - start for start, end in zip(times[0], times[-1], strict=True))
    print("RESULT " + json.dumps({"clock": clock, "cpu": cpu, "updates": len(times) - 1}))


def run_side(side: str, data: Path, options: argparse.Namespace) -> dict[str, float]:
    """One side in a fresh process."""
    command = [sys.executable, __file__, "--side", side, "--data", str(data), "--model", options.model]
    for name in ("batch", "max-length", "threads"):
        command += [f"--{name}", str(getattr(options, name.replace("-", "_")))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3600, check=False)
    found = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if done.returncode or not found:
        raise SystemExit(f"{side} failed:\n{done.stdout}\n{done.stderr}")
    result: dict[str, float] = json.loads(found[-1].removeprefix("RESULT "))
    return result


def measure(sides: Sequence[str], options: argparse.Namespace) -> dict[str, Any]:
    """Every side, round after round, each round in the other order."""
    rows = encoded_rows(options.model, options.rows, options.max_length)
    found: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "rows.json"
        data.write_text(json.dumps(rows))
        for number in range(options.rounds):
            for side in sides if number % 2 == 0 else tuple(reversed(sides)):
                found[side].append(run_side(side, data, options))
                last = found[side][-1]
                said = f"round {number + 1}: {side}: {last['cpu']:.2f} CPU s, {last['clock']:.2f} s"
                print(said, file=sys.stderr, flush=True)
    return {
        "rows": len(rows),
        "tokens": sum(len(row["input_ids"]) for row in rows),
        "batch": options.batch,
        "max_length": options.max_length,
        "threads": options.threads,
        "sides": found,
        "load_average": os.getloadavg()[0],
    }


def table(result: dict[str, Any]) -> str:
    """The result as a Markdown table; times are those of one epoch over the same rows."""
    median = {side: middle(runs, "cpu") for side, runs in result["sides"].items()}
    best = min(value for side, value in median.items() if side in (OURS, OURS_PACKED))
    lines = [
        f"{result['rows']} rows, {result['tokens']:,} tokens, {result['batch']} rows an update (packed TRL: "
        f"lines of {result['max_length']}), {result['threads']} threads, load {result['load_average']:.1f}",
        "",
        "| an epoch | CPU s, median | range | clock s | range | updates | CPU, to the faster r1light |",
        "|---|---|---|---|---|---|---|",
    ]
    for side, runs in result["sides"].items():
        cells = [side]
        for name in ("cpu", "clock"):
            values = [run[name] for run in runs]
            cells += [f"{middle(runs, name):.2f}", f"{min(values):.2f} to {max(values):.2f}"]
        lines.append(f"| {' | '.join(cells)} | {runs[0]['updates']:g} | {median[side] / best:.2f} |")
    return "\n".join(lines)


def middle(runs: Sequence[dict[str, float]], name: str) -> float:
    """The median of a figure over the rounds."""
    return statistics.median(run[name] for run in runs)


def main() -> None:
    """Read the arguments, measure, print."""
    from r1light.models.tiny import WEIGHTS

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default=str(WEIGHTS / "tiny"), help="a model directory")
    parser.add_argument("--rows", type=int, default=256)
    parser.add_argument("--batch", type=int, default=16, help="rows an update")
    parser.add_argument("--max-length", type=int, default=1024, help="tokens a row")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, help="also write all figures here")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        serve_side(options)
        return
    sides = SIDES
    if importlib.util.find_spec("trl") is None:
        print("TRL is not installed, so only r1light is measured; `pip install trl` adds it\n")
        sides = (OURS, OURS_PACKED)
    result = measure(sides, options)
    print(table(result))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
