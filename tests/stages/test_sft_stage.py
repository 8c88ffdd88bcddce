"""The SFT stage as a whole, on the miniature base: what it writes, learns, resumes, and refuses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from r1light.config.compose import Source, compose_jobs
from r1light.config.search_path import register
from r1light.config.validate import validate
from r1light.core.errors import ConfigError, DataError
from r1light.core.manifest import start_manifest
from r1light.core.run_folder import RunFolder, read_jsonl
from r1light.stages import stage_module

OPTIONS = (
    "stage=sft", "stage.batch_size=4", "stage.lr=2e-3", "stage.epochs=2", "stage.checkpoint_every=2",
    "data.test_share=0.2", "trainer=cpu", "trainer.threads=1",
)  # fmt: skip


@pytest.fixture
def rows(tmp_path):
    """Twenty sums, half as texts, half as conversations."""
    path = tmp_path / "rows.jsonl"
    lines = []
    for n in range(10):
        lines.append({"prompt": f"User: {n}+1 Assistant:", "completion": f" {n + 1}"})
        turns = [{"role": "user", "content": f"{n}+2"}, {"role": "assistant", "content": f"{n + 2}"}]
        lines.append({"messages": turns})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture
def run_sft(tmp_path, rows):
    def run(name, *overrides):
        register()
        lines = [*OPTIONS, f"data.path={rows}", *overrides]
        (plain,) = compose_jobs(lines, Source("config", None, None), multirun=False).jobs
        config = validate(plain, stage_module)
        folder = RunFolder(tmp_path / name)
        folder.path.mkdir(exist_ok=True)
        start_manifest(folder, stage="sft", seed=0, resolved=config.resolved, overrides=list(overrides))
        return folder, stage_module("sft").run(config, folder)

    return run


def weights(folder):
    return load_file(folder.model / "model.safetensors")


def metrics(folder):
    clocks = ("time", "perf/", "host/", "step_time")
    return [
        {name: value for name, value in row.items() if not name.startswith(clocks)}
        for row in read_jsonl(folder.metrics)
    ]


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_run_learns_resumes_bit_for_bit_and_leaves_its_files(run_sft):
    whole, result = run_sft("whole", "stage.eval_every=3")
    rows = metrics(whole)
    updates = result.metrics["updates"]
    assert [row["iteration"] for row in rows] == list(range(int(updates) + 1))
    assert rows[-1]["loss"] < rows[1]["loss"] / 2
    assert result.metrics["after/loss"] < result.metrics["before/loss"]
    assert "eval/loss" in rows[3]
    assert "eval/loss" not in rows[4]
    # from the peak by a cosine to a tenth: the last update's rate is just above it
    assert rows[1]["learning_rate"] == pytest.approx(2e-3)
    assert 2e-4 < rows[-1]["learning_rate"] < 3e-4
    preview = (whole.path / "mask_preview.txt").read_text()
    assert "assistant\n⟦" in preview
    assert "<|endoftext|>⟧" in preview
    assert "<svg" in whole.report.read_text()
    assert "apply_chat_template(" in (whole.model / "README.md").read_text()
    stops = json.loads((whole.model / "generation_config.json").read_text())["eos_token_id"]
    tokens = json.loads((whole.model / "tokenizer.json").read_text())["added_tokens"]
    ids = {token["content"]: token["id"] for token in tokens}
    assert stops == sorted([ids["<|endoftext|>"], ids["<|im_end|>"]])

    half, _ = run_sft("half", "stage.eval_every=3", "stage.max_updates=100")
    assert same(weights(whole), weights(half))  # a bound that does not bind changes nothing
    killed = RunFolder(half.path)
    for path in (killed.model, killed.result):
        subprocess.run(["rm", "-r", path], check=True)
    newest = sorted(killed.checkpoints.glob("*.ckpt"))
    newest[-1].unlink()  # as if the run had died before its last checkpoint
    again, _ = run_sft("half", "stage.eval_every=3", "stage.max_updates=100")
    assert same(weights(whole), weights(again))
    assert metrics(whole) == metrics(again)


@pytest.mark.slow
def test_packed_rows_and_adapters_train(run_sft):
    plain, _ = run_sft("plain", "stage.max_updates=3", "stage.epochs=1")
    packed, _ = run_sft("packed", "stage.max_updates=3", "stage.epochs=1", "stage.packed=true")
    losses = [[row["loss"] for row in metrics(folder)[1:]] for folder in (plain, packed)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    lora, _ = run_sft(
        "lora", "stage.max_updates=3", "stage.epochs=1", "model.lora.rank=2", "model.lora.dropout=0.1",
        "stage.gradient_checkpointing=true",
    )  # fmt: skip
    found, base = weights(lora), weights(plain)
    assert found.keys() == base.keys()
    changed = [name for name in found if not torch.equal(found[name], base[name])]
    assert any("q_proj" in name for name in changed)


@pytest.mark.parametrize(
    ("overrides", "error", "message"),
    [
        (["stage.max_length=5"], DataError, r"rows.jsonl:\d+ has \d+ tokens, and 5 are the most"),
        (["stage.chat_template=nothing"], ConfigError, "stage.chat_template=nothing is neither chatml nor"),
        (["data.test_share=0.999999"], DataError, "data=conversations has no rows to train on"),
        (["stage.epochs=0.01"], ConfigError, r"stage.epochs=0.01 of \d+ rows is none; raise it"),
        (["stage.packed=true", "model=hf", "model.attention=eager"], ConfigError, "stage.packed=true needs"),
        (["model.lora.rank=2", "trainer.strategy=fsdp2"], ConfigError, "strategy=fsdp2 shares it out"),
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_refused_in_one_line(run_sft, overrides, error, message):
    if "model=hf" in overrides:
        from r1light.models.tiny import Tiny

        overrides = [*overrides, f"model.path={Tiny(Tiny.Config()).load_tokenizer().tokenizer.name_or_path}"]
    with pytest.raises(error, match=message):
        run_sft("refused", *overrides)


def test_problems_are_no_rows_to_learn_from(run_sft, tmp_path):
    path = tmp_path / "problems.jsonl"
    path.write_text('{"prompt": "2+3", "answer": "5"}\n')
    with pytest.raises(ConfigError, match="data=jsonl gives problems, and stage=sft learns from texts"):
        run_sft("refused", "data=jsonl", f"data.path={path}", "data.test_share=0")


@pytest.mark.slow
def test_broken_rows_on_the_command_line(tmp_path, rows):
    with rows.open("ab") as file:
        file.write(b'{"prompt": "\xff", "completion": "5"}\n{"prompt": "x", "completion": ""}\n{\n')
    command = [sys.executable, "-m", "r1light", *OPTIONS, f"data.path={rows}", "stage.max_updates=1"]

    def run(most):
        line = [*command, f"data.max_bad_rows={most}", f"hydra.run.dir={tmp_path / str(most)}"]
        return subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)

    refused, done = run(2), run(3)
    last = refused.stderr.strip().splitlines()[-1]
    assert refused.returncode == 2
    assert last.startswith(f"error: {rows}:23 is no JSON")
    assert last.endswith("(2 rows are left out before: data.max_bad_rows=2)")
    assert done.returncode == 0
    for number, fault in ((21, "is not UTF-8 at byte 12"), (22, "completion is empty"), (23, "is no JSON")):
        assert any(
            f"left out: {rows}:{number}" in line and fault in line for line in done.stderr.splitlines()
        )
    assert f"{rows}: 3 bad rows are left out (data.max_bad_rows=3)" in done.stderr


@pytest.mark.slow
def test_a_killed_process_resumes_to_the_same_end(tmp_path, rows):
    command = [
        sys.executable, "-m", "r1light", *OPTIONS, f"data.path={rows}", "stage.epochs=40",
        "stage.checkpoint_every=3",
    ]  # fmt: skip
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    subprocess.run([*command, f"hydra.run.dir={whole}"], check=True, timeout=300, capture_output=True)
    for signum, code in ((signal.SIGKILL, -9), (signal.SIGTERM, 143)):
        process = subprocess.Popen([*command, f"hydra.run.dir={broken}"], stderr=subprocess.DEVNULL)
        end = time.monotonic() + 120
        seen = RunFolder(broken)
        before = len(list(read_jsonl(seen.metrics))) if seen.metrics.exists() else 0
        while not seen.metrics.exists() or len(list(read_jsonl(seen.metrics))) < before + 8:
            assert time.monotonic() < end
            time.sleep(0.05)
        os.kill(process.pid, signum)
        assert process.wait(60) == code
    subprocess.run([*command, f"hydra.run.dir={broken}"], check=True, timeout=300, capture_output=True)
    assert same(weights(RunFolder(whole)), weights(RunFolder(broken)))
    assert metrics(RunFolder(whole)) == metrics(RunFolder(broken))
    assert Path(broken, "result.json").exists()
