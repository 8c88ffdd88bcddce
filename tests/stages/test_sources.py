"""The rows of a run's data source, and what is left out of them."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from r1light.config.compose import Source, compose_jobs
from r1light.config.schema import Decontamination, RewardSpec
from r1light.config.validate import validate
from r1light.core.errors import ConfigError, DataError, ModelError, UnknownNameError
from r1light.core.registry import Entry, Registry, registry
from r1light.core.types import Problem
from r1light.data.jsonl import Jsonl
from r1light.rewards.preference import ModelConfig
from r1light.stages import sources, stage_module
from r1light.stages.sources import build_rows, check_preferences

TEN = "one two three four five six seven eight nine ten"


@pytest.fixture(scope="module")
def composed():
    lines = ["stage=grpo", "data=arithmetic", "data.train_size=40", "data.test_size=8"]
    lines.append("data.decontaminate.against=[arithmetic]")
    (plain,) = compose_jobs(lines, Source(), multirun=False).jobs
    return validate(plain, stage_module)


@pytest.fixture
def problems(tmp_path, composed):
    """Four problems to train on, and the run's configuration with that against which they are held."""
    path = tmp_path / "train.jsonl"
    prompts = ["Compute 1+1", f"Say {TEN}", "What is new?", f"Again {TEN}!"]
    path.write_text("".join(json.dumps({"prompt": each, "answer": "2"}) + "\n" for each in prompts))

    def configured(*against, columns=None):
        spec = replace(
            composed.data,
            name="jsonl",
            config=Jsonl.Config(path=str(path), test_share=0.0),
            decontaminate=Decontamination(tuple(str(each) for each in against), columns),
        )
        return replace(composed, data=spec)

    return configured


def ids(rows):
    return [row.id.rpartition("/")[2] for row in rows]


def test_a_file_keeps_training_rows_out_and_the_log_names_them(problems, tmp_path, caplog):
    test = tmp_path / "test.jsonl"
    test.write_text(json.dumps({"question": "compute 1+1", "notes": TEN}) + "\n")
    assert ids(build_rows(problems(test), "train")) == ["3"]
    assert "3 of 4 training rows are left out" in caplog.text
    assert f"left out: train/train/2, for '{TEN}' of {test}:1" in caplog.text
    assert f"most often, in 2 of them, for '{TEN}'" in caplog.text
    assert ids(build_rows(problems(test, columns=("question",)), "train")) == ["2", "3", "4"]
    assert ids(build_rows(problems(test), "train", as_they_are=True)) == ["1", "2", "3", "4"]


def test_columns_that_no_row_has_are_refused(problems, tmp_path):
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    one.write_text(json.dumps({"question": TEN}) + "\n")
    two.write_text(json.dumps({"solution": TEN}) + "\n")
    assert ids(build_rows(problems(one, two, columns=("question", "solution")), "train")) == ["1", "3"]
    with pytest.raises(DataError, match=r"no row of data\.decontaminate\.against has a column 'answr'"):
        build_rows(problems(one, columns=("question", "answr")), "train")
    with pytest.raises(DataError, match=r"no row of .*two\.jsonl has a column 'question'; name those"):
        build_rows(problems(one, two, columns=("question",)), "train")


def test_a_data_source_by_name_is_its_test_split(composed):
    # the split of a sum hangs on the sum, so a source has nothing of its own test split
    assert len(build_rows(composed, "train")) == 40
    spec = {"against": ["arithmetic"], "columns": None, "data_dir": None}
    assert composed.resolved["data"]["decontaminate"] == spec


def test_a_task_by_name(problems, monkeypatch):
    tasks = Registry("tasks", [Entry("tasks", "riddles", f"{__name__}:Riddles", "here")])
    monkeypatch.setattr(sources, "registry", lambda group: tasks if group == "tasks" else registry(group))
    monkeypatch.setattr("r1light.config.validate.registry", sources.registry)
    assert ids(build_rows(problems("riddles"), "train")) == ["1", "2", "4"]


def test_a_task_of_a_file_is_held_against_by_its_questions_alone(problems, tmp_path):
    ask = "Please reason step by step, and put your final answer within \\boxed{}."
    lines = [f"Of {TEN}? {ask}", f"What is new? {ask}"]
    (tmp_path / "train.jsonl").write_text(
        "".join(json.dumps({"prompt": each, "answer": "2"}) + "\n" for each in lines)
    )
    (tmp_path / "aime24.jsonl").write_text(json.dumps({"problem": f"Now {TEN}", "answer": "7"}) + "\n")
    config = problems("aime24")
    here = replace(config.data.decontaminate, data_dir=str(tmp_path))
    config = replace(config, data=replace(config.data, decontaminate=here))
    assert ids(build_rows(config, "train")) == ["2"]
    (tmp_path / "aime24.jsonl").unlink()
    with pytest.raises(DataError, match=r"against=aime24: name the folder .*data_dir=.* has none of aime24"):
        build_rows(config, "train")


class Riddles:
    """An evaluation task: problems, and no options."""

    def __init__(self, split):
        assert split == "test"

    def __iter__(self):
        yield Problem("r/1", "What is new?", "exact", "this")


@pytest.mark.parametrize(
    ("against", "error", "message"),
    [
        ("nowhere.jsonl", ConfigError, "against=nowhere.jsonl: there is no such file or folder"),
        ("gsm8", UnknownNameError, "entry of data.decontaminate.against 'gsm8'; did you mean 'gsm8k'"),
        ("code", ConfigError, "against=code: code cannot do without options of its own; give the file"),
    ],
)  # fmt: skip
def test_what_cannot_be_held_against_is_refused(problems, against, error, message):
    with pytest.raises(error, match=message):
        build_rows(problems(against), "train")


def test_rows_that_all_go_are_an_error_that_shows_why(problems, tmp_path):
    test = tmp_path / "test.jsonl"
    lines = [{"text": TEN}, {"question": "Compute 1+1"}, {"question": "What is new?"}]
    test.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(DataError, match=f"every one of 4 rows has something .*, such as '{TEN}'"):
        build_rows(problems(test), "train")
    test.write_text("")
    with pytest.raises(DataError, match=r"test.jsonl has no rows"):
        build_rows(problems(test), "train")


@pytest.mark.parametrize("values", [{"against": ("",)}, {"columns": ()}])
def test_options_that_mean_nothing_are_refused(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        Decontamination(**values)


@pytest.mark.slow
@pytest.mark.skipif("R1LIGHT_SHARED_DATA" not in os.environ, reason="needs R1LIGHT_SHARED_DATA")
def test_real_data(problems, composed):
    data = Path(os.environ["R1LIGHT_SHARED_DATA"])
    config = problems(data / "gsm8k" / "test.jsonl", columns=("question",))
    train = Jsonl.Config(
        path=str(data / "gsm8k" / "train.jsonl"), test_share=0.0,
        columns=replace(config.data.config.columns, prompt="question", answer=None),
    )  # fmt: skip
    config = replace(config, data=replace(config.data, config=train))
    everything = build_rows(config, "train", as_they_are=True)
    assert len(everything) == 7473
    left = build_rows(config, "train")
    questions = [
        json.loads(line)["question"] for line in (data / "gsm8k/test.jsonl").read_text().splitlines()
    ]
    assert {row.id for row in everything} - {row.id for row in left} == shared(everything, questions)


def shared(rows, questions):
    """Ids of the rows with ten words of a question, counted another way: by tuples of words."""
    import re
    import unicodedata

    def tens(text):
        plain = unicodedata.normalize("NFKC", text).casefold()
        found = re.findall(r"[^\W_]+", plain)
        return set(zip(*(found[start:] for start in range(10)), strict=False))

    seen = set().union(*map(tens, questions))
    return {row.id for row in rows if tens(row.prompt) & seen}


def test_a_reward_model_that_is_not_there_ends_a_run_before_it_trains(composed, tmp_path):
    sum_, chat = (
        Problem("s", "2+3?", "5", "exact"),
        Problem("c", "Hello?", None, "none", meta={"preference": "helpful"}),
    )
    path = tmp_path / "model"
    spec = RewardSpec("helpfulness", "helpfulness", config=ModelConfig(str(path)))
    config = replace(composed, reward=replace(composed.reward, components=(spec,)))
    check_preferences(config, [sum_])
    with pytest.raises(ModelError, match=r"components\.helpfulness\.path: .*no directory of that name"):
        check_preferences(config, [sum_, chat])
    path.mkdir()
    said = {"architectures": ["Qwen2ForSequenceClassification"], "id2label": {"0": "safe"}}
    (path / "config.json").write_text(json.dumps(said))
    with pytest.raises(ConfigError, match="is a reward model of 'safe', not of 'helpful'"):
        check_preferences(config, [sum_, chat])
    (path / "config.json").write_text(json.dumps(said | {"id2label": {"0": "helpful"}}))
    check_preferences(config, [sum_, chat])
