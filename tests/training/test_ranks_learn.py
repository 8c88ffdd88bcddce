"""Two gloo processes learn what one learns, under every strategy, from rows of very different lengths."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

pytestmark = [pytest.mark.slow, pytest.mark.distributed]

WORKER = Path(__file__).with_name("learn_on_ranks.py")
DEADLINE = 600.0
"""Seconds; DeepSpeed compiles an operation when it is first used."""


def learn(strategy, world, folder, *words):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    output = folder / f"{strategy}-{world}.pt"
    place = {"WORLD_SIZE": str(world), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    common = {**os.environ, **(place if world > 1 else {}), "OMP_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen(
            [sys.executable, str(WORKER), strategy, str(world), str(output), *words],
            env={**common, **({"RANK": str(rank), "LOCAL_RANK": str(rank)} if world > 1 else {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(world)
    ]
    try:
        said = [process.communicate(timeout=DEADLINE)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0] * world, "\n".join(said)[-3000:]
    return torch.load(output)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return learn("ddp", 1, tmp_path_factory.mktemp("alone"))


def flat(weights):
    return torch.cat([each.flatten() for each in weights.values()]).double()


def need_compiler(strategy):
    if strategy.startswith("deepspeed") and shutil.which("g++") is None:
        pytest.skip("DeepSpeed compiles its operations of a CPU by g++")


def assert_learnt_alike(alone, together, updates):
    """The same gradients and weights in the first updates."""
    assert alone["seen"][0].keys() == together["seen"][0].keys()
    assert len(alone["norms"]) == len(together["norms"]) == 6
    assert min(alone["norms"]) > 0.05  # so all gradients are clipped to 0.05 ...
    for one, two in list(zip(alone["norms"], together["norms"], strict=True))[:updates]:
        assert two == pytest.approx(one, rel=1e-5)
    before, before_too = flat(alone["seen"][0]), flat(together["seen"][0])
    assert torch.equal(before, before_too)
    for weights, weights_too in list(zip(alone["seen"], together["seen"], strict=True))[1 : updates + 1]:
        after, after_too = flat(weights), flat(weights_too)
        clipped, clipped_too = before - after, before_too - after_too
        assert float(clipped.norm()) == pytest.approx(0.05, rel=1e-4)  # ... and each step is that long
        assert float((clipped - clipped_too).norm() / clipped.norm()) < 1e-5
        before, before_too = after, after_too
    assert float((before - before_too).abs().max()) < 1e-6


@pytest.mark.parametrize(
    "strategy", ["ddp", "fsdp2", "deepspeed_zero1", "deepspeed_zero2", "deepspeed_zero3"]
)
def test_two_processes_learn_what_one_learns(strategy, alone, tmp_path):
    need_compiler(strategy)
    assert_learnt_alike(alone, learn(strategy, 2, tmp_path), updates=6)


def test_in_mixed_precision_too(tmp_path):
    need_compiler("deepspeed")
    alone = learn("ddp", 1, tmp_path, "mixed")
    assert_learnt_alike(alone, learn("deepspeed_zero2", 2, tmp_path, "mixed"), updates=6)
    # ZeRO-3 adds a bias to a product that has been rounded, and so rounds twice once a bias is not 0
    assert_learnt_alike(alone, learn("deepspeed_zero3", 2, tmp_path, "mixed"), updates=1)


@pytest.mark.parametrize("strategy", ["ddp", "deepspeed_zero2"])
def test_two_processes_train_the_adapters_that_one_trains_and_nothing_else(strategy, tmp_path):
    need_compiler(strategy)
    one, two = learn("ddp", 1, tmp_path, "adapters"), learn(strategy, 2, tmp_path, "adapters")
    assert len(one["seen"]) == len(two["seen"]) == 7
    first, last, last_too = one["seen"][0], one["seen"][-1], two["seen"][-1]
    assert torch.equal(flat(first), flat(two["seen"][0]))
    assert float((flat(last) - flat(last_too)).abs().max()) < 1e-6
    changed = {
        name.rpartition(".")[0].rpartition(".")[2]
        for name in first
        if not torch.equal(first[name], last[name])
    }
    assert changed == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
