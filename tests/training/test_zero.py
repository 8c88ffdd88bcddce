"""DeepSpeed computes what plain training computes, in mixed precision too."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.distributed]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("zero")
    rows = [{"prompt": f"{i}+{7 * i}=", "completion": str(8 * i)} for i in range(10, 58)]
    (made / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return made


def losses(folder, trainer, devices=1):
    run = folder / trainer
    words = (
        "stage=sft", "data=conversations", f"data.path={folder / 'rows.jsonl'}", "stage.batch_size=8",
        "stage.max_updates=5", f"trainer={trainer}", "trainer.accelerator=cpu", f"trainer.devices={devices}",
        "trainer.precision=bf16-mixed", "trainer.threads=1", f"hydra.run.dir={run}",
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "r1light", *words],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    said = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    return [row["loss"] for row in said if "loss" in row]


@pytest.fixture(scope="module")
def plain(folder):
    return losses(folder, "cpu")


@pytest.mark.parametrize("trainer", ["deepspeed_zero2", "deepspeed_zero3"])
def test_mixed_precision_is_that_of_plain_training(trainer, folder, plain):
    if shutil.which("g++") is None:
        pytest.skip("DeepSpeed compiles its operations of a CPU by g++")
    found = losses(folder, trainer, devices=2)
    assert len(found) == 5
    # Operands of other batches are rounded to 8 bits: a unit is 2^-8. With weights in bfloat16 it was 0.9%.
    assert found == pytest.approx(plain, rel=2**-8)
