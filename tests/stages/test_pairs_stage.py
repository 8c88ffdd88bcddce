"""`stage=sample stage.curation=pairs` as a whole, with a judge on the loopback."""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from r1light.config.compose import Source, compose_jobs
from r1light.config.search_path import register
from r1light.config.validate import validate
from r1light.core.errors import ConfigError, WorkerError
from r1light.core.manifest import start_manifest
from r1light.core.run_folder import RunFolder
from r1light.data.preference_source import Preferences
from r1light.stages import stage_module

ANSWERS = re.compile(
    r"assistant A \w+ -----\n(.*)\n----- answer of assistant B \w+ -----\n(.*)\n----- end", re.DOTALL
)


@pytest.fixture
def judge_url():
    """A server that much prefers the answer that is later in the alphabet."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            text = sent["messages"][1]["content"]
            first, second = ANSWERS.search(text).groups()
            verdict = "A>>B" if first > second else "B>>A"
            reply = f"I would say 1.\n{text.split()[3].rstrip('.')} [[{verdict}]]"
            body = json.dumps({"choices": [{"message": {"content": reply}, "finish_reason": "stop"}]})
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    server.shutdown()
    server.server_close()


def run_in(path, *overrides):
    register()
    words = ["stage=sample", "stage.curation=pairs", "data=arithmetic", "template=plain", *overrides]
    words += ["trainer=cpu", "trainer.threads=1"]
    (plain,) = compose_jobs(words, Source("config", None, None), multirun=False).jobs
    config = validate(plain, stage_module)
    folder = RunFolder(path)
    folder.path.mkdir(exist_ok=True)
    start_manifest(folder, stage="sample", seed=config.seed, resolved=config.resolved, overrides=words)
    return folder, stage_module("sample").run(config, folder)


@pytest.mark.slow
def test_pairs_are_drawn_judged_balanced_and_told(tmp_path, judge_url):
    options = [
        "stage.limit=10",
        "stage.n=6",
        "stage.max_tokens=96",
        "stage.pairs.per_problem=2",
        f"stage.judge.base_url={judge_url}",
        "stage.judge.model=m",
        f"stage.judge.cache={tmp_path}/cache",
    ]
    folder, result = run_in(tmp_path / "run", *options)
    rows = [json.loads(line) for line in (folder.path / "data.jsonl").read_text().splitlines()]
    dropped = [json.loads(line) for line in (folder.path / "dropped.jsonl").read_text().splitlines()]
    assert rows
    for row in rows:
        assert row["chosen"] > row["rejected"]
        assert row["meta"]["judge"] == {"judgments": [2] * 4, "difference": 2.0}
        assert max(len(row["chosen"]), len(row["rejected"])) <= 2 * min(
            len(row["chosen"]), len(row["rejected"])
        )
    metrics = result.metrics
    assert metrics["kept"] == len(rows)
    assert metrics["problems_kept"] == len({row["problem_id"] for row in rows})
    for side in ("chosen", "rejected"):
        mean = sum(len(row[side]) for row in rows) / len(rows)
        assert metrics[f"pairs/{side}_length"] == pytest.approx(mean)
    assert {row["reason"] for row in dropped} <= {
        "unpaired", "undecided", "no_answer", "cut", "length_balance", "judge_failed"
    }  # fmt: skip
    found = [
        pair
        for split in ("train", "test")
        for pair in Preferences(Preferences.Config(path=str(folder.path / "data.jsonl")), split)
    ]
    assert {(pair.chosen, pair.rejected) for pair in found} == {
        (row["chosen"], row["rejected"]) for row in rows
    }
    again, _ = run_in(tmp_path / "again", *options)
    assert (again.path / "data.jsonl").read_bytes() == (folder.path / "data.jsonl").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        ([], "stage.curation=pairs asks another model: name it by stage.judge.base_url and"),
        (["stage.review=x.jsonl"], "review=x.jsonl is of rows to write, and curation=pairs makes pairs"),
        (["stage.pairs.judgments=0"], "judgments=0"),
    ],
)
def test_what_cannot_be_run_is_refused_in_one_line(tmp_path, overrides, line):
    with pytest.raises((ConfigError, ValueError), match=r".") as caught:
        run_in(tmp_path / "run", *overrides)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_judge_that_goes_away_stops_the_run_and_it_goes_on_from_there(tmp_path, judge_url):
    options = [
        "stage.limit=6",
        "stage.n=4",
        "stage.max_tokens=96",
        "stage.batch_prompts=2",
        f"stage.judge.cache={tmp_path}/cache",
        "stage.judge.model=m",
    ]
    whole, _ = run_in(tmp_path / "whole", *options, f"stage.judge.base_url={judge_url}")
    away = ["stage.judge.base_url=http://127.0.0.1:9/v1", "stage.judge.retries=0"]
    with pytest.raises(WorkerError, match=r"stage.judge did not judge answers to problem .*: no reply from"):
        run_in(tmp_path / "broken", *options, *away, "stage.judge.cache=")
    broken, _ = run_in(tmp_path / "broken", *options, f"stage.judge.base_url={judge_url}")
    assert (broken.path / "data.jsonl").read_bytes() == (whole.path / "data.jsonl").read_bytes()
