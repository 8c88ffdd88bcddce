import json

import pytest

from r1light.core.run_folder import RunFolder, StageResult
from r1light.pipeline import reuse
from r1light.pipeline.graph import build_graph
from r1light.pipeline.records import FILE, begin_record, earlier_rows, is_whole, read_record
from r1light.pipeline.summary import step_outputs


@pytest.fixture
def graph(pipeline):
    return build_graph(pipeline({"zero": {"title": "R1-Zero"}, "eval": {"after": ["zero"]}}), [4])


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path)


def finish(folder, path, **outputs):
    own = RunFolder(folder.path / path)
    own.path.mkdir(parents=True)
    reuse.write_mark(own, reuse.Mark({}, reuse.Code("", {}), {}, finished=True))
    own.save_result(StageResult("score", {}, outputs))


def plain(folder):
    return json.loads((folder.path / FILE).read_text())


def test_the_file_has_every_step_at_once_and_follows_each_change(folder, graph):
    record = begin_record(folder, {"name": "p", "seeds": [4]}, graph, {"zero", "eval"})
    assert plain(folder)["name"] == "p"
    assert plain(folder)["steps"][1] == {
        "key": "eval@4", "name": "eval", "seed": 4, "stage": "score", "title": "",
        "folder": "steps/eval/seed-4", "needs": ["zero@4"], "state": "waiting", "reused": False,
        "why": "", "started": None, "seconds": None, "overrides": [],
    }  # fmt: skip
    record.update("zero@4", state="running", seconds=1.5)
    assert plain(folder)["steps"][0]["state"] == "running"
    assert record.row("zero@4").seconds == 1.5


def test_times_of_an_earlier_session_are_kept_and_added_to(folder, graph, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("r1light.pipeline.records.time.monotonic", lambda: clock[0])
    record = begin_record(folder, {}, graph, {"zero", "eval"})
    clock[0] += 2.5
    record.update("zero@4", state="running", started="2026-01-01T00:00:00+00:00", seconds=2.0)
    record = begin_record(folder, {}, graph, {"zero", "eval"})  # it was killed
    assert record.row("zero@4").state == "waiting"
    assert record.row("zero@4").seconds == 2.0
    clock[0] += 1.0
    assert record.wall_seconds == 3.5  # 2.5 + 1.0


def test_a_step_that_is_left_out_is_done_where_it_was_finished(folder, graph):
    finish(folder, "steps/zero/seed-4")
    record = begin_record(folder, {}, graph, {"eval"})
    assert [(row.state, row.reused) for row in record.rows] == [("done", True), ("waiting", False)]
    record = begin_record(folder, {}, graph, {"zero"})
    assert [row.state for row in record.rows] == ["waiting", "left_out"]


def test_it_is_whole_when_all_steps_are_done_and_it_has_a_result(folder, graph):
    assert not is_whole(folder)
    record = begin_record(folder, {}, graph, {"zero", "eval"})
    folder.save_result(StageResult("pipeline"))
    assert not is_whole(folder)
    record.update("zero@4", state="done")
    record.update("eval@4", state="left_out")
    assert not is_whole(folder)
    record.update("eval@4", state="done")
    assert is_whole(folder)
    folder.result.unlink()
    assert not is_whole(folder)


@pytest.mark.parametrize("text", ["{", "[]", '{"steps": [{"x": 1}, 3]}'])
def test_a_damaged_file_tells_nothing(folder, graph, text):
    (folder.path / FILE).write_text(text)
    assert earlier_rows(folder) == []
    assert begin_record(folder, {}, graph, {"zero"}).wall_seconds < 60
    assert len(read_record(folder)["steps"]) == 2


def test_models_are_handed_on_by_name_and_the_storys_last_one_is_the_model(folder, graph):
    finish(folder, "steps/zero/seed-4", model="m")
    record = begin_record(folder, {}, graph, {"eval"})
    assert step_outputs(folder, record.rows, ["zero", "eval"]) == {"zero": "m", "model": "m"}
    assert step_outputs(folder, record.rows, []) == {"zero": "m"}
