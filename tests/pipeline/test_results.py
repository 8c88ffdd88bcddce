import json

import pytest

from r1light.config.pipeline_schema import InputSpec
from r1light.core.errors import ConfigError, WorkerError
from r1light.core.run_folder import RunFolder, StageResult
from r1light.pipeline.graph import build_graph
from r1light.pipeline.references import Reference, replaced
from r1light.pipeline.results import (
    check_inputs,
    check_readers,
    headline,
    lookup,
    placed,
    read_result,
    stand_in,
)

READS = {
    "options": {
        "model": {"path": "${output:zero.model}"},
        "stage": {"flops": "${metric:zero.flops}", "input": "${input:rows}"},
    }
}


@pytest.fixture
def graph(pipeline):
    steps = {"zero": {"each_seed": False}, "eval": READS}
    return build_graph(pipeline(steps, inputs={"rows": {"what": "a file of rows"}}), [1, 2])


@pytest.fixture
def folders(graph):
    return {instance.key: instance.folder for instance in graph}


def finish(folder, metrics, **outputs):
    folder.path.mkdir(parents=True, exist_ok=True)
    folder.save_result(StageResult("grpo", metrics, outputs))
    return folder


def test_references_stand_for_what_the_step_that_serves_all_seeds_handed_on(tmp_path, graph, folders):
    finish(RunFolder(tmp_path / "steps/zero/seed-1"), {"flops": 3e15}, model=str(tmp_path))
    second = next(instance for instance in graph if instance.key == "eval@2")
    assert replaced(second.spec.options, lookup(tmp_path, second, folders, {"rows": "r.jsonl"})) == {
        "model": {"path": str(tmp_path)},
        "stage": {"flops": 3_000_000_000_000_000, "input": "r.jsonl"},
    }


def test_before_anything_has_run_likely_values_stand_there(tmp_path, graph, folders):
    find = stand_in(tmp_path, graph[-1], folders, {})
    assert replaced(graph[-1].spec.options, find) == {
        "model": {"path": f"{tmp_path}/steps/zero/seed-1/model"},
        "stage": {"flops": 1, "input": "<rows>"},
    }


def test_what_is_read_and_not_handed_on_is_named_with_what_there_is(graph):
    check_readers("zero@1", StageResult("grpo", {"flops": 1.0}, {"model": "m"}), graph)
    check_readers("eval@1", StageResult("score"), graph)  # nobody reads it
    with pytest.raises(ConfigError) as caught:
        check_readers("zero@1", StageResult("grpo", {"flop": 1.0}, {"model": "m"}), graph)
    assert str(caught.value) == (
        "pipeline.steps.eval: ${metric:zero.flops}: unknown metric of zero 'flops'; did you mean 'flop'? "
        "Known: flop"
    )
    with pytest.raises(ConfigError, match=r"unknown output of zero 'model'\. Known: none"):
        check_readers("zero@1", StageResult("grpo", {"flops": 1.0}), graph)


@pytest.mark.parametrize("text", ["", "{", "{}", '{"stage": 1, "metrics": 1, "outputs": {}}'])
def test_a_broken_result_is_an_error(tmp_path, text):
    with pytest.raises(WorkerError, match="absent or broken"):
        read_result(RunFolder(tmp_path))
    (tmp_path / "result.json").write_text(text)
    with pytest.raises(WorkerError, match="absent or broken"):
        read_result(RunFolder(tmp_path))


def test_an_output_is_found_where_the_folder_was_moved_to(tmp_path):
    folder = RunFolder(tmp_path / "new" / "steps" / "zero" / "seed-0")
    folder.model.mkdir(parents=True)
    assert placed("old/steps/zero/seed-0/model", folder) == str(folder.model)
    assert placed("old/steps/other/seed-0/model", folder) == "old/steps/other/seed-0/model"
    assert placed("Qwen/Qwen2.5-3B", folder) == "Qwen/Qwen2.5-3B"
    assert placed(str(tmp_path), folder) == str(tmp_path)


def test_inputs_are_asked_for_before_anything_runs(graph, tmp_path):
    spec = InputSpec(what="a file of rows")
    with pytest.raises(ConfigError) as caught:
        check_inputs({"rows": spec}, graph)
    assert str(caught.value) == "step eval needs a file of rows; set pipeline.inputs.rows.path=..."
    check_inputs({"rows": spec}, graph[:1])  # zero reads none
    with pytest.raises(ConfigError, match=r"rows.path=no.jsonl: there is no such file"):
        check_inputs({"rows": InputSpec(what="rows", path="no.jsonl")}, graph)
    check_inputs({"rows": InputSpec(what="rows", path="some/hub-name")}, graph)


def test_the_headline_is_accuracy_where_there_is_one():
    assert (
        headline(StageResult("a", {"reward": 1.0, "after/pass@1": 0.5, "pass@1": 0.25})) == "after/pass@1 0.5"
    )
    assert headline(StageResult("a", {"kept": 8})) == "kept 8"
    assert headline(StageResult("a", {"other": 8})) == ""


def test_a_reference_is_that_of_one_instance(graph):
    assert graph[-1].source(Reference("metric", "zero", "flops")) == "zero@1"
    assert json.dumps(graph[-1].needs) == '["zero@1"]'
