"""How near the estimate of memory comes: that of `stage=grpo` beside the peak that its process reaches.

    python tools/bench/memory_estimate.py [--models small,medium] [--cases checkpointing] [--json out.json]
    python tools/bench/memory_estimate.py --device cuda

Each case is one run of two iterations in a process of its own, with random weights of a shape named below
and the tokenizer of the miniature models. On a CPU its estimate is compared with the peak of resident memory,
less what libraries and data had taken before the model was read; on a GPU with the peak of torch's
allocations. A ratio above 1 says that the run took more than was told.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SHAPES = {  # hidden width, feed-forward width, layers, heads, groups of keys and values
    "small": (256, 704, 4, 4, 2),
    "medium": (512, 1408, 8, 8, 2),
    "large": (768, 2048, 10, 12, 4),
}
CASES = {
    "as it is": (),
    "checkpointing": ("stage.gradient_checkpointing=true",),
    "no reference": ("stage.loss.kl_coefficient=0",),
    "pass of 8192 tokens": ("stage.micro_batch_tokens=8192",),
}
COMMAND = (
    "stage=grpo data=arithmetic stage.iterations=2 stage.prompts_per_iteration=8 stage.group_size=8 "
    "stage.max_tokens=128 stage.eval_every=0 stage.eval_problems=0 stage.test_problems=8 resume=none"
)


def child(device: str, words: list[str]) -> None:
    """Run a command line, and say as the last line what was estimated and what was taken."""
    import r1light.stages.memory as stage
    import r1light.training.record  # noqa: F401 - that libraries are read before memory is looked at
    from r1light.__main__ import main
    from r1light.training.host import rss_gb
    from r1light.training.memory import Use, estimate

    told: list[float] = []
    judge = stage.judge

    def noted(use: Use, *rest: Any) -> None:
        told[:] = [estimate(use).peak, rss_gb() * 1e9 - use.number * use.size.parameters]
        judge(use, *rest)

    stage.judge = noted
    if code := main(words):
        raise SystemExit(code)
    if device == "cuda":
        import torch

        taken = float(torch.cuda.max_memory_allocated())
    else:  # getrusage would count what the parent held when it started this process
        status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        taken = int(status["VmHWM"].split()[0]) * 1024 - told[1]
    print(json.dumps([told[0], taken]))


def write_model(shape: str, folder: Path) -> int:
    """A model directory with random weights; returns its parameters."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    from r1light.models.tiny import Tiny

    hidden, inner, layers, heads, groups = SHAPES[shape]
    loaded = Tiny(Tiny.Config()).load("cpu")
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=loaded.model.config.vocab_size, hidden_size=hidden, intermediate_size=inner,
        num_hidden_layers=layers, num_attention_heads=heads, num_key_value_heads=groups,
        max_position_embeddings=1024, tie_word_embeddings=True, eos_token_id=loaded.eos_ids[0],
    )  # fmt: skip
    model = Qwen2ForCausalLM(config)
    model.save_pretrained(folder)
    loaded.tokenizer.save_pretrained(folder)
    return sum(each.numel() for each in model.parameters())


def measure(device: str, model: Path, case: str, folder: Path, more: Sequence[str]) -> tuple[float, float]:
    """Bytes that were estimated, and bytes that were taken."""
    trainer = "trainer=gpu" if device == "cuda" else "trainer=cpu"
    words = [*COMMAND.split(), trainer, f"model.path={model}", f"hydra.run.dir={folder}", *CASES[case], *more]
    done = subprocess.run(
        [sys.executable, __file__, "--child", "--device", device, *words],
        capture_output=True, text=True, check=False, timeout=1800,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{case}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    told, taken = json.loads(done.stdout.splitlines()[-1])
    return told, taken


def main() -> None:
    """Measure every case of the models that were asked for, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", default=",".join(SHAPES), help=f"some of: {', '.join(SHAPES)}")
    parser.add_argument("--cases", default=",".join(CASES), help=f"some of: {', '.join(CASES)}")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("more", nargs="*", help="further options of the run")
    args = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    if args.child:
        child(args.device, args.more)
        return
    rows = []
    print("| parameters | case | estimated, MB | taken, MB | ratio |\n|---|---|---|---|---|", flush=True)
    for shape in args.models.split(","):
        with tempfile.TemporaryDirectory() as folder:
            model = Path(folder) / "model"
            parameters = write_model(shape, model)
            for number, case in enumerate(args.cases.split(",")):
                told, taken = measure(args.device, model, case, Path(folder) / str(number), args.more)
                rows.append({"parameters": parameters, "case": case, "estimated": told, "taken": taken})
                print(
                    f"| {parameters / 1e6:.1f}M | {case} | {told / 1e6:.0f} | {taken / 1e6:.0f} | "
                    f"{taken / told:.2f} |",
                    flush=True,
                )
    if args.json is not None:
        args.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
