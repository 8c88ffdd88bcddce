import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from r1light.config.logger_schema import LoggerSpec
from r1light.config.schema import Component, DataSpec, RewardMixSpec, RunConfig, TrainerSpec
from r1light.core.errors import ResumeError
from r1light.core.lock import FolderLock
from r1light.core.manifest import fingerprint, start_manifest
from r1light.core.run_folder import RunFolder, StageResult
from r1light.stages.resume import resolve_resume
from r1light.stages.take_folder import open_run_folder

HOLD = (
    "import sys; from pathlib import Path; from r1light.core.lock import FolderLock; "
    "print(FolderLock(Path(sys.argv[1])).acquire(), flush=True); sys.stdin.read()"
)


def configuration(resume="auto", lr=0.1, iterations=6):
    resolved = {"stage": {"name": "grpo", "lr": lr, "iterations": iterations}, "seed": 0}
    bare = Component("bare")
    return RunConfig(
        stage_name="grpo",
        stage=None,
        model=bare,
        data=DataSpec("bare"),
        template=bare,
        reward=RewardMixSpec(()),
        rollout=bare,
        trainer=TrainerSpec(),
        logger=LoggerSpec(),
        resolved=resolved,
        fingerprint=fingerprint(resolved),
        resume=resume,
    )


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def make():
    """An earlier run in a folder: its configuration, manifest and checkpoints."""

    def run(path, *iterations, config=None, finished=False):
        folder, config = RunFolder(Path(path)), config or configuration()
        folder.checkpoints.mkdir(parents=True)
        folder.config.write_text(yaml.safe_dump(dict(config.resolved)))
        start_manifest(folder, stage="grpo", seed=0, resolved=config.resolved, overrides=[])
        for iteration in iterations:
            (folder.checkpoints / f"iteration-{iteration:06d}.ckpt").touch()
        (folder.checkpoints / ".iteration-000099.ckpt.7.tmp").touch()
        if finished:
            folder.save_result(StageResult("grpo"))
        return folder

    return run


def folder_at(path):
    Path(path).mkdir(parents=True, exist_ok=True)
    return RunFolder(Path(path))


def names(plan):
    return [path.name for path in plan.checkpoints]


def test_auto_goes_on_in_its_own_folder_newest_checkpoint_first(make):
    folder = make("runs/grpo/a", 2, 10, 9)
    plan = resolve_resume(configuration(iterations=99), folder)
    assert plan.folder == folder
    assert names(plan) == ["iteration-000010.ckpt", "iteration-000009.ckpt", "iteration-000002.ckpt"]
    assert "newest checkpoint in runs/grpo/a" in plan.reason


def test_auto_takes_up_the_newest_unfinished_run_of_the_same_configuration(make):
    make("runs/grpo/1", 4)
    make("runs/grpo/2", 3)
    make("runs/grpo/3", 5, finished=True)
    make("runs/grpo/4", 5, config=configuration(lr=0.2))
    make("runs/grpo/5")  # stopped before its first checkpoint
    make("runs/grpo/6.old-1", 7)  # moved aside by resume=none
    plan = resolve_resume(configuration(), folder_at("runs/grpo/7"))
    assert (plan.folder.path.name, names(plan)) == ("2", ["iteration-000003.ckpt"])
    assert resolve_resume(configuration(), plan.folder).checkpoints == plan.checkpoints


def test_a_folder_that_the_user_named_takes_nothing_up(make):
    make("runs/grpo/1", 4)
    make("out/1", 4)
    plan = resolve_resume(configuration(), folder_at("out/2"))
    assert (plan.folder.path.name, plan.checkpoints) == ("2", ())
    assert "a fresh start" in plan.reason


def test_auto_refuses_its_own_folder_with_another_configuration_and_names_the_keys(make):
    folder = make("out", 4, config=configuration(lr=0.2))
    with pytest.raises(ResumeError) as caught:
        resolve_resume(configuration(), folder)
    assert "out holds a run of another configuration (stage.lr is 0.2 there and 0.1 here)" in str(
        caught.value
    )


def test_the_first_three_of_many_differing_keys_are_named(make):
    other = dict.fromkeys("abcd", 1)  # and here seed, stage.lr and stage.name: 7 in all
    folder = make("out", 1, config=dataclasses.replace(configuration(), resolved=other, fingerprint="x"))
    with pytest.raises(ResumeError, match=r"a is 1 there and None here; b .*; c .*; and 4 more keys differ"):
        resolve_resume(configuration(), folder)


@pytest.mark.parametrize("what", ["", "checkpoints", "checkpoints/iteration-000003.ckpt"])
def test_a_path_starts_in_a_folder_of_its_own_from_the_checkpoints_it_names(make, what):
    make("out/old", 3, 4)
    plan = resolve_resume(configuration(resume=f"out/old/{what}".rstrip("/")), folder_at("out/new"))
    assert plan.folder.path.name == "new"
    expected = (
        ["iteration-000003.ckpt"]
        if what.endswith("ckpt")
        else ["iteration-000004.ckpt", "iteration-000003.ckpt"]
    )
    assert names(plan) == expected


def test_a_path_that_cannot_be_resumed_from_says_why(make):
    make("out/other", 3, config=configuration(lr=0.2))
    make("out/none")
    (folder_at("out/strange").path / "checkpoints").mkdir()
    (RunFolder(folder_at("out/strange").path).checkpoints / "iteration-000001.ckpt").touch()
    for path, why in {
        "out/absent": "does not exist; name a run folder",
        "out/none": "has no checkpoints",
        "out/strange": "belongs to no run: there is no .*manifest.json",
        "out/other": "another configuration .*stage.lr is 0.2 there and 0.1 here",
    }.items():
        with pytest.raises(ResumeError, match=why):
            resolve_resume(configuration(resume=path), folder_at("out/new"))


def test_none_starts_afresh_and_keeps_the_earlier_run_aside(make):
    folder = make("out", 3)
    for number in (1, 2):
        with open_run_folder(configuration(resume="none"), folder) as plan:
            assert plan.checkpoints == ()
            assert f"out.old-{number}" in plan.reason
            assert not folder.manifest.exists()
            folder.manifest.write_text("{}")
    assert (RunFolder(folder.path.with_name("out.old-1")).checkpoints / "iteration-000003.ckpt").exists()


def test_taking_a_folder_removes_what_a_killed_process_had_not_finished_writing(make):
    folder = make("out", 3)
    stale = folder.path / f".metrics.jsonl.{2**22 + 1}.tmp"  # above the largest process id there can be
    stale.touch()
    with open_run_folder(configuration(), folder):
        assert not stale.exists()


def test_taking_up_a_run_removes_the_empty_folder_and_marks_the_run_unfinished(make):
    old = make("runs/grpo/1", 3)
    with open_run_folder(configuration(), folder_at("runs/grpo/2")) as plan:
        assert plan.folder.path.absolute() == old.path.absolute()
        assert not RunFolder(old.path.with_name("2")).path.exists()
    finished = make("out", 3, finished=True)
    with open_run_folder(configuration(iterations=12), finished) as plan:
        assert names(plan) == ["iteration-000003.ckpt"]
        assert not finished.result.exists()


def test_wrong_input_leaves_a_finished_run_finished(make):
    finished = make("out", 3, finished=True)
    result = finished.result.read_bytes()
    with pytest.raises(ResumeError), open_run_folder(configuration(iterations=12), finished):
        raise ResumeError("no checkpoint loads")
    assert finished.result.read_bytes() == result
    with pytest.raises(ZeroDivisionError), open_run_folder(configuration(iterations=12), finished):
        raise ZeroDivisionError  # a fault in the midst of the run: what it did is to be gone on with
    assert not finished.result.exists()


@pytest.fixture
def hold():
    """Hold a folder in another process, as a live run does."""
    processes = []

    def start(path):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(path.absolute())],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        assert process.stdout.readline() == "True\n"

    yield start
    for process in processes:
        process.kill()
        process.communicate(timeout=30)


def test_a_live_run_is_not_taken_up(make, hold):
    hold(make("runs/grpo/1", 3).path)
    with open_run_folder(configuration(), folder_at("runs/grpo/2")) as plan:
        assert (plan.folder.path.name, plan.checkpoints) == ("2", ())


def test_two_runs_of_one_second_get_folders_of_their_own(hold):
    hold(folder_at("runs/grpo/2030-01-01_00-00-00").path)
    with open_run_folder(configuration(), folder_at("runs/grpo/2030-01-01_00-00-00")) as plan:
        assert plan.folder.path.name == "2030-01-01_00-00-00-2"


def test_a_run_of_the_same_second_that_has_ended_already_keeps_its_folder(make):
    make("runs/grpo/2030-01-01_00-00-00", config=configuration(lr=0.2))  # of another configuration
    make("runs/grpo/2030-01-01_00-00-00-2", finished=True)  # of this one, and finished
    with open_run_folder(configuration(), folder_at("runs/grpo/2030-01-01_00-00-00")) as plan:
        assert plan.folder.path.name == "2030-01-01_00-00-00-3"


def test_a_named_folder_in_use_is_refused_with_its_holder(hold):
    hold(folder_at("out").path)
    with (
        pytest.raises(ResumeError, match=r"out is in use by process \d+ on .*; choose another hydra.run.dir"),
        open_run_folder(configuration(), RunFolder(folder_at("out").path)),
    ):
        pass


def test_a_run_that_another_process_takes_up_in_that_moment_is_left_to_it(make, hold, monkeypatch):
    old = make("runs/grpo/1", 3)
    hold(old.path)
    monkeypatch.setattr("r1light.stages.resume.is_locked", lambda folder: False)
    with open_run_folder(configuration(), folder_at("runs/grpo/2")) as plan:
        assert (plan.folder.path.name, plan.checkpoints) == ("2", ())
        assert "took the old run up" in plan.reason


def test_the_folder_is_free_again_even_after_an_error():
    with pytest.raises(ResumeError), open_run_folder(configuration(resume="absent"), folder_at("out")):
        pass
    with FolderLock(folder_at("out").path) as lock:
        assert lock.acquire()


def test_rows_that_were_left_behind_are_gone_on_with(make):
    left, done = make("runs/grpo/a"), make("runs/grpo/b", finished=True)
    for folder in (left, done):
        (folder.path / "completions.jsonl.state.json").touch()
    fresh = folder_at("runs/grpo/c")
    assert resolve_resume(configuration(), fresh).folder == left
    plan = resolve_resume(configuration(), left)
    assert (plan.folder, plan.checkpoints) == (left, ())
    assert plan.reason == "going on behind the rows in runs/grpo/a"
    (left.path / "completions.jsonl.state.json").unlink()
    assert resolve_resume(configuration(), fresh).folder == fresh


@pytest.mark.parametrize(
    ("path", "made", "stays"),
    [
        ("runs/grpo/2026-01-02_03-04-05", "config.yaml", False),
        ("runs/grpo/2026-01-02_03-04-05", "completions.jsonl", True),  # work that can be gone on with
        ("runs/grpo/mine", "config.yaml", True),  # may have stood there before
    ],
)
def test_wrong_input_leaves_no_folder_that_the_run_made_for_nothing(path, made, stays):
    def run():
        with open_run_folder(configuration(), RunFolder(Path(path))) as plan:
            (plan.folder.path / made).touch()
            raise ResumeError("wrong")

    with pytest.raises(ResumeError, match="wrong"):
        run()
    assert Path(path).exists() == stays


def test_wrong_input_leaves_a_file_that_was_there_before():
    folder = RunFolder(Path("runs/grpo/2026-01-02_03-04-05"))
    folder.path.mkdir(parents=True)
    folder.config.write_text("mine")
    with pytest.raises(ResumeError), open_run_folder(configuration(), folder):
        raise ResumeError("wrong")
    assert folder.config.read_text() == "mine"
