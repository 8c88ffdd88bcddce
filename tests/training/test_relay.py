"""Rows go to each tracker once, whatever came between; files are read back by the libraries that own them."""

import csv
import importlib.util
import struct

import pytest

from r1light.config.logger_schema import (
    CsvOptions,
    LoggerSpec,
    MlflowOptions,
    TensorboardOptions,
    TrackioOptions,
    WandbOptions,
)
from r1light.core.errors import ConfigError
from r1light.core.run_folder import RunFolder, StageResult, append_jsonl, keep_rows, read_jsonl
from r1light.training import relay as module
from r1light.training import trackers
from r1light.training.relay import Relay

CONFIG = {"seed": 3, "stage": {"name": "grpo", "lr": 0.5}, "hf_token": "hidden"}
BOTH = LoggerSpec(csv=CsvOptions(), wandb=WandbOptions())


class Fake:
    """A tracker that keeps what it is told."""

    def __init__(self, *, remembers, fails=False):
        self.remembers, self.fails = remembers, fails
        self.rows, self.texts, self.closed = [], [], None

    def metrics(self, row, step):
        if self.fails:
            raise OSError("no  network")
        self.rows.append((step, row))

    def samples(self, rows, step):
        self.texts.append((step, len(rows)))

    def close(self, model, *, failed):
        self.closed = (model, failed)


@pytest.fixture
def fakes(monkeypatch):
    opened = {"csv": Fake(remembers=False), "wandb": Fake(remembers=True)}
    monkeypatch.setattr(module, "open_tracker", lambda name, options, session: opened[name])
    return opened


def row(number, **more):
    return {"iteration": number, "update": number, "time": 1.0, "reward": number / 4, **more}


def written(folder, spec=BOTH):
    relay = Relay(spec, folder, CONFIG)
    return relay, RunFolder(folder.path, relay)


def test_rows_are_written_first_and_sent_with_their_numbers_alone(fakes, tmp_path):
    relay, folder = written(RunFolder(tmp_path))
    folder.append(folder.metrics, [row(1, kl=None, diagnosis="flat", entropy=2)])
    folder.append(folder.samples, [{"iteration": 1, "text": "a"}, {"iteration": 1, "text": "b"}])
    assert [each["diagnosis"] for each in read_jsonl(folder.metrics)] == ["flat"]
    assert fakes["wandb"].rows == fakes["csv"].rows == [(1, {"update": 1, "reward": 0.25, "entropy": 2})]
    assert fakes["wandb"].texts == [(1, 2)]
    relay.finish(StageResult("grpo", {"after/pass@1": 0.5}, {"model": "there"}))
    assert fakes["wandb"].rows[-1] == (1, {"after/pass@1": 0.5})
    assert (str(fakes["wandb"].closed[0]), fakes["wandb"].closed[1]) == ("there", False)


def test_a_resumed_run_sends_on_what_no_session_has_sent(fakes, tmp_path):
    relay, folder = written(RunFolder(tmp_path))
    for number in (0, 1, 2, 3):
        folder.append(folder.metrics, [row(number)])
    append_jsonl(folder.metrics, [row(4)])  # written, and the process died before it was sent
    ids = relay._ids
    keep_rows(folder.metrics, 4)
    fakes["csv"].rows, fakes["wandb"].rows = [], []
    again, folder = written(RunFolder(tmp_path))
    folder.append(folder.metrics, [row(5)])
    assert again._ids == ids
    assert [step for step, _ in fakes["wandb"].rows] == [4, 5]
    assert [step for step, _ in fakes["csv"].rows] == [0, 1, 2, 3, 4, 5]


def test_rows_behind_the_checkpoint_are_sent_anew(fakes, tmp_path):
    _, folder = written(RunFolder(tmp_path))
    for number in (0, 1, 2, 3):
        folder.append(folder.metrics, [row(number)])
    keep_rows(folder.metrics, 2)
    fakes["wandb"].rows = []
    _, folder = written(RunFolder(tmp_path))
    folder.append(folder.metrics, [row(3)])
    folder.append(folder.metrics, [row(4)])
    assert [step for step, _ in fakes["wandb"].rows] == [3, 4]


def test_a_tracker_that_fails_is_given_up_and_the_others_go_on(fakes, tmp_path, caplog):
    fakes["wandb"].fails = True
    _, folder = written(RunFolder(tmp_path))
    folder.append(folder.metrics, [row(1)])
    folder.append(folder.metrics, [row(2)])
    assert [step for step, _ in fakes["csv"].rows] == [1, 2]
    (warning,) = [record.getMessage() for record in caplog.records]
    assert warning == "logger wandb is given up, metrics.jsonl has everything: OSError: no network"


def test_one_that_cannot_be_opened_ends_the_run_before_it_begins_and_closes_the_others(
    fakes, tmp_path, monkeypatch
):
    def open_tracker(name, options, session):
        if name == "wandb":
            raise RuntimeError("no key")
        return fakes[name]

    monkeypatch.setattr(module, "open_tracker", open_tracker)
    with pytest.raises(ConfigError, match=r"logger=wandb cannot be opened: RuntimeError: no key; .*offline"):
        Relay(BOTH, RunFolder(tmp_path), CONFIG)
    assert fakes["csv"].closed == (None, True)


def test_a_package_that_is_absent_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(trackers.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        ConfigError, match=r"logger=mlflow needs the package mlflow: pip install 'r1light\[ml"
    ):
        Relay(LoggerSpec(mlflow=MlflowOptions()), RunFolder(tmp_path), CONFIG)


def run_through(spec, path):
    """Two sessions of a run of three rows, of which the second repeats none."""
    for numbers in ((0, 1), (2,)):
        relay, folder = written(RunFolder(path), spec)
        for number in numbers:
            folder.append(folder.metrics, [row(number, **({"kl": 0.5} if number else {}))])
            folder.append(folder.samples, [{"iteration": number, "phase": "before", "text": "so", "n": [1]}])
        relay.close(None, failed=True) if 0 in numbers else relay.finish(StageResult("grpo", {"end": 7.0}))
    return folder


def test_csv(tmp_path):
    run_through(LoggerSpec(csv=CsvOptions()), tmp_path)
    with (tmp_path / "csv" / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(each["step"], each["reward"], each["kl"]) for each in rows[:3]] == [
        ("0", "0.0", ""), ("1", "0.25", "0.5"), ("2", "0.5", "0.5"),
    ]  # fmt: skip
    assert rows[-1]["end"] == "7.0"
    assert "hidden" not in (tmp_path / "csv" / "hparams.yaml").read_text()


def has(name):
    return importlib.util.find_spec(name) is not None


@pytest.mark.skipif(not has("tensorboard"), reason="tensorboard is not installed: r1light[tensorboard]")
def test_tensorboard(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run_through(LoggerSpec(tensorboard=TensorboardOptions()), tmp_path)
    read = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [(event.step, event.value) for event in read.Scalars("reward")] == [(0, 0.0), (1, 0.25), (2, 0.5)]
    assert [event.value for event in read.Scalars("end")] == [7.0]


def wandb_records(path):
    """The records of a .wandb file: W&B's own messages, in a log of 32 KiB blocks behind 7 bytes of header.

    W&B reads that log in its Go program alone. A chunk is checksum, length, kind and data; kinds are 1 for a
    whole record, and 2, 3 and 4 for the first, a middle and the last part of one.
    """
    from wandb.proto import wandb_internal_pb2

    data, at, record = path.read_bytes(), 7, b""
    assert data.startswith(b":W&B")
    while at + 7 <= len(data):
        if (left := 32768 - at % 32768) < 7:
            at += left
            continue
        length, kind = struct.unpack_from("<HB", data, at + 4)
        record += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            yield wandb_internal_pb2.Record.FromString(record)
            record = b""


@pytest.mark.slow
def test_wandb_offline_both_sessions_are_one_run(tmp_path):
    import wandb

    run_through(LoggerSpec(wandb=WandbOptions(mode="offline", project="p")), tmp_path)
    wandb.teardown()  # which waits for the process that writes the files; the end of a run does not
    runs, history, config, tables = set(), {}, "", []
    files = sorted(tmp_path.glob("wandb/offline-run-*/*.wandb"))
    assert len(files) == 2
    for path in files:
        for record in wandb_records(path):
            if record.HasField("run"):
                runs.add((record.run.run_id, record.run.project))
                config += str(record.run.config)
            config += str(record.config)
            items = {item.key or "/".join(item.nested_key): item.value_json for item in record.history.item}
            if "reward" in items:
                history[int(items["trainer/global_step"])] = float(items["reward"])
            tables += [items[name] for name in items if name == "samples/before/nrows"]
    assert len(runs) == 1
    assert {project for _, project in runs} == {"p"}
    assert history == {0: 0.0, 1: 0.25, 2: 0.5}
    assert tables == ["1", "1", "1"]
    assert "lr" in config
    assert "***" in config
    assert "hidden" not in config


@pytest.mark.trackers
@pytest.mark.skipif(not has("mlflow"), reason="mlflow is not installed here: make venv-trackers has it")
def test_mlflow_both_sessions_are_one_run(tmp_path):
    from mlflow.tracking import MlflowClient

    run_through(LoggerSpec(mlflow=MlflowOptions(experiment="e")), tmp_path)
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    (run,) = client.search_runs([client.get_experiment_by_name("e").experiment_id])
    history = client.get_metric_history(run.info.run_id, "reward")
    assert [(each.step, each.value) for each in history] == [(0, 0.0), (1, 0.25), (2, 0.5)]
    assert run.data.metrics["end"] == 7.0
    assert run.data.params["hf_token"] == "***"


@pytest.mark.trackers
@pytest.mark.skipif(not has("trackio"), reason="trackio is not installed here: make venv-trackers has it")
def test_trackio_both_sessions_are_one_run(tmp_path, monkeypatch):
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "board"))
    from trackio.sqlite_storage import SQLiteStorage

    run_through(LoggerSpec(trackio=TrackioOptions(project="p")), tmp_path / "run")
    (name,) = SQLiteStorage.get_runs("p")
    assert name.startswith("run-")
    logs = SQLiteStorage.get_logs("p", name)
    assert [(each["step"], each["reward"]) for each in logs[:3]] == [(0, 0.0), (1, 0.25), (2, 0.5)]
    assert logs[3]["end"] == 7.0
    assert "hidden" not in str(SQLiteStorage.get_run_config("p", name))
