from __future__ import annotations

import os
import sys
import time

import pytest

from r1light.config.schema import TrainerSpec
from r1light.core.errors import ConfigError, WorkerError
from r1light.core.run_folder import RunFolder
from r1light.stages import launch
from r1light.stages.followers import Followers


def followers(tmp_path, program, ranks=2):
    found = Followers(ranks, RunFolder(tmp_path))
    found.start([sys.executable, "-c", program], os.environ)
    return found


def test_one_that_ends_badly_is_told_with_its_last_words(tmp_path):
    program = "import os, sys; print('rank', os.environ['RANK']); print('a\\nb'); sys.exit(3)"
    with pytest.raises(WorkerError) as caught, followers(tmp_path, program):
        pass
    assert str(caught.value) == (
        f"rank 1 of 2 ended with exit code 3; its last words in {tmp_path}/rank-1.log: rank 1 | a | b"
    )


def test_one_that_is_killed_is_told_by_the_signal(tmp_path):
    program = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    found = followers(tmp_path, program)
    assert found.told(30.0) == (
        f"rank 1 of 2 was killed by SIGKILL; its last words in {tmp_path}/rank-1.log: none"
    )


def test_those_that_end_well_are_waited_for(tmp_path):
    program = "import os, pathlib; pathlib.Path(os.environ['RANK']).touch()"
    before = os.getcwd()
    os.chdir(tmp_path)
    try:
        with followers(tmp_path, program, ranks=3):
            pass
    finally:
        os.chdir(before)
    assert (tmp_path / "1").exists()
    assert (tmp_path / "2").exists()


@pytest.mark.parametrize("code", [0, 130, 143])
def test_one_that_a_signal_has_ended_in_order_is_no_fault(tmp_path, code):
    with followers(tmp_path, f"import os; os._exit({code})") as found:
        assert found.told(0.5) is None


def test_none_outlives_a_failure(tmp_path):
    found = followers(tmp_path, "import time; time.sleep(60)")
    started = time.monotonic()
    with pytest.raises(KeyError), found:
        raise KeyError
    assert time.monotonic() - started < 30
    assert found.told(0.0) is not None  # killed


def test_a_process_that_needs_no_others_has_no_group():
    assert launch._environment(TrainerSpec()) is None
    alone = launch._environment(TrainerSpec(strategy="fsdp2"))
    assert alone is not None
    assert (alone["RANK"], alone["WORLD_SIZE"]) == ("0", "1")


def test_several_machines_need_someone_who_starts_them():
    with pytest.raises(ConfigError, match=r"trainer.nodes=2: several machines need torchrun or SLURM"):
        launch._environment(TrainerSpec(nodes=2))


def test_an_error_of_the_group_is_one_line(tmp_path):
    spec = TrainerSpec(devices=2, timeout=5)
    with pytest.raises(WorkerError) as caught, launch._touch_kept(Followers(2, None), spec):
        raise RuntimeError("[gloo/pair.cc:1] Connection closed by peer\nmore")
    assert str(caught.value) == (
        "rank 0: another process is gone or gave no answer in trainer.timeout=5 s "
        "([gloo/pair.cc:1] Connection closed by peer)"
    )
    with pytest.raises(RuntimeError, match=r"^of its own$"), launch._touch_kept(Followers(2, None), spec):
        raise RuntimeError("of its own")
