"""Reinforcement learning on problems for rules and problems for reward models together."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file

from r1light.core.errors import DataError
from r1light.core.run_folder import read_jsonl
from r1light.models.scorer import as_scorer
from r1light.models.tiny import Tiny

MIXED = (
    "data=mixture",
    "~data.sources.countdown",
    "data.sources.sums.train_size=32",
    "data.sources.sums.test_size=12",
    "+data.sources.chat={name: jsonl, path: '%s', test_share: 0.2, weight: 1, grader: none, "
    "columns: {id: id, answer: null, meta: [preference]}}",
    "reward=r1_all",
    "reward.components.helpfulness.path=%m",
    "reward.components.harmlessness.path=not/needed",
    "reward.components.language.sources=[sums]",
    "stage.eval_every=0",
)


@pytest.fixture
def mixed(tmp_path):
    """Overrides for sums mixed with questions that no rule judges."""
    path = tmp_path / "chat.jsonl"
    rows = [
        {"id": f"c{number}", "prompt": f"Say hello to {number}", "preference": "helpful"}
        for number in range(60)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    loaded = Tiny(Tiny.Config()).load()
    torch.manual_seed(0)
    model = as_scorer(loaded.model, loaded.tokenizer, "helpful")
    model.save_pretrained(tmp_path / "judge")
    loaded.tokenizer.chat_template = "{% for turn in messages %}{{ turn.content }}\n{% endfor %}"
    loaded.tokenizer.save_pretrained(tmp_path / "judge")
    return [override.replace("%s", str(path)).replace("%m", str(tmp_path / "judge")) for override in MIXED]


def metrics(folder):
    """By iteration, without what a clock or a machine decides."""
    clocks = ("time", "perf/", "host/", "step_time")
    return {
        row["iteration"]: {name: value for name, value in row.items() if not name.startswith(clocks)}
        for row in read_jsonl(folder.metrics)
    }


@pytest.mark.slow
def test_general_problems_come_last_and_a_broken_run_ends_the_same(run_grpo, mixed, monkeypatch):
    from r1light.training.record import Record

    options = [*mixed, "stage.iterations=5", "stage.preference_updates=2", "stage.checkpoint_every=1"]
    whole, result = run_grpo("whole", *options)
    rows = metrics(whole)
    assert [rows[number]["phase/preference"] for number in range(1, 6)] == [0, 0, 0, 1, 1]
    for number in (1, 2, 3):
        assert rows[number]["sources/sums/groups"] == 4
        assert "sources/chat/reward" not in rows[number]
    late = [rows[number] for number in (4, 5)]
    assert sum(row.get("sources/chat/groups", 0) for row in late) > 0
    assert not any("sources/chat/accuracy" in row for row in late)
    assert rows[3]["rewards/helpfulness/abstain_rate"] == 1
    assert any(row["rewards/helpfulness/abstain_rate"] < 1 for row in late)
    assert any(row.get("alarm/reward_hacking") == 0 for row in late)
    assert 0 < result.metrics["after/unjudged"] < 1

    real = Record._write

    def dies(self, done, groups, row):
        if done.number == 4:
            raise RuntimeError("the machine went down")
        real(self, done, groups, row)

    monkeypatch.setattr(Record, "_write", dies)
    with pytest.raises(RuntimeError, match="went down"):
        run_grpo("broken", *options)
    monkeypatch.setattr(Record, "_write", real)
    broken, _ = run_grpo("broken", *options)
    assert metrics(broken) == rows
    one, two = (load_file(folder.model / "model.safetensors") for folder in (whole, broken))
    assert all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.slow
def test_a_schedule_without_problems_for_reward_models_is_refused_in_one_line(run_grpo):
    with pytest.raises(DataError, match=r"^stage.preference_updates is set, and none of the 64 problems"):
        run_grpo("refused", "stage.iterations=4", "stage.preference_updates=2")


@pytest.mark.slow
def test_problems_that_are_never_drawn_need_no_reward_models(run_grpo, mixed):
    without = [override for override in mixed if not override.startswith("reward")]
    folder, result = run_grpo(
        "rules", *without, "reward=r1_zero", "stage.iterations=2", "stage.preference_updates=0"
    )
    assert result.metrics["iterations"] == 2
    assert all("sources/chat/groups" not in row for row in metrics(folder).values())
