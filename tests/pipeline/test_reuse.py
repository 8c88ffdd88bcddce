"""The rules by which a step is reused, one by one."""

import json

import pytest

from r1light.core.run_folder import RunFolder, StageResult
from r1light.pipeline import reuse
from r1light.pipeline.reuse import Code, decide, finish_mark, input_hashes, is_finished, make_mark

CODE = Code("abc", {"torch": "2.0", "plugin": "1.0"})


class Step:
    """A step in a folder, made of a configuration that tests change."""

    def __init__(self, path):
        self.root = path
        self.folder = RunFolder(path / "steps" / "one" / "seed-0")
        self.data = path / "rows.jsonl"
        self.data.write_text("{}\n")
        self.model = path / "steps" / "zero" / "seed-0" / "model"
        self.model.mkdir(parents=True)
        (self.model / "weights").write_bytes(b"1")
        self.config = {
            "stage": {"name": "sft", "lr": 0.1, "iterations": 5, "output": str(path / "scores.jsonl")},
            "data": {"path": str(self.data)},
            "model": {"path": str(self.model)},
            "trainer": {"threads": 1},
            "logger": {"api_key": "secret"},
        }
        self.code = CODE

    def mark(self):
        return make_mark(self.config, self.code, self.root)

    def begin(self):
        self.folder.path.mkdir(parents=True)
        reuse.write_mark(self.folder, self.mark())
        self.folder.log.write_text("a line\n")

    def finish(self):
        (self.root / "scores.jsonl").write_text("1\n")
        self.folder.save_result(StageResult("sft"))
        finish_mark(self.folder, self.config)

    def decide(self):
        return decide(self.folder, self.mark(), self.config)


@pytest.fixture
def step(tmp_path):
    return Step(tmp_path)


@pytest.fixture
def finished(step):
    step.begin()
    step.finish()
    return step


def test_a_step_that_has_not_run_is_run(step):
    assert step.decide().action == "run"
    step.folder.path.mkdir(parents=True)
    (step.folder.path / ".lock").touch()
    assert step.decide() == reuse.Decision("run", "it has not run yet")


def test_a_finished_step_of_which_nothing_changed_is_reused(finished):
    assert finished.decide().action == "reuse"
    assert is_finished(finished.folder)


def test_an_unfinished_step_is_gone_on_with(step):
    step.begin()
    assert step.decide().action == "go_on"
    (step.root / "scores.jsonl").write_text("half")  # what it has written so far is no input
    assert step.decide().action == "go_on"
    assert not is_finished(step.folder)


def test_iterations_count_though_the_stages_own_fingerprint_leaves_them_out(finished):
    finished.config["stage"]["iterations"] = 6
    assert finished.decide() == reuse.Decision("run", "stage.iterations was 5 and is 6")


def test_how_it_is_run_does_not_count(finished):
    finished.config["trainer"]["threads"] = 2
    finished.config["logger"]["api_key"] = "another"
    assert finished.decide().action == "reuse"


def test_many_changes_are_counted(finished):
    finished.config["stage"] |= {"a": 1, "b": 2, "lr": 0.2, "z": 1}
    assert finished.decide().why == (
        "stage.a was None and is 1; stage.b was None and is 2; stage.lr was 0.1 and is 0.2; "
        "1 more options changed"
    )


def test_other_code_and_other_versions_count(finished):
    finished.code = Code("def", {"torch": "2.0", "plugin": "1.1"})
    assert finished.decide().why == "the code of r1light changed; other versions of plugin"


def test_a_changed_input_file_counts(finished):
    finished.data.write_text("{} \n")
    assert finished.decide() == reuse.Decision("run", "the input data.path changed")
    finished.data.unlink()
    assert finished.decide() == reuse.Decision("run", "the input data.path is gone")


def test_a_changed_model_of_the_step_before_counts(finished):
    (finished.model / "weights").write_bytes(b"2")
    assert finished.decide() == reuse.Decision("run", "the input model.path changed")


def test_what_the_step_itself_wrote_counts_as_it_left_it(finished):
    (finished.root / "scores.jsonl").write_text("2\n")
    assert finished.decide() == reuse.Decision("run", "the input stage.output changed")


def test_without_a_result_it_is_not_reused(finished):
    finished.folder.result.unlink()
    assert finished.decide().action == "go_on"


def test_a_result_without_the_end_of_the_process_is_not_reused(step):
    step.begin()
    step.folder.save_result(StageResult("sft"))
    assert step.decide() == reuse.Decision("run", "it was ended before it was done")
    step.folder.checkpoints.mkdir()
    (step.folder.checkpoints / "iteration-000001.ckpt").touch()
    assert step.decide().action == "go_on"  # from its last checkpoint


@pytest.mark.parametrize(
    "text", ["{", "{}", '{"config": {}, "code": {"x": 1}, "inputs": {}, "finished": true}']
)
def test_a_mark_that_cannot_be_read_is_none(finished, text):
    (finished.folder.path / reuse.FILE).write_text(text)
    decision = finished.decide()
    assert decision.action == "run"
    assert "unknown origin" in decision.why


def test_the_pipelines_folder_can_be_moved(finished, tmp_path):
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("steps", "rows.jsonl", "scores.jsonl"):
        (tmp_path / name).rename(moved / name)
    text = json.dumps(finished.config).replace(str(tmp_path), str(moved))
    step = object.__new__(Step)
    step.root, step.config, step.code = moved, json.loads(text), CODE
    step.folder = RunFolder(moved / "steps" / "one" / "seed-0")
    assert step.decide().action == "reuse"


def test_secrets_are_not_written(finished):
    finished.config["sandbox"] = {"api_key": "hunter2"}
    reuse.write_mark(finished.folder, finished.mark())
    assert "hunter2" not in (finished.folder.path / reuse.FILE).read_text()


def test_a_folder_is_moved_out_of_the_way_and_none_is_overwritten(finished):
    aside = reuse.set_aside(finished.folder)
    assert aside.name == "seed-0.old-1"
    assert (aside / "result.json").exists()
    assert reuse.set_aside(finished.folder) is None
    finished.begin()
    assert reuse.set_aside(finished.folder).name == "seed-0.old-2"


def test_inputs_are_texts_that_name_something(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "rows").write_text("1")
    (tmp_path / "rewards.py").write_text("def f(): ...")
    (tmp_path / "a.jsonl").write_text("")
    resolved = {
        "data": {"split": "train", "path": "train", "against": ["a.jsonl", "none.jsonl"]},
        "reward": {"function": "rewards.py:f", "name": "rewards"},
        "stage": {"stop": ["/", ".", "..", "</think>", "x" * 5000, "\0/"], "model_path": "./train"},
    }
    assert sorted(input_hashes(resolved)) == [
        "data.against.0",
        "data.path",
        "reward.function",
        "stage.model_path",
    ]


def test_the_code_is_sources_and_yaml_but_not_a_pipelines_own(tmp_path):
    for name in ("a.py", "stage/b.yaml", "pipeline/c.yaml", "pipeline/d.py", "__pycache__/a.pyc"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1")

    def changed(name):
        before = reuse.code_version([tmp_path]).sources
        (tmp_path / name).write_text(f"{(tmp_path / name).read_text()}1")
        return reuse.code_version([tmp_path]).sources != before

    changes = {name: changed(name) for name in ("a.py", "stage/b.yaml", "pipeline/c.yaml", "pipeline/d.py")}
    assert changes == {"a.py": True, "stage/b.yaml": True, "pipeline/c.yaml": False, "pipeline/d.py": True}
    assert not changed("__pycache__/a.pyc")
    (tmp_path / "a.py").rename(tmp_path / "e.py")
    assert "python" in reuse.code_version([tmp_path]).versions
