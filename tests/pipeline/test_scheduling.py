import subprocess

import pytest

from r1light.core.errors import ConfigError, Interrupted, WorkerError
from r1light.pipeline import scheduling
from r1light.pipeline.graph import build_graph
from r1light.pipeline.scheduling import check_devices, device_pool, run_steps


class FakeProcess:
    def __init__(self):
        self.said = []

    def terminate(self):
        self.said.append("terminate")

    def wait(self, seconds):
        self.said.append("wait")

    def kill(self):
        self.said.append("kill")


class Machine:
    """Steps that take a number of looks, and a diary of what ran beside what."""

    def __init__(self, looks=None, reused=(), fails=()):
        self.looks, self.reused, self.fails = looks or {}, reused, fails
        self.running, self.diary, self.most, self.devices = {}, [], 0, {}

    def begin(self, instance, devices):
        if instance.key in self.reused:
            self.diary.append(f"reuse {instance.key}")
            return None
        self.diary.append(f"start {instance.key}")
        self.devices[instance.key] = list(devices)
        taken = [device for key in self.running for device in self.devices[key]]
        assert not set(taken) & set(devices), "two steps on one device"
        task = FakeTask(self, instance.key, self.looks.get(instance.key, 1))
        self.running[instance.key] = task
        self.most = max(self.most, len(self.running))
        return task


class FakeTask:
    def __init__(self, machine, key, looks):
        self.machine, self.key, self.looks = machine, key, looks
        self.process, self.was_interrupted = FakeProcess(), False

    def ended(self):
        if self.looks:
            self.looks -= 1
            return False
        del self.machine.running[self.key]
        if self.key in self.machine.fails:
            raise WorkerError(self.key)
        self.machine.diary.append(f"end {self.key}")
        return True

    def interrupted(self):
        self.was_interrupted = True


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(scheduling, "POLL_SECONDS", 0.0)


@pytest.fixture
def graph(pipeline):
    steps = {"a": {}, "b": {}, "c": {"after": ["a"]}, "d": {"after": ["b", "c"]}}
    return build_graph(pipeline(steps), [0])


def run(graph, machine, jobs=1, devices=(), watch=lambda: None):
    run_steps(graph, jobs, list(devices), machine.begin, watch)
    return machine.diary


def test_one_at_a_time_in_order(graph):
    diary = run(graph, Machine())
    assert diary == [f"{what} {key}@0" for key in "abcd" for what in ("start", "end")]


def test_two_side_by_side_each_behind_what_it_needs(graph):
    machine = Machine(looks={"a@0": 1, "b@0": 5})
    assert run(graph, machine, jobs=2) == [
        "start a@0", "start b@0", "end a@0", "start c@0", "end c@0", "end b@0", "start d@0", "end d@0",
    ]  # fmt: skip
    assert machine.most == 2


def test_a_reused_step_takes_no_place_and_lets_others_start_at_once(graph):
    machine = Machine(reused=["a@0", "c@0"])
    assert run(graph, machine) == [
        "reuse a@0", "start b@0", "end b@0", "reuse c@0", "start d@0", "end d@0",
    ]  # fmt: skip


def test_devices_are_shared_out_and_a_large_step_is_not_starved(pipeline):
    steps = {"a": {}, "large": {"devices": 2}, "small": {}}
    machine = Machine(looks={"a@0": 3})
    diary = run(build_graph(pipeline(steps), [0]), machine, jobs=3, devices=["0", "1"])
    assert machine.devices == {"a@0": ["0"], "large@0": ["1", "0"], "small@0": ["1"]}
    assert diary.index("end a@0") < diary.index("start large@0") < diary.index("start small@0")


def test_without_devices_nothing_is_shared_out(pipeline):
    machine = Machine()
    run(build_graph(pipeline({"a": {"devices": 8}}), [0]), machine)
    assert machine.devices == {"a@0": []}


def test_when_a_step_fails_those_beside_it_are_asked_to_save_and_nothing_starts(graph):
    machine = Machine(looks={"a@0": 0, "b@0": 100}, fails=["a@0"])
    with pytest.raises(WorkerError, match="a@0"):
        run(graph, machine, jobs=2)
    assert machine.diary == ["start a@0", "start b@0"]
    beside = machine.running["b@0"]
    assert beside.process.said == ["terminate", "wait"]
    assert beside.was_interrupted


def test_a_signal_ends_all_and_a_second_one_kills(graph, monkeypatch):
    def interrupt():
        raise Interrupted(15)

    machine = Machine(looks={"a@0": 100, "b@0": 100})
    with pytest.raises(Interrupted):
        run(graph, machine, jobs=2, watch=interrupt)
    assert [task.process.said for task in machine.running.values()] == [["terminate", "wait"]] * 2

    def again(self, seconds):
        raise Interrupted(2)

    machine = Machine(looks={"a@0": 100, "b@0": 100})
    monkeypatch.setattr(FakeProcess, "wait", again)
    with pytest.raises(Interrupted) as caught:
        run(graph, machine, jobs=2, watch=interrupt)
    assert caught.value.signum == 2
    assert [task.process.said for task in machine.running.values()] == [["terminate", "kill"]] * 2


def test_the_devices_are_those_given_or_those_visible(monkeypatch):
    assert device_pool([0, "MIG-1"]) == ["0", "MIG-1"]
    assert device_pool([]) == []
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    assert device_pool(None) == ["2", "3"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert device_pool(None) == []
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setattr(scheduling.shutil, "which", lambda name: None)
    assert device_pool(None) == []
    monkeypatch.setattr(scheduling.shutil, "which", lambda name: name)
    told = subprocess.CompletedProcess([], 0, "0\n1\n", "")
    monkeypatch.setattr(scheduling.subprocess, "run", lambda *args, **kwargs: told)
    assert device_pool(None) == ["0", "1"]


def test_a_step_that_takes_more_devices_than_there_are_is_refused(pipeline):
    graph = build_graph(pipeline({"a": {}, "large": {"devices": 4}}), [0])
    check_devices(graph, [])
    check_devices(graph, ["0", "1", "2", "3"])
    with pytest.raises(
        ConfigError, match=r"pipeline.steps.large.devices=4, and there are 2 \(stage.devices\)"
    ):
        check_devices(graph, ["0", "1"])
