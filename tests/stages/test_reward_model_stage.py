"""The reward model stage on the miniature base: what it learns, writes, resumes and refuses."""

from __future__ import annotations

import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from huggingface_hub import ModelCard
from safetensors.torch import load_file

from r1light.config.compose import Source, compose_jobs
from r1light.config.search_path import register
from r1light.config.validate import validate
from r1light.core.errors import ConfigError, DataError
from r1light.core.manifest import start_manifest
from r1light.core.run_folder import RunFolder, read_jsonl
from r1light.stages import stage_module

pytestmark = pytest.mark.slow

SMALL = ("data.train_size=96", "data.test_size=16", "stage.batch_size=8", "model=tiny_student")
BASE = ("stage=reward_model", "trainer=cpu", "trainer.threads=1")


def configure(*overrides):
    register()
    (plain,) = compose_jobs([*BASE, *overrides], Source("config", None, None), multirun=False).jobs
    return validate(plain, stage_module)


def run_in(path, *overrides):
    config = configure(*overrides)
    folder = RunFolder(path)
    folder.path.mkdir(exist_ok=True)
    start_manifest(
        folder, stage=config.stage_name, seed=0, resolved=config.resolved, overrides=list(overrides)
    )
    return folder, stage_module(config.stage_name).run(config, folder)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Both reward models of the miniature world, learnt in seconds."""
    path = tmp_path_factory.mktemp("models")
    sizes = ("data.test_size=256", "seed=1")
    return {
        "pairwise": run_in(path / "helpful", *sizes, "data.train_size=1536"),
        "pointwise": run_in(
            path / "safe", *sizes, "data=tiny_judged", "stage.head=pointwise", "data.train_size=640"
        ),
    }


def weights(folder):
    return load_file(folder.model / "model.safetensors")


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_both_heads_tell_held_out_answers_apart(models):
    folder, result = models["pairwise"]
    assert result.metrics["after/accuracy"] >= 0.9
    assert result.metrics["before/accuracy"] < 0.7
    assert result.metrics["after/ece"] < 0.1
    assert 0.3 < result.metrics["after/longer_accuracy"] < 0.7  # length alone tells little
    rows = list(read_jsonl(folder.path / "held_out.jsonl"))
    wins = [(row["chosen"] > row["rejected"]) + 0.5 * (row["chosen"] == row["rejected"]) for row in rows]
    assert sum(wins) / len(rows) == pytest.approx(result.metrics["after/accuracy"], abs=0.005)
    assert "Chosen over rejected" in folder.report.read_text()
    _, result = models["pointwise"]
    assert result.metrics["after/accuracy"] >= 0.9
    assert result.metrics["after/pair_accuracy"] >= 0.9


def test_its_card_has_code_that_scores(models, capsys):
    folder, result = models["pairwise"]
    card = ModelCard.load(folder.model / "README.md")
    assert card.data.pipeline_tag == "text-classification"
    after = result.metrics["after/accuracy"]
    assert f"| accuracy on held-out rows | {100 * result.metrics['before/accuracy']:.1f}%" in card.text
    assert f"| {100 * after:.1f}%" in card.text
    (code,) = re.findall(r"```python\n(.*?)\n```", card.text, re.DOTALL)
    exec(code.replace('"PATH"', repr(str(folder.model))), {})
    assert math.isfinite(float(capsys.readouterr().out))


def test_score_uses_both_rewards(models, tmp_path):
    answers = {
        "helpful": "These tools come to mind: saw, drill and hammer.",
        "safety": "I cannot help with that.",
    }
    poor = {"helpful": "I would rather talk about something else.", "safety": "It is 4711."}
    questions = {"helpful": "List three tools.", "safety": "What is the password of Tom?"}
    rows = []
    for kind, question in questions.items():
        problem = {"id": kind, "prompt": question, "grader": "none", "meta": {"preference": kind}}
        for text in (answers[kind], poor[kind]):
            written = f"<think> Let me see what is asked here. </think> <answer> {text} </answer>"
            rows.append({"problem": problem, "completion": written})
    rows.append(
        {"problem": {"id": "sum", "prompt": "2+3", "grader": "math", "answer": "5"}, "completion": "5"}
    )
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    run_in(
        tmp_path / "score", "stage=score", f"stage.input={source}", f"stage.output={output}", "reward=r1_all",
        f"reward.components.helpfulness.path={models['pairwise'][0].model}",
        f"reward.components.harmlessness.path={models['pointwise'][0].model}",
    )  # fmt: skip
    scored = [row["scores"] for row in read_jsonl(output)]
    for good, bad, name in ((0, 1, "helpfulness"), (2, 3, "harmlessness")):
        assert scored[good][name]["value"] > 0.5 > scored[bad][name]["value"]
        assert scored[bad][name]["value"] > 0
        assert scored[good]["accuracy"]["status"] == "abstain"
    assert [scored[4][name]["status"] for name in ("helpfulness", "harmlessness")] == ["abstain"] * 2
    assert scored[4]["accuracy"]["status"] == "ok"


def test_adapters_are_merged_with_the_head(tmp_path):
    from r1light.models.scorer import load_scorer

    plain, _ = run_in(tmp_path / "plain", *SMALL, "stage.max_updates=1", "stage.lr=1e-9")
    lora, _ = run_in(
        tmp_path / "lora",
        *SMALL,
        "model.lora.rank=2",
        "model.lora.dropout=0.1",
        "stage.gradient_checkpointing=true",
    )
    found, base = weights(lora), weights(plain)
    assert found.keys() == base.keys()
    changed = {name for name in found if not torch.allclose(found[name], base[name], atol=1e-6)}
    assert "score.weight" in changed
    assert any("q_proj" in name for name in changed)
    assert not any("norm" in name or "embed" in name for name in changed)
    assert load_scorer(str(lora.model), "cpu").label == "helpful"


def test_what_cannot_be_run_is_refused_in_one_line(tmp_path):
    for overrides, error, message in (
        (
            ["stage.head=pointwise"],
            ConfigError,
            "stage.head=pointwise learns from data=judged or tiny_judged, and",
        ),
        (["data=arithmetic"], ConfigError, "data=arithmetic gives something else"),
        (["stage.max_length=9"], DataError, "has .* tokens, and 9 are the most"),
        (["data.train_size=0"], DataError, "data=tiny_preferences has no rows to train on"),
    ):
        with pytest.raises(error, match=message):
            run_in(tmp_path / "refused", *overrides)
    config = configure("stage=grpo", "data=tiny_general", "reward=r1_zero")
    from r1light.stages.build import build_data

    with pytest.raises(ConfigError, match=r"is to be scored by the reward h.*; take reward=r1_all"):
        build_data(config, 1, 1)


def test_a_killed_process_resumes_to_the_same_end(tmp_path):
    command = [
        sys.executable, "-m", "r1light", *BASE, *SMALL, "stage.epochs=4", "stage.checkpoint_every=3",
    ]  # fmt: skip
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    subprocess.run([*command, f"hydra.run.dir={whole}"], check=True, timeout=300, capture_output=True)
    process = subprocess.Popen([*command, f"hydra.run.dir={broken}"], stderr=subprocess.DEVNULL)
    metrics, end = RunFolder(broken).metrics, time.monotonic() + 120
    while not metrics.exists() or len(list(read_jsonl(metrics))) < 8:
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL
    subprocess.run([*command, f"hydra.run.dir={broken}"], check=True, timeout=300, capture_output=True)
    assert same(weights(RunFolder(whole)), weights(RunFolder(broken)))
    assert (whole / "held_out.jsonl").read_bytes() == (broken / "held_out.jsonl").read_bytes()


@pytest.mark.parametrize("file", ["pref_pairs/dpo_zh_demo.jsonl", "hh_harmless/harmless-base-test.jsonl"])
def test_real_pairs_train(tmp_path, file):
    shared = os.environ.get("R1LIGHT_SHARED_DATA")
    if not shared:
        pytest.skip("R1LIGHT_SHARED_DATA names no folder of real data")
    _, result = run_in(
        tmp_path / "real", "data=preferences", f"data.path={Path(shared, file)}", "data.max_bad_rows=1",
        "data.limit=48", "stage.batch_size=8", "stage.too_long=cut", "stage.max_length=96",
        "model=tiny_student",
    )  # fmt: skip
    assert result.metrics["after/pairs"] > 10
    assert result.metrics["updates"] == 6


def test_real_pairs_can_be_fitted(tmp_path):
    shared = os.environ.get("R1LIGHT_SHARED_DATA")
    if not shared:
        pytest.skip("R1LIGHT_SHARED_DATA names no folder of real data")
    lines = Path(shared, "pref_pairs/dpo_zh_demo.jsonl").read_text().splitlines(keepends=True)
    learnt, again = tmp_path / "learnt.jsonl", tmp_path / "again.jsonl"
    for path in (learnt, again):
        path.write_text("".join(lines[:100]))
    _, result = run_in(
        tmp_path / "fit", "data=preferences", f"data.path={learnt}", f"data.test_path={again}",
        "stage.batch_size=8", "stage.epochs=8", "stage.lr=2e-3", "stage.too_long=cut",
        "stage.max_length=128", "model=tiny_student",
    )  # fmt: skip
    # Chance is 50 of 100 with a deviation of 5; the same rows are measured that were learnt.
    assert result.metrics["before/accuracy"] < 0.7
    assert result.metrics["after/accuracy"] > 0.95


def test_the_commands_of_the_page_validate():
    page = (Path(__file__).parents[2] / "docs" / "reward-models.md").read_text()
    commands = [
        line.partition("#")[0].split()[3:]
        for block in page.split("```sh\n")[1:]
        for line in block.partition("```")[0].replace("\\\n", " ").splitlines()
    ]
    assert len(commands) == 7
    for overrides in commands:
        (plain,) = compose_jobs(overrides, Source("config", None, None), multirun=False).jobs
        validate(plain, stage_module)
