"""The export stage: from model directories and checkpoints, and onto a hub that is not there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from itertools import count

import huggingface_hub
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from r1light.config.compose import Source, compose_jobs
from r1light.config.validate import validate
from r1light.core.errors import ConfigError, ResumeError, StorageError
from r1light.core.run_folder import RunFolder
from r1light.models.tiny import WEIGHTS
from r1light.stages import stage_module
from r1light.stages.execute import run_stage

IDS = torch.arange(6)[None]


def run_in(path, *lines):
    (plain,) = compose_jobs(lines, Source(), multirun=False).jobs
    folder = RunFolder(path)
    return folder, run_stage(validate(plain, stage_module), folder, lines)


@pytest.fixture
def export(tmp_path):
    numbers = count()

    def run(source, *lines):
        return run_in(tmp_path / f"export-{next(numbers)}", "stage=export", f"stage.run={source}", *lines)

    return run


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    turns = [{"role": "user", "content": "1+1"}, {"role": "assistant", "content": "2"}]
    path.write_text("".join(json.dumps({"messages": turns}) + "\n" for _ in range(8)))
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory, rows):
    """A finished run of stage=sft with adapters, of two updates with a checkpoint after each."""
    path = tmp_path_factory.mktemp("trained") / "run"
    lines = (
        "stage=sft", f"data.path={rows}", "data.test_share=0", "stage.batch_size=4", "stage.epochs=1",
        "stage.checkpoint_every=1", "model.lora.rank=2", "trainer=cpu", "trainer.threads=1",
    )  # fmt: skip
    return run_in(path, *lines)[0]


def bare(run, target):
    """A copy of a run's checkpoints alone, as of one that was killed."""
    shutil.copytree(run.path, target, ignore=shutil.ignore_patterns("model", "result.json"))
    return target


def weights(folder):
    return load_file(folder / "model.safetensors")


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_model_directory_in_another_number_format_and_in_shards(export, tmp_path):
    shutil.copytree(WEIGHTS / "tiny", tmp_path / "run" / "model")
    (tmp_path / "run" / "model" / "README.md").write_text("# A card\n")
    folder, result = export(tmp_path / "run", "stage.dtype=bfloat16", "stage.shard_size=500KB")
    shards = sorted(folder.model.glob("model-*.safetensors"))
    assert len(shards) > 1
    assert all(path.stat().st_size < 600_000 for path in shards)
    assert (folder.model / "README.md").read_text() == "# A card\n"
    assert (folder.model / "generation_config.json").is_file()
    model = AutoModelForCausalLM.from_pretrained(folder.model, dtype="auto")
    assert model.dtype == torch.bfloat16
    base = AutoModelForCausalLM.from_pretrained(WEIGHTS / "tiny", dtype=torch.bfloat16)
    assert torch.equal(model(IDS).logits, base(IDS).logits)
    tokenizers = [AutoTokenizer.from_pretrained(path) for path in (folder.model, WEIGHTS / "tiny")]
    assert len({tuple(each.encode("12+34=46 好")) for each in tokenizers}) == 1
    assert result.outputs["model"] == str(folder.model)


def test_a_checkpoint_holds_adapters_alone_and_is_exported_merged(trained, export, tmp_path):
    state = torch.load(trained.checkpoints / "iteration-000002.ckpt", weights_only=True)["state_dict"]
    assert len(state) > 0
    assert all("lora_" in name for name in state)
    folder, _ = export(bare(trained, tmp_path / "bare"))
    assert same(weights(folder.model), weights(trained.model))
    older, _ = export(trained.checkpoints / "iteration-000001.ckpt")
    assert not same(weights(older.model), weights(trained.model))
    ends = [
        json.loads((each / "generation_config.json").read_text()) for each in (folder.model, trained.model)
    ]
    assert ends[0]["eos_token_id"] == ends[1]["eos_token_id"]
    templates = [AutoTokenizer.from_pretrained(each).chat_template for each in (folder.model, trained.model)]
    assert templates[0] == templates[1]


def test_the_adapters_of_a_run_on_its_base_are_its_model(trained):
    base = AutoModelForCausalLM.from_pretrained(WEIGHTS / "tiny", dtype=torch.float32)
    plain = AutoModelForCausalLM.from_pretrained(trained.model)
    adapted = PeftModel.from_pretrained(base, trained.path / "adapter")
    torch.testing.assert_close(adapted(IDS).logits, plain(IDS).logits, atol=1e-4, rtol=1e-4)


def test_what_cannot_be_exported_is_refused_in_one_line(trained, export, tmp_path):
    with pytest.raises(ConfigError, match=r"nothing to export: no model/config\.json, no checkpoints"):
        export(tmp_path)
    broken = bare(trained, tmp_path / "broken")
    checkpoint = broken / "checkpoints" / "iteration-000002.ckpt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(ResumeError, match=r"iteration-000002\.ckpt cannot be read"):
        export(checkpoint)
    folder, _ = export(broken)  # the one before it
    assert (folder.model / "config.json").is_file()
    (broken / "config.yaml").unlink()
    with pytest.raises(ConfigError, match=r"config\.yaml cannot be read, and says how the model is built"):
        export(broken)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"run": ""}, "run must name a run folder or a checkpoint"),
        ({"run": "x", "shard_size": "5G"}, "shard_size='5G' must be a number with a unit"),
        ({"run": "x", "push": "name"}, "push='name' must be USER/NAME"),
    ],
)
def test_options_that_cannot_be(options, line):
    with pytest.raises(ValueError, match=line):
        stage_module("export").Config(**options)


class Hub:
    """Notes what is asked of it."""

    def __init__(self):
        self.calls = []

    def create_repo(self, repo_id, **options):
        self.calls.append((repo_id, options))
        return f"https://hub/{repo_id}"

    def upload_folder(self, **options):
        self.calls.append(sorted(path.name for path in options["folder_path"].iterdir()))


@pytest.mark.parametrize(("line", "private"), [("stage.private=true", True), ("stage.private=false", False)])
def test_an_upload_is_private_unless_told_otherwise(export, monkeypatch, line, private):
    hub = Hub()
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: hub)
    export(WEIGHTS / "tiny", "stage.push=someone/tiny", *([] if private else [line]))
    made, files = hub.calls
    assert made == ("someone/tiny", {"private": private, "exist_ok": True})
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(files)


def test_without_a_network_the_export_is_kept(export, monkeypatch, tmp_path):
    nobody = huggingface_hub.HfApi(endpoint="http://127.0.0.1:9", token="none")
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: nobody)
    with pytest.raises(StorageError, match=r"cannot upload to someone/tiny \(.*refused\)") as caught:
        export(WEIGHTS / "tiny", "stage.push=someone/tiny")
    assert "the export is kept in" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert (tmp_path / "export-0" / "model" / "model.safetensors").is_file()


@pytest.mark.slow
@pytest.mark.distributed
@pytest.mark.parametrize(
    ("strategy", "more"),
    [("fsdp2", ()), ("deepspeed_zero3", ()), ("deepspeed_zero2", ("model.lora.rank=2",))],
)
def test_a_checkpoint_of_two_processes_is_put_together(export, rows, tmp_path, strategy, more):
    if strategy.startswith("deepspeed") and shutil.which("g++") is None:
        pytest.skip("DeepSpeed compiles its operations of a CPU by g++")
    run = tmp_path / "run"
    lines = (
        "stage=sft", f"data.path={rows}", "data.test_share=0", "stage.batch_size=4", "stage.epochs=1",
        f"trainer={strategy}", "trainer.accelerator=cpu", "trainer.devices=2", "trainer.threads=1",
        f"hydra.run.dir={run}", *more,
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "r1light", *lines],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    folder, _ = export(bare(RunFolder(run), tmp_path / "bare"))
    assert same(weights(folder.model), weights(run / "model"))
