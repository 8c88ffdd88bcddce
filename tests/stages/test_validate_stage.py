"""stage=validate in this process: what it finds in data that are broken on purpose."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

from r1light.config.compose import Source, compose_jobs
from r1light.config.validate import validate
from r1light.core.errors import ConfigError, DataError
from r1light.core.run_folder import RunFolder, read_jsonl
from r1light.stages import stage_module


@pytest.fixture
def check(tmp_path):
    """Validate; returns the folder and the metrics, and the error where there is one."""

    def run(*overrides):
        (plain,) = compose_jobs(["stage=validate", *overrides], Source(), multirun=False).jobs
        config = validate(plain, stage_module)
        folder = RunFolder(tmp_path / "run")
        folder.path.mkdir(exist_ok=True)
        folder.config.write_text(yaml.safe_dump(config.resolved))
        error = None
        try:
            stage_module("validate").run(config, folder)
        except DataError as raised:
            error = str(raised)
        return folder, json.loads(folder.result.read_text())["metrics"], error

    return run


@pytest.fixture
def files(tmp_path):
    """Write train.jsonl and test.jsonl; returns the overrides that name them."""

    def write(train, test):
        for name, rows in (("train", train), ("test", test)):
            lines = [json.dumps({"prompt": prompt, "answer": answer}) + "\n" for prompt, answer in rows]
            (tmp_path / f"{name}.jsonl").write_text("".join(lines))
        return (
            "data=jsonl",
            "data.grader=exact",
            f"data.path={tmp_path / 'train.jsonl'}",
            f"data.test_path={tmp_path / 'test.jsonl'}",
        )

    return write


SOUND = [(f"What is the name of thing number {i} in the list?", f"thing {i}") for i in range(12)]


def test_sound_data_pass_and_the_run_folder_says_so(check, files, capsys):
    folder, metrics, error = check(*files(SOUND[:8], SOUND[8:]))
    assert error is None
    assert (metrics["train/gold_checked"], metrics["test/gold_checked"]) == (8, 4)
    assert (metrics["train/gold_failures"], metrics["train/wrong_passes"]) == (0, 0)
    assert (metrics["train/wrong_checked"], metrics["train/problems"]) == (8, 8)
    assert "gold answers without full marks" in capsys.readouterr().out
    assert "Check of data=jsonl" in folder.report.read_text()


def test_everything_that_is_broken_is_found_and_named(check, files):
    train = [
        *SOUND[:6],
        ("Unreadable?", "..."),  # `exact` finds nothing in it
        SOUND[0],  # a duplicate
        (SOUND[1][0].upper(), "another answer"),  # a duplicate with another answer
        ("一共有多少个苹果和梨子？", "5"),  # not in English
        ("word " * 1100, "6"),  # 1,100 words do not fit into 1,024 tokens
    ]
    test = [
        SOUND[2],  # trained on
        # 12 words make 3 10-grams; "What is the name of thing number 3 in the list" is 11, and 2 of them
        (f"{SOUND[3][0]} Please", "7"),
        ("Nothing like any of the others", "8"),
    ]
    folder, metrics, error = check(*files(train, test), "data.language=en")
    expected = {
        "train/gold_failures": 1,
        "train/duplicates": 2,
        "train/conflicts": 1,
        "train/foreign": 1,
        "train/too_long": 1,
        "test/overlap_exact": 1,
        "test/overlap_near": 2,
        "test/overlap_any": 2,
    }
    assert {name: metrics[name] for name in expected} == expected
    for option in ("gold_failures", "duplicates", "conflicts", "foreign", "too_long", "overlap"):
        assert f"stage.max_{option}=" in error
    assert len(error.splitlines()) == 1
    rows = {(row["check"], row["split"]): row for row in read_jsonl(folder.samples)}
    assert rows["gold_failures", "train"]["problem"] == "train/train/7"
    assert (
        "accuracy fails: problem 'train/train/7' has no reference answer"
        in rows["gold_failures", "train"]["detail"]
    )
    assert rows["overlap_near", "test"]["detail"].startswith("67% of its 10-grams; nearest train/train/4")
    report = folder.report.read_text()
    assert "FAIL" in report
    assert "train/train/7" in report


def test_a_reward_that_takes_any_answer_is_refused(check, files):
    _, metrics, error = check(*files(SOUND[:8], SOUND[8:]), "reward=format")
    assert metrics["train/wrong_passes"] == 8
    assert "8 of 8 wrong answers that earn as much (100.00%, and stage.max_wrong_passes=0.003)" in error


def test_what_evaluation_data_hold_is_counted_and_has_a_threshold(check, files, tmp_path):
    evaluation = tmp_path / "evaluation.jsonl"
    evaluation.write_text(json.dumps({"question": f"Well, {SOUND[3][0]}"}) + "\n")
    overrides = (*files(SOUND[:8], SOUND[8:]), f"data.decontaminate.against=[{evaluation}]")
    folder, metrics, error = check(*overrides)
    assert (metrics["train/contaminated"], metrics["train/problems"]) == (1, 8)
    assert "1 of 8 problems that have something of evaluation data (12.50%, and stage.max_cont" in error
    row = next(row for row in read_jsonl(folder.samples) if row["check"] == "contaminated")
    assert row["detail"] == f"'what is the name of thing number 3 in the' of {evaluation}:1"
    assert check(*overrides, "stage.max_contaminated=0.2")[2] is None


def test_thresholds_are_options_and_shares(check, files):
    rows = [*SOUND[:8], SOUND[0]]
    assert "max_duplicates=0.01" in check(*files(rows, SOUND[8:]))[2]
    assert check(*files(rows, SOUND[8:]), "stage.max_duplicates=0.2")[2] is None
    with pytest.raises(ConfigError, match=r"stage: max_duplicates=3\.0 must be a share"):
        check(*files(rows, SOUND[8:]), "stage.max_duplicates=3")


@pytest.mark.parametrize("data", ["arithmetic", "countdown", "mixture"])
def test_the_generated_sources_are_sound(check, data):
    small = {
        "mixture": [
            f"data.sources.{name}.{size}"
            for name in ("sums", "countdown")
            for size in ("train_size=80", "test_size=20")
        ],
    }.get(data, ["data.train_size=80", "data.test_size=20"])
    _, metrics, error = check(f"data={data}", *small)
    assert error is None
    assert metrics["train/gold_checked"] == metrics["train/problems"] >= 80
    assert metrics["train/unchecked"] == metrics["train/gold_failures"] == metrics["train/wrong_passes"] == 0


def test_what_cannot_be_checked_is_said(check, files, caplog):
    rows = [(prompt, None) for prompt, _ in SOUND]
    _, metrics, error = check(*files(rows[:8], rows[8:]), "data.columns.answer=null")
    assert error is None
    assert (metrics["train/unchecked"], metrics["train/gold_checked"]) == (8, 0)
    assert "train: the gold answers of 8 of 8 problems cannot be checked" in caplog.text
    assert (
        "max_unchecked=0"
        in check(*files(rows[:8], rows[8:]), "data.columns.answer=null", "stage.max_unchecked=0")[2]
    )


def test_without_held_out_problems_the_rest_is_checked(check, files, caplog):
    overrides = [each for each in files(SOUND, SOUND) if "test_path" not in each]
    _, metrics, error = check(*overrides, "data.test_share=0")
    assert error is None
    assert "there is no test split" in caplog.text
    assert not any(name.startswith("test/") for name in metrics)


def test_a_sample_of_the_gold_answers_is_enough_if_asked_for(check, files):
    _, metrics, _ = check(*files(SOUND[:8], SOUND[8:]), "stage.check_problems=3")
    assert (metrics["train/gold_checked"], metrics["test/gold_checked"], metrics["train/problems"]) == (
        3,
        3,
        8,
    )


@pytest.mark.slow
@pytest.mark.skipif("R1LIGHT_SHARED_DATA" not in os.environ, reason="needs R1LIGHT_SHARED_DATA")
def test_real_data(check):
    data = Path(os.environ["R1LIGHT_SHARED_DATA"])
    _, metrics, error = check(
        "data=gsm8k", f"data.path={data / 'gsm8k/train.jsonl'}", f"data.test_path={data / 'gsm8k/test.jsonl'}"
    )
    assert error is None
    # 9 of 1,319 held-out problems share a 10-gram with training, and none stands there
    assert (metrics["test/overlap_any"], metrics["test/overlap_exact"]) == (9, 0)
    assert metrics["train/gold_failures"] + metrics["test/gold_failures"] == 0
