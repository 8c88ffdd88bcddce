"""Rewards in real GRPO runs on the miniature base: functions of other trainers, errors, hangs, refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from r1light.core.errors import ConfigError, RewardError
from r1light.core.run_folder import read_jsonl

PUBLISHED = Path(__file__).parents[1] / "rewards" / "published_functions.py"


def component(key, name, function, *options):
    path = f"reward.components.{key}"
    return [f"{path}.name={name}", f"{path}.function={function}", *(f"{path}.{option}" for option in options)]


def test_reward_functions_of_trl_and_verl_train_unchanged(run_grpo):
    folder, _ = run_grpo(
        "foreign",
        "stage.iterations=2",
        *component("tokens", "trl", f"{PUBLISHED}:by_tokens", "weight=0.01"),
        *component("chat", "trl", f"{PUBLISHED}:chat_format", "form=chat"),
        *component("reference", "trl", f"{PUBLISHED}:same_as_reference"),
        *component("remote", "trl", f"{PUBLISHED}:remote"),
        *component("logs", "trl", f"{PUBLISHED}:logs", "weight=0"),
        *component("strict", "verl", f"{PUBLISHED}:strict_score"),
        *component("more", "verl", f"{PUBLISHED}:score_and_more", "deadline=20"),
    )
    rows = [row for row in read_jsonl(folder.metrics) if row.get("iteration")]
    assert len(rows) == 2
    for row in rows:
        for name in ("tokens", "chat", "reference", "remote", "logs", "strict", "more"):
            assert row[f"rewards/{name}/error_rate"] == 0.0
            assert row[f"rewards/{name}/abstain_rate"] == 0.0
        # the same question asked by three: the parsed answer, TRL's function and verl's
        assert row["rewards/reference/mean"] == pytest.approx(row["rewards/accuracy/mean"], abs=0.13)
        assert row["rewards/tokens/mean"] == pytest.approx(row["completions/mean_length"])
        assert row["rewards/remote/mean"] == 1.0
    assert [row["rewards/logs/mean"] for row in rows] == [0.0, 1.0]  # trainer_state.global_step
    details = [
        sample["scores"]["more"]["detail"]
        for sample in read_jsonl(folder.samples)
        if "more" in sample.get("scores", {})
    ]
    assert details
    assert all("from=arithmetic" in detail for detail in details)


def test_a_function_that_fails_stops_the_run_with_its_traceback(run_grpo, tmp_path):
    (tmp_path / "mine.py").write_text(
        "def f(completions, **kwargs):\n    return [1 / 0 for _ in completions]\n"
    )
    with pytest.raises(RewardError) as caught:
        run_grpo("failing", "stage.iterations=20", *component("mine", "trl", f"{tmp_path}/mine.py:f"))
    assert "reward 'mine' failed on 4 of 4 samples" in str(caught.value)  # the first group
    assert 'mine.py", line 2' in str(caught.value)
    assert "ZeroDivisionError" in str(caught.value)


@pytest.mark.slow
def test_errors_within_the_bound_are_shown_and_their_samples_leave_the_statistics(run_grpo, tmp_path):
    code = (
        "def f(data_source, solution_str, ground_truth, extra_info=None):\n"
        "    if len(solution_str) % 2:\n        raise ValueError('odd')\n    return 1.0\n"
    )
    (tmp_path / "odd.py").write_text(code)
    folder, _ = run_grpo(
        "odd",
        "stage.iterations=2",
        "reward.max_error_rate=0.9",
        *component("odd", "verl", f"{tmp_path}/odd.py:f", "weight=0"),
    )
    rows = [row for row in read_jsonl(folder.metrics) if row.get("iteration")]
    for row in rows:
        assert 0 < row["rewards/odd/error_rate"] < 1
        assert row["rewards/odd/mean"] == 1.0  # of those that were scored
        assert row["groups/dropped_samples"] == pytest.approx(row["rewards/odd/error_rate"])
        assert row["rewards/accuracy/error_rate"] == 0.0


def test_a_function_that_hangs_ends_the_run(run_grpo, tmp_path):
    (tmp_path / "slow.py").write_text("import time\ndef f(completions):\n    time.sleep(600)\n")
    options = component("slow", "trl", f"{tmp_path}/slow.py:f", "deadline=0.3")
    with pytest.raises(RewardError, match=r"killed at its deadline of 0\.3 s, 3 times in a row"):
        run_grpo("hangs", "stage.iterations=2", "reward.max_error_rate=1", *options)


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["reward=trl"], "reward.components.trl.function is required; set reward.components.trl.function="),
        (["reward=verl"], "reward.components.verl.function is required"),
        (["reward=trl", "reward.components.trl.function=f"], "must be module:function or file.py:function"),
        (["reward=trl", "reward.components.trl.function=no/such.py:f"], "there is no file"),
        (["reward=overlong", "stage.algorithm=dapo"], "overlong completions are punished twice"),
        (["reward.deadline_s=0"], "reward: deadline_s=0.0 must be above 0 seconds, or null"),
        (["reward.components.accuracy.deadline=-1"], "deadline=-1.0 must be above 0 seconds, or null"),
        (["reward=language", "reward.components.language.language=xyzzy"], "ISO 639-1"),
    ],
)
def test_wrong_options_are_told_in_one_line(run_grpo, overrides, says):
    with pytest.raises(ConfigError) as caught:
        run_grpo("wrong", *overrides)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_reward_mixes_by_name(configure):
    def names(*overrides):
        return [(spec.key, spec.weight) for spec in configure(*overrides).reward.components]

    assert names("reward=r1_zero") == [("accuracy", 1.0), ("format", 1.0)]
    assert names("reward=r1_reasoning") == [("accuracy", 1.0), ("format", 1.0), ("language", 1.0)]
    paths = [f"reward.components.{name}.path=model" for name in ("helpfulness", "harmlessness")]
    assert names("reward=r1_all", *paths) == [
        ("accuracy", 1.0),
        ("format", 1.0),
        ("language", 1.0),
        ("helpfulness", 1.0),
        ("harmlessness", 1.0),
    ]


@pytest.mark.slow
def test_shaping_rewards_train(run_grpo):
    folder, _ = run_grpo(
        "shaped",
        "stage.iterations=1",
        "reward=length_cosine",
        "reward.components.overlong.weight=0.5",
        "reward.components.repetition.weight=0.5",
        "reward.components.language.language=en",
        "reward.components.helpfulness.path=none",  # never loaded: no problem here is for it
    )
    (row,) = [row for row in read_jsonl(folder.metrics) if row.get("iteration")]
    assert -1 <= row["rewards/length_cosine/mean"] <= 1
    assert row["rewards/overlong/mean"] <= 0
    assert row["rewards/repetition/mean"] <= 0
    assert 0 <= row["rewards/language/mean"] <= 1
    assert row["rewards/helpfulness/abstain_rate"] == 1.0
