"""The distillation stage as a whole: each mode learns, resumes bit for bit, and refuses what it cannot do."""

from __future__ import annotations

import json
import os
import shutil
import signal

import pytest
import torch
from safetensors.torch import load_file

from r1light.config.compose import Source, compose_jobs
from r1light.config.search_path import register
from r1light.config.validate import validate
from r1light.core.errors import ConfigError, DataError, Interrupted, ModelError, UnknownNameError
from r1light.core.manifest import start_manifest
from r1light.core.run_folder import RunFolder, read_jsonl
from r1light.models.tiny import WEIGHTS
from r1light.stages import stage_module
from r1light.training.on_policy import Student
from r1light.training.teacher_cache import TeacherCache

pytestmark = pytest.mark.slow

COMMON = (
    "stage=distill", "model=tiny_student", "stage.batch_size=4", "stage.checkpoint_every=2",
    "stage.eval_every=2", "stage.eval_problems=4", "stage.test_problems=4", "stage.max_tokens=12",
    "trainer=cpu", "trainer.threads=1",
)  # fmt: skip
PROBLEMS = "stage.problems={name: arithmetic, train_size: 16, test_size: 8}"
OWN = (
    "stage.mode=on_policy", "stage.teacher=tiny", "stage.iterations=5", "data.train_size=16",
    "data.test_size=8", "stage.lr=1e-3",
)  # fmt: skip


@pytest.fixture
def texts(tmp_path):
    path = tmp_path / "rows.jsonl"
    rows = [{"prompt": f"User: {n}+1 Assistant:", "completion": f" {n + 1}"} for n in range(20)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def run_distill(tmp_path):
    def run(name, *overrides):
        register()
        (plain,) = compose_jobs([*COMMON, *overrides], Source("config", None, None), multirun=False).jobs
        config = validate(plain, stage_module)
        folder = RunFolder(tmp_path / name)
        folder.path.mkdir(exist_ok=True)
        start_manifest(
            folder, stage=config.stage_name, seed=0, resolved=config.resolved, overrides=list(overrides)
        )
        return folder, stage_module(config.stage_name).run(config, folder)

    return run


@pytest.fixture
def from_texts(texts):
    return (
        "data=conversations", f"data.path={texts}", "data.test_share=0.2", "stage.epochs=1",
        "stage.lr=2e-3",
    )  # fmt: skip


def weights(folder):
    return load_file(folder.model / "model.safetensors")


def rows_of(path):
    clocks = ("time", "perf/", "host/", "step_time")
    return [
        {name: value for name, value in row.items() if not name.startswith(clocks)}
        for row in read_jsonl(path)
    ]


def same(one, other):
    assert weights(one).keys() == weights(other).keys()
    assert all(torch.equal(weights(one)[name], weights(other)[name]) for name in weights(one))
    assert rows_of(one.metrics) == rows_of(other.metrics)
    assert one.samples.exists() == other.samples.exists()
    if one.samples.exists():
        assert rows_of(one.samples) == rows_of(other.samples)


def lose_the_end(folder):
    """As if the run had died before its last checkpoint."""
    shutil.rmtree(folder.model)
    folder.result.unlink()
    max(folder.checkpoints.glob("*.ckpt")).unlink()


def test_texts_are_learnt_as_by_sft_bit_for_bit(run_distill, from_texts):
    sft, _ = run_distill(
        "sft", *from_texts, "stage=sft", *_without("eval_problems", "test_problems", "max_tok")
    )
    data, result = run_distill("data", *from_texts, "stage.mode=data")
    same(sft, data)
    assert result.metrics["after/loss"] < result.metrics["before/loss"]
    assert "after/pass@1" not in result.metrics
    assert "the form of the rows that the model learnt from" in (data.model / "README.md").read_text()


def _without(*names):
    return tuple(f"~{each}" for each in COMMON if any(name in each for name in names))


@pytest.mark.parametrize("mode", ["data", "logits", "whole", "on_policy", "mixture"])
def test_a_run_that_died_ends_as_one_that_did_not(run_distill, from_texts, texts, mode):
    options = {
        "data": (*from_texts, "stage.mode=data", PROBLEMS),
        "logits": (*from_texts, "stage.mode=logits", "stage.teacher=tiny", "stage.lr=2e-4", PROBLEMS),
        "whole": (
            *from_texts,
            "stage.mode=logits",
            "stage.teacher=tiny",
            "stage.lr=2e-4",
            "stage.top_k=null",
        ),
        "on_policy": (*OWN, "stage.group_size=2"),
        "mixture": (*OWN, "stage.on_policy_share=0.5", f"stage.texts={texts}", "stage.beta=0.5"),
    }[mode]
    whole, result = run_distill("whole", *options)
    again, _ = run_distill("again", *options)
    lose_the_end(again)
    run_distill("again", *options)
    same(whole, again)
    rows = rows_of(whole.metrics)
    assert [row["iteration"] for row in rows] == list(range(int(result.metrics["updates"]) + 1))
    if mode in ("data", "logits", "whole"):  # on its own texts a student is at first near its teacher
        assert result.metrics["after/loss"] < result.metrics["before/loss"]
    assert "<svg" in whole.report.read_text()
    measured = mode != "whole"
    assert ("before/pass@1" in result.metrics and "after/pass@1_greedy" in result.metrics) == measured
    assert ("teacher/pass@1" in result.metrics) == (mode in ("logits", "on_policy", "mixture"))
    assert ("eval/pass@1" in rows[2] and "eval/pass@1" not in rows[1]) == measured
    if mode == "mixture":
        assert {row.get("on_policy") for row in rows[1:]} == {0.0, 1.0}
    if measured:
        phases = [row["phase"] for row in rows_of(whole.samples)]
        assert phases.count("before") == phases.count("after") == 4
        assert phases.count("train") == {"on_policy": 10, "mixture": phases.count("train")}.get(mode, 0)


def test_a_signal_in_a_rollout_loses_that_update_alone(run_distill, monkeypatch):
    whole, _ = run_distill("whole", *OWN)
    follow = Student.follow

    def signalled(self, update):
        follow(self, update)
        if update == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(Student, "follow", signalled)
        with pytest.raises(Interrupted):
            run_distill("broken", *OWN)
    broken = RunFolder(whole.path.parent / "broken")
    assert max(broken.checkpoints.glob("*.ckpt")).name == "iteration-000003.ckpt"
    run_distill("broken", *OWN)
    same(whole, broken)


def test_a_shared_cache_is_read_once_and_refused_to_others(run_distill, from_texts, tmp_path, monkeypatch):
    options = (*from_texts, "stage.mode=logits", f"stage.cache={tmp_path / 'cache'}", "stage.top_k=8")
    first, _ = run_distill("first", *options, "stage.teacher=tiny")

    def refuse(*arguments):
        raise AssertionError("the teacher reads again")

    monkeypatch.setattr(TeacherCache, "_read_by", refuse)
    second, _ = run_distill("second", *options, "stage.teacher=tiny")
    same(first, second)
    with pytest.raises(ConfigError, match="is of another teacher's weights; name another folder"):
        run_distill("other", *options, "stage.teacher=tiny_student")
    with pytest.raises(ConfigError, match="is of other rows; name another folder"):
        run_distill("others", *options, "stage.teacher=tiny", "data.test_share=0.5", "data.limit=3")
    with pytest.raises(ConfigError, match="is of top_k=8; name another folder"):
        run_distill("more", *options, "stage.teacher=tiny", "stage.top_k=9")


def test_adapters_train_on_what_they_write(run_distill):
    adapted, _ = run_distill("adapted", *OWN, "stage.iterations=2", "model.lora.rank=2", "stage.lr=1e-2")
    found, base = weights(adapted), load_file(WEIGHTS / "tiny_student" / "model.safetensors")
    assert found.keys() == base.keys()
    changed = {name.split(".")[-2] for name in found if not torch.equal(found[name], base[name].float())}
    assert changed == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


@pytest.fixture
def foreign_teacher(tmp_path):
    """The miniature base with one token of another name."""
    folder = tmp_path / "foreign"
    shutil.copytree(WEIGHTS / "tiny", folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        path = folder / name
        path.write_text(path.read_text().replace("<|im_end|>", "<|end_of_turn|>"))
    return folder


@pytest.mark.parametrize("mode", ["logits", "on_policy"])
def test_another_tokenizer_is_refused_in_one_line(run_distill, from_texts, foreign_teacher, mode):
    options = from_texts if mode == "logits" else OWN
    with pytest.raises(ModelError, match=r"have different tokenizers \(2 tokens differ") as caught:
        run_distill("refused", *options, f"stage.mode={mode}", f"stage.teacher={foreign_teacher}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("overrides", "error", "message"),
    [
        (["stage.mode=logits", "stage.teacher=tiny"], ConfigError, "data=arithmetic gives problems, and"),
        (["stage.mode=on_policy", "stage.teacher=./nothing"], ModelError, "there is no model directory"),
        (["stage.mode=logits"], ConfigError, "stage: mode=logits needs teacher"),
        (["stage.problems=arithmetics"], UnknownNameError, "arithmetic"),
        (["stage.problems={test_size: 8}"], ConfigError, "stage.problems has no name"),
        (["stage.problems={name: arithmetic, size: 8}"], UnknownNameError, "unknown key 'stage.problems.s"),
        ([*OWN, "model.lora.rank=2", "model.lora.dropout=0.1"], ConfigError, "leave it at 0"),
        ([*OWN, "data.test_size=6"], DataError, "6 held-out problems"),
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_refused_in_one_line(run_distill, overrides, error, message):
    with pytest.raises(error, match=message):
        run_distill("refused", *overrides)
