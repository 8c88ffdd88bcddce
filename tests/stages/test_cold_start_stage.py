"""stage=sample with curation=cold_start and general: rewriting by a server, kills, and reviews."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from r1light.config.compose import Source, compose_jobs
from r1light.config.search_path import register
from r1light.config.validate import validate
from r1light.core.errors import ConfigError, DataError, WorkerError
from r1light.core.manifest import start_manifest
from r1light.core.run_folder import RunFolder, read_jsonl
from r1light.data.arithmetic import Arithmetic
from r1light.stages import stage_module
from r1light.templates.cold_start import ColdStart

pytestmark = pytest.mark.slow

TAGS = "stage.write_options={opening: '<think>', closing: '</think>'}"
FILES = ("completions.jsonl", "data.jsonl", "dropped.jsonl")
SIZE = 12
COLD = ("stage.curation=cold_start", f"data.train_size={SIZE}")
DEADLINE = 120.0


@pytest.fixture
def sample(tmp_path):
    """Run the stage in a folder of that name; returns the result and a reader of its files."""

    def run(name, *overrides):
        register()
        lines = ["stage=sample", "trainer=cpu", "trainer.threads=1", *overrides]
        (plain,) = compose_jobs(lines, Source("config", None, None), multirun=False).jobs
        config, folder = validate(plain, stage_module), RunFolder(tmp_path / name)
        folder.path.mkdir(exist_ok=True)
        start_manifest(folder, stage="sample", seed=0, resolved=config.resolved, overrides=[])
        result = stage_module("sample").run(config, folder)
        return result, lambda file: list(read_jsonl(folder.path / file))

    return run


class Editor:
    """A server that rewrites: a thought of its own, and the answer in a sentence."""

    def __init__(self):
        outer, self.asked, self.status, self.seconds = self, 0, 200, 0.0

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked += 1
                time.sleep(outer.seconds)
                body = outer.reply(sent["messages"][1]["content"]).encode()
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.options = (
            "stage.cold_start.rewrite=true", "stage.judge.model=m", "stage.judge.backoff_seconds=0.01",
            "stage.judge.concurrency=2", "stage.judge.retries=1",
            f"stage.judge.base_url=http://127.0.0.1:{self.http.server_address[1]}/v1",
        )  # fmt: skip

    def reply(self, asked):
        mark, question, answer = re.match(
            r"----- question (\w+) -----\n(.*)\n----- notes .*----- answer \w+ -----\n(.*)\n-----",
            asked,
            re.DOTALL,
        ).groups()
        lines = ["thought", f"I am asked: {question}. I add column by column.", "summary", f"It is {answer}."]
        heads = [f"----- {text} {mark} -----" if n % 2 == 0 else text for n, text in enumerate(lines)]
        content = "\n".join([*heads, f"----- end {mark} -----"])
        return json.dumps({"choices": [{"message": {"content": content}, "finish_reason": "stop"}]})


@pytest.fixture
def drawn(tmp_path):
    """Options for draws out of a file: of two completions a problem the first is wrong."""
    rows = []
    for problem in Arithmetic(Arithmetic.Config(train_size=SIZE)):
        for answer in (0, problem.answer):
            text = f" <think> I add {problem.prompt[8:]}. </think> <answer> {answer} </answer>"
            rows.append({"problem_id": problem.id, "completion": text})
    path = tmp_path / "drawn.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return (*COLD, "stage.cold_start.ways=[zero]", "stage.n=2", "rollout=replay", f"rollout.path={path}")


@pytest.fixture
def editor():
    server = Editor()
    yield server
    server.http.shutdown()
    server.http.server_close()


def test_a_base_model_asked_in_two_ways(sample, tmp_path):
    options = (*COLD, "stage.cold_start.ways=[few_shot,zero]", "stage.n=4", "stage.max_tokens=64", TAGS)
    result, read = sample("run", *options)
    template = ColdStart(ColdStart.Config(opening="<think>", closing="</think>"))
    rows = read("data.jsonl")
    assert len(rows) == result.metrics["kept"] > 1
    for row in rows:
        parsed = template.parse("", row["completion"])
        left, right = re.match(r"User: Compute (\d+)\+(\d+)\n\nAssistant:$", row["prompt"]).groups()
        assert parsed.well_formed
        assert int(parsed.answer) == int(left) + int(right)
    assert {row["sampler"]["way"] for row in read("completions.jsonl")} == {"few_shot", "zero"}
    again, _ = sample("again", *options, f"stage.completions={result.outputs['completions']}")
    assert (tmp_path / "again/data.jsonl").read_bytes() == (tmp_path / "run/data.jsonl").read_bytes()
    assert again.metrics["kept"] == len(rows)


def start(folder, *overrides):
    return subprocess.Popen(
        [sys.executable, "-m", "r1light", "stage=sample", "trainer=cpu", "trainer.threads=1", *overrides,
         f"hydra.run.dir={folder}"],
        cwd=folder.parent, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def test_a_run_killed_while_it_rewrites_ends_as_one_that_was_not(editor, drawn, tmp_path):
    options = (*drawn, *editor.options, "stage.batch_prompts=4")
    whole = start(tmp_path / "whole", *options, f"stage.judge.cache={tmp_path}/cache-1")
    _, said = whole.communicate(timeout=DEADLINE)
    assert whole.returncode == 0, said
    needed, editor.asked, editor.seconds = editor.asked, 0, 0.1
    assert needed == SIZE
    options = (*options, f"stage.judge.cache={tmp_path}/cache-2")
    killed = start(tmp_path / "killed", *options)
    due = time.monotonic() + DEADLINE
    while editor.asked < needed // 2 and killed.poll() is None and time.monotonic() < due:
        time.sleep(0.002)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate(timeout=DEADLINE)
    assert not (tmp_path / "killed/result.json").exists()
    editor.seconds = 0.0
    again = start(tmp_path / "killed", *options)
    _, said = again.communicate(timeout=DEADLINE)
    assert again.returncode == 0, said
    for name in FILES:
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert editor.asked <= needed + 2  # only replies that the kill cut off are asked for again
    rows = list(read_jsonl(tmp_path / "whole/data.jsonl"))
    assert all("I add column by column." in row["completion"] for row in rows)


def test_a_server_that_fails_stops_the_run_and_a_judge_has_to_be_named(sample, editor, drawn, tmp_path):
    options = (*drawn, *editor.options, f"stage.judge.cache={tmp_path}/cache")
    editor.status = 500
    with pytest.raises(WorkerError, match=r"stage\.judge did not rewrite .*HTTP status 500"):
        sample("run", *options)
    editor.status = 200
    result, read = sample("run", *options)  # goes on there
    assert len(read("data.jsonl")) == result.metrics["kept"] == SIZE
    with pytest.raises(ConfigError, match="asks another model: name it by"):
        sample("other", *drawn, "stage.cold_start.rewrite=true")


def test_the_round_trip_of_a_review(sample, drawn, tmp_path, caplog):
    caplog.set_level("INFO", "r1light")
    path = tmp_path / "review.jsonl"
    options = (*drawn, f"stage.review={path}")
    result, read = sample("run", *options)
    before = read("data.jsonl")
    assert "review/edited" not in result.metrics
    assert (tmp_path / "review.html").read_text().count("<article ") == len(before) == SIZE
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[0] |= {"answer": f"It is {rows[0]['reference']}."}
    rows[1] |= {"decision": "reject", "note": "a guess"}
    rows[2] |= {"answer": "0"}
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(DataError, match=r"review.jsonl:3: the answer '0' is not right any more"):
        sample("run", *options)
    rows[2]["answer"] = rows[2]["reference"]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for _ in range(2):  # merging once more changes nothing
        result, read = sample("run", *options)
        found = {name: result.metrics[f"review/{name}"] for name in ("edited", "rejected", "unchanged")}
        assert found == {"edited": 1, "rejected": 1, "unchanged": len(before) - 2}
        after = read("data.jsonl")
        assert len(after) == result.metrics["kept"] == len(before) - 1
        assert len({row["problem_id"] for row in after}) == result.metrics["problems_kept"]
        assert "rejected 1" in caplog.messages[-1]
        assert after[0]["completion"].endswith(f"It is {rows[0]['reference']}.")
        assert [row["detail"] for row in read("dropped.jsonl") if row["reason"] == "rejected"] == ["a guess"]
    path.write_text("".join(json.dumps(row | {"decision": "reject"}) + "\n" for row in rows))
    with pytest.raises(DataError, match="every row is rejected"):
        sample("run", *options)


def test_general_rows_have_thoughts_for_some_and_none_for_the_simple(sample, tmp_path):
    rows = [{"instruction": "Hello!", "output": "Hi!"}]
    rows += [
        {
            "instruction": f"Write a short story about a sailor with {n} cats and a dog",
            "output": f"Story {n}.",
        }
        for n in range(8)
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    result, read = sample(
        "run", "stage.curation=general", "data=conversations", f"data.path={path}", "data.test_share=0",
        "rollout=fake", "rollout.default=['<think> about cats </think> <answer> x </answer>']", "stage.n=1",
    )  # fmt: skip
    written = [row["completion"] for row in read("data.jsonl")]
    assert "|special||special|Hi!" in written
    thoughts = [text for text in written if text.startswith("|special|about cats|special|Story ")]
    assert 0 < len(thoughts) < 8
    assert len(written) == len(rows) == result.metrics["kept"]
