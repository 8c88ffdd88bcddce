from __future__ import annotations

import json
import subprocess
import sys
from functools import cache

import pytest
from omegaconf import OmegaConf

from r1light.config.compose import Source, compose_jobs
from r1light.config.pipeline_schema import InputSpec, StepSpec
from r1light.config.validate import validate
from r1light.pipeline.plan import PlannedStep, duration, plan_lines
from r1light.stages import stage_module

INPUTS = {
    "rows": InputSpec(what="rows to learn from"),
    "base": InputSpec(what="the base", path="Qwen/Qwen2.5-32B"),
    "unread": InputSpec(what="nobody reads it"),
}


@pytest.fixture(autouse=True)
def references():
    """References are given back as they are written."""
    for kind in ("output", "input"):
        back = "${" + kind + ":{}}"
        OmegaConf.register_new_resolver(
            kind, lambda word, back=back: back.replace("{}", word, 1), replace=True
        )


@cache
def composed(*words):
    (plain,) = compose_jobs(words, Source(), multirun=False).jobs
    return validate(plain, stage_module)


def planned(key, *words, state="waiting", needs=(), options=None, **spec):
    config = composed(*words)
    step = StepSpec(stage=config.stage_name, options=options or {}, **spec)
    return PlannedStep(key, step, config, tuple(needs), state)


def table(lines):
    """The table's rows by step, cut at two spaces and more."""
    rows = [line for line in lines[: lines.index("")] if not line.startswith(" ")]
    return {row.split()[0]: [cell.strip() for cell in row.split("  ") if cell.strip()] for row in rows}


GRPO = ("stage.iterations=2", "stage.prompts_per_iteration=4", "stage.group_size=2", "trainer.threads=1")


def test_a_row_says_stage_memory_time_and_what_is_read():
    steps = [
        planned("zero@0", *GRPO, title="R1-Zero"),
        planned("zero_eval@0", "stage=evaluate", "model.path=${output:zero.model}", needs=["zero@0"],
                options={"model": {"path": "${output:zero.model}"}, "data": {"path": "${input:rows}"}}),
    ]  # fmt: skip
    lines = plan_lines(steps, INPUTS)
    assert lines[0].split() == ["step", "seeds", "stage", "memory", "time"]
    rows = table(lines)
    assert rows["zero"][1:3] == ["0", "grpo"]
    assert rows["zero"][3].endswith("MB")
    assert rows["zero"][4].endswith("s")
    assert "    R1-Zero: reads nothing" in lines
    assert "    reads zero; absent inputs rows" in lines
    # the evaluated model is as large as the one that zero began with: 0.9M parameters, and 256 completions of
    # its 1,024 tokens x 512 numbers x 4 bytes = 0.54 GB; with three times 3.5 MB of weights 0.55
    assert rows["zero_eval"][3] == "0.6 GB"


def test_seeds_share_a_row_and_all_count_in_the_total():
    steps = [planned(f"zero@{seed}", *GRPO, minutes=30) for seed in (0, 1, 2)]
    lines = plan_lines(steps, {})
    assert table(lines)["zero"][1] == "0,1,2"
    # 3 x 30 minutes
    assert any(line.startswith("in all: 3 steps to run, 1.5 h one after another") for line in lines)


def test_a_measured_time_wins():
    lines = plan_lines([planned("zero@0", *GRPO, minutes=2)], {})
    assert "2 min measured" in table(lines)["zero"]
    assert not any("estimates" in line for line in lines)


def test_states_are_said_and_what_is_done_is_not_counted():
    steps = [
        planned("a@0", *GRPO, minutes=30, state="done"),
        planned("b@0", *GRPO, minutes=60, state="left_out"),
        planned("c@0", *GRPO, minutes=90),
    ]
    lines = plan_lines(steps, {})
    assert [table(lines)[name][-1] for name in "ab"] == ["done", "left out"]
    assert any("1 step to run (2 done or left out), 1.5 h" in line for line in lines)


def test_the_batches_of_training_stand_in_words_and_numbers():
    steps = [
        planned("a@0", *GRPO),
        planned("b@0", *GRPO),
        planned("fine@0", "stage=sft", "data.path=${input:rows}", "stage.epochs=3", "stage.batch_size=4"),
    ]
    text = "\n".join(plan_lines(steps, INPUTS))
    # 4 problems x 2 completions; the two steps of the same numbers stand together
    assert "a, b:\n    an iteration: 4 problems x 2 completions = 8 completions" in text
    assert "fine:\n    rows (how many is not known yet) x 3 epochs / 4 an update" in text


def test_rows_of_an_input_are_counted(tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps({"prompt": "2+3?", "completion": "5"}) + "\n" for _ in range(50)))
    options = {"data": {"path": "${input:rows}"}}
    words = (
        "stage=sft",
        "data.path=${input:rows}",
        "data.test_share=0",
        "stage.epochs=2",
        "stage.batch_size=8",
    )
    inputs = {"rows": InputSpec(what="rows", path=str(file))}
    text = "\n".join(plan_lines([planned("fine@0", *words, options=options)], inputs))
    # 2 x 50 / 8 = 12.5, the last of 4 rows
    assert "50 rows x 2 epochs / 8 an update = 13 updates" in text
    assert "missing" not in text


@pytest.mark.parametrize("path", ["${output:draw.data}", "/runs/p/steps/draw/seed-0/data"])
def test_rows_of_an_earlier_step_are_bounded(path):
    draw = planned(
        "draw@0", "stage=sample", "data=countdown", "data.train_size=10", "stage.curation=rejection"
    )
    fine = planned("fine@0", "stage=sft", f"data.path={path}", "data.test_share=0", "stage.batch_size=8")
    text = "\n".join(plan_lines([draw, fine], {}))
    # 10 problems x 4 completions, of which 4 are kept: 40 rows x 2 / 8
    assert "at most 40 rows x 2 epochs / 8 an update = at most 10 updates" in text


def test_a_file_of_rows_that_is_not_there_is_missing_too(tmp_path):
    inputs = {"rows": InputSpec(what="rows to learn from", path=str(tmp_path / "rows.jsonl"))}
    steps = [PlannedStep("a@0", StepSpec(stage="sft", options={"data": {"path": "${input:rows}"}}), None)]
    told = " ".join("\n".join(plan_lines(steps, inputs)).split())
    assert told.endswith(
        f"missing: rows: rows to learn from; there is no file {tmp_path}/rows.jsonl; "
        "give pipeline.inputs.rows.path=..."
    )
    (tmp_path / "rows.jsonl").write_text("{}\n")
    assert "missing" not in "\n".join(plan_lines(steps, inputs))


def test_what_is_missing_is_said_once():
    options = {"data": {"path": "${input:rows}"}, "stage": {"chain": ["${input:rows}"]}}
    step = PlannedStep("a@0", StepSpec(stage="sft", options=options), None)
    lines = plan_lines([step, step], INPUTS)
    missing = [line for line in lines if line.startswith("missing")]
    assert missing == ["missing: rows: rows to learn from; give pipeline.inputs.rows.path=..."]
    assert step.inputs == ("rows",)


def test_a_step_that_is_left_out_misses_nothing():
    step = PlannedStep("a@0", StepSpec(stage="sft", options={"x": "${input:rows}"}), None, state="left_out")
    assert not any("missing" in line for line in plan_lines([step], INPUTS))


def test_a_step_without_a_configuration_is_listed():
    lines = plan_lines([PlannedStep("a@0", StepSpec(stage="sft"), None)], {})
    assert table(lines)["a"] == ["a", "0", "sft", "?", "?"]
    assert any("besides 1 step whose time is not known yet" in line for line in lines)


def test_accelerators_are_counted_and_too_much_memory_is_marked():
    words = ("experiment=r1_zero", "data.path=x", "model.path='<base>'")
    lines = plan_lines([planned("zero@0", *words, devices=8)], INPUTS, accelerator="NVIDIA H200")
    row = table(lines)["zero"]
    assert row[3].endswith("GB x 8")
    assert row[-1] == "too much memory"
    assert any("device hours) on H200" in line for line in lines)
    assert any("8192 completions of at most 32768 tokens, 1024 a device" in line for line in lines)
    # the same on the paper's devices, where this machine has none
    assert any("on H800" in line for line in plan_lines([planned("zero@0", *words)], INPUTS))


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(None, "?"), (89.4, "89 s"), (90, "2 min"), (5399, "90 min"), (5400, "1.5 h"), (172_800, "2.0 d")],
)
def test_durations(seconds, told):
    assert duration(seconds) == told


def test_lines_are_no_wider_than_a_page():
    inputs = {"rows": InputSpec(what="rows " * 50)}
    step = PlannedStep("a@0", StepSpec(stage="sft", title="t " * 99, options={"x": "${input:rows}"}), None)
    assert max(map(len, plan_lines([step], inputs))) <= 110


def test_no_torch_is_imported():
    code = "import sys, r1light.pipeline.plan; print('torch' in sys.modules, 'lightning' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["False", "False"]
