"""model/README.md: the hub reads it, its numbers are the result's, and its code runs."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil

import pytest
import yaml
from huggingface_hub import ModelCard

from r1light.core.run_folder import RunFolder
from r1light.models.tiny import WEIGHTS
from r1light.reports.model_card import model_card, relative, write_model_card

CONFIG = {
    "stage": {"name": "grpo", "algorithm": "dapo", "iterations": 3, "lr": 1e-6, "loss": {"clip_high": 0.28}},
    "model": {"name": "hf", "path": "Qwen/Qwen2.5-1.5B"},
    "data": {"name": "jsonl", "path": "/home/somebody/secret place/train.jsonl", "language": "zh"},
    "reward": {"components": {"accuracy": {"weight": 2.0}}},
    "template": {"name": "r1_zero"},
    "logger": {"wandb": {"api_key": "abc"}},
    "seed": 7,
}
METRICS = {
    "before/pass@1": 0.25, "before/pass@1_stderr": 0.1, "after/pass@1": 0.5, "after/pass@1_stderr": 0.05,
    "before/mean_length": 30.0, "after/mean_length": 60.0,
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    def make(stage="grpo", **changed):
        folder = RunFolder(tmp_path / stage)
        folder.model.mkdir(parents=True)
        config = {**CONFIG, "stage": {**CONFIG["stage"], "name": stage}, **changed}
        folder.config.write_text(yaml.safe_dump(config))
        folder.manifest.write_text(json.dumps({"stage": stage, "versions": {"r1light": "0.1.0"}}))
        folder.result.write_text(json.dumps({"stage": stage, "metrics": METRICS, "outputs": {}}))
        return folder

    return make


def test_the_hub_reads_it(folder):
    card = ModelCard(model_card(folder(), "a prompt"))
    assert card.data.to_dict() == {
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["r1light", "grpo", "dapo"],
        "base_model": "Qwen/Qwen2.5-1.5B",
        "license": "apache-2.0",
        "language": ["zh"],
    }
    for part in ("Data", "Recipe", "Results", "How to use it", "Licence"):
        assert f"\n## {part}\n" in card.text


def test_numbers_are_the_results_with_their_intervals(folder):
    text = model_card(folder(), "a prompt")
    # 1.96 * 0.1 = 0.196, 1.96 * 0.05 = 0.098
    assert "| pass@1, sampled | 25.0% ± 19.6% | 50.0% ± 9.8% |" in text
    assert "| mean completion length | 30 | 60 |" in text
    rows = (
        "stage.iterations | 3", "stage.loss.clip_high | 0.28", "reward.components.accuracy.weight | 2.0",
        "template | r1_zero", "seed | 7", "r1light | 0.1.0",
    )  # fmt: skip
    for row in rows:
        assert f"| {row} |" in text


def test_neither_secrets_nor_places_of_this_machine_are_in_it(folder, tmp_path):
    sources = {
        "one": {"name": "jsonl", "path": str(tmp_path / "a.jsonl")},
        "two": ["/etc/b", "file:///srv/c/d"],
    }
    text = model_card(folder(data={"name": "mixture", "sources": sources, "hf_token": "hf_" + "a" * 30}), "")
    for hidden in ("somebody", "secret place", str(tmp_path), "abc", "hf_aaa", "/etc", "/srv"):
        assert hidden not in text
    assert "a.jsonl" in text
    assert "| data.sources.two | b, d |" in text


def test_adapters_are_part_of_the_recipe_where_there_are_any(folder):
    with_them = CONFIG["model"] | {"lora": {"rank": 16, "alpha": 32.0, "dropout": 0.0}}
    assert "| model.lora.rank | 16 |" in model_card(folder(model=with_them), "")
    assert "lora" not in model_card(
        folder("sft", model=CONFIG["model"] | {"lora": {"rank": 0, "alpha": 32.0}}), ""
    )


def test_values_are_no_markup(folder):
    hostile = "x | y](http://a)\n# Title <script>`"
    text = model_card(folder(data={"name": hostile}), hostile)
    assert r"| data.name | x \| y\](http://a) # Title \<script\>\` |" in text
    assert "\n# Title" not in text
    assert ModelCard(text).data.to_dict()["library_name"] == "transformers"


def test_paths_are_shown_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert relative(tmp_path / "runs" / "a") == "runs/a"
    assert relative("/elsewhere/model") == "model"
    assert relative("Qwen/Qwen2.5-3B") == "Qwen/Qwen2.5-3B"


def test_a_base_with_a_card_hands_on_what_it_says(folder, tmp_path):
    base = tmp_path / "base"
    base.mkdir()
    (base / "README.md").write_text("---\nbase_model: a/b\nlicense: mit\n---\n\n# It\n")
    card = ModelCard(model_card(folder(model={"name": "hf", "path": str(base)}), ""))
    assert (card.data.base_model, card.data.license) == ("a/b", "mit")
    (base / "README.md").write_text("no front matter")
    card = ModelCard(model_card(folder("sft", model={"name": "hf", "path": str(base)}), ""))
    assert card.data.get("base_model") is None
    assert "which is not known here" in card.text


@pytest.mark.parametrize(
    ("path", "licence"),
    [
        ("Qwen/Qwen2.5-3B", "other"),
        ("Qwen/Qwen2.5-Math-72B", "other"),
        ("Qwen/Qwen2.5-Math-7B", "apache-2.0"),
        ("meta-llama/Llama-3.3-70B-Instruct", "llama3.3"),
        ("somebody/else", None),
    ],
)
def test_licences_of_bases(folder, path, licence):
    assert (
        ModelCard(model_card(folder(model={"name": "hf", "path": path}), "")).data.get("license") == licence
    )


@pytest.mark.parametrize("prompt", ["User: Compute 2+3. Assistant:", None, "", "a ``` 'b' \"c\"\n"])
def test_its_code_runs(folder, prompt):
    run = folder()
    shutil.copytree(WEIGHTS / "tiny", run.model, dirs_exist_ok=True)
    write_model_card(run, prompt)
    (code,) = re.findall(r"```python\n(.*?)\n```", (run.model / "README.md").read_text(), re.DOTALL)
    code = code.replace('"PATH"', repr(str(run.model))).replace("max_new_tokens=1024", "max_new_tokens=8")
    scope = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(code, scope)
    assert scope["output"].shape[1] > scope["ids"]["input_ids"].shape[1]
    if prompt is not None:
        assert scope["prompt"] == (prompt.replace("```", "`` `") or "Compute 2+3")
