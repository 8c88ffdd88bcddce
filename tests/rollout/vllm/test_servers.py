"""Servers that die, hang and lie, a small one in vLLM's place: what is drawn again, and what ends the run."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch

from r1light.core.errors import EngineError, WorkerError
from r1light.rollout.vllm import guard
from r1light.rollout.vllm.backend import Ask
from r1light.rollout.vllm.client import Client
from r1light.rollout.vllm.process import KEY_VARIABLE
from r1light.rollout.vllm.server import Launch, Patience, Server, server_arguments
from r1light.rollout.vllm.servers import Servers

STAND_IN = """
import http.server, json, os, pathlib, sys, time
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
port, folder = int(options["--port"]), pathlib.Path(options["--model"])
key, loaded = os.environ["VLLM_API_KEY"], []
print("my key is", key, flush=True)
def once(name):
    try: (folder / name).unlink()  # another server may look for it at the same moment
    except FileNotFoundError: return False
    return True
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self): self.answer({})
    def do_POST(self):
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers["Authorization"] != "Bearer " + key: return self.answer({}, 401)
        if self.path == "/collective_rpc":
            loaded.append(pathlib.Path(sent["args"][0]).name)
            return self.answer({"results": [None]})
        if self.path == "/reset_prefix_cache": return self.answer({"success": not once("busy")})
        if sent["prompt"][0] > 1 and once("die"): os._exit(9)
        if (folder / "always").exists() and sent["prompt"][0] > 1: os._exit(9)
        if sent["prompt"][0] > 1 and once("hang"): time.sleep(60)
        version = int(loaded[-1].split("-")[1].split(".")[0]) if loaded else 0
        count = sent["n"] - (folder / "lie").exists()
        self.answer({"choices": [{"index": i, "token_ids": [sent["prompt"][0], version],
            "logprobs": {"token_logprobs": [-1.0 * i, -2.0]}} for i in reversed(range(count))]})
    def answer(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words): pass
http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


class Check:
    """Notes which weights answered."""

    def __init__(self):
        self.asks, self.versions = asks(1), []

    def __call__(self, answers):
        self.versions.append(answers[0][0].token_ids[1])


def asks(*first_ids):
    return [Ask((token,), 2, 5, 1.0, 1.0, 0, token, (3,)) for token in first_ids]


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Start stand-ins; returns them as a backend, its check, and the folder that tells them what to do."""
    monkeypatch.setattr("r1light.rollout.vllm.server.command", command(tmp_path))
    begun = []

    def make(count=1, **patience):
        folder = tmp_path / "model"
        folder.mkdir()
        spare = Patience(**{"start": 60.0, "request": 60.0, "retry": 60.0, "max_restarts": 2} | patience)
        servers = [Server(spare, launch=Launch(folder, f"s{number}", [])) for number in range(count)]
        backend, check = Servers(servers, folder, spare), Check()
        begun.append(backend)
        for server in servers:
            server.launch()
        for server in servers:
            server.wait()
        backend.load([("a", torch.ones(2))], check)
        return backend, check, folder

    yield make
    for backend in begun:
        backend.close()


def command(folder):
    path = folder / "stand_in.py"
    path.write_text(STAND_IN)
    return lambda model, name, host, port, more: [
        sys.executable, str(path), "--model", model, "--port", str(port), *more
    ]  # fmt: skip


def first_ids(backend, wanted):
    found = dict(backend.draw(wanted))
    return [[each.token_ids for each in found[place]] for place in range(len(wanted))]


def test_servers_share_the_requests_and_have_the_newest_weights(start):
    backend, check, folder = start(2)
    (folder / "busy").touch()  # the prefix cache is reset at the second try
    backend.load([("a", torch.zeros(2))], check)
    assert check.versions == [1, 1, 2, 2]
    assert first_ids(backend, asks(2, 3, 4)) == [[[token, 2]] * 2 for token in (2, 3, 4)]
    assert [path.name for path in folder.glob("*.safetensors")] == ["weights-2.safetensors"]
    assert backend.figures() == {"rollout/restarts": 0.0, "rollout/redrawn": 0.0}


def test_a_server_that_dies_is_started_again_with_the_weights_and_its_requests_drawn_again(start, caplog):
    backend, check, folder = start()
    (folder / "die").touch()
    assert first_ids(backend, asks(2, 3, 4)) == [[[token, 1]] * 2 for token in (2, 3, 4)]
    assert check.versions == [1, 1]  # it is checked again before anything is drawn
    figures = backend.figures()
    assert figures["rollout/restarts"] == 1
    assert 1 <= figures["rollout/redrawn"] <= 3
    assert "ended with exit code 9" in caplog.text
    (folder / "die").touch()  # and once more, while weights are on their way
    os.killpg(backend._servers[0]._process._process.pid, signal.SIGKILL)
    backend.load([("a", torch.zeros(2))], check)
    assert check.versions[-1] == 2


def test_one_that_hangs_is_started_again(start):
    backend, _, folder = start(request=0.5)
    (folder / "hang").touch()
    assert first_ids(backend, asks(2)) == [[[2, 1]] * 2]
    assert backend.figures()["rollout/restarts"] == 1


def test_one_that_dies_too_often_ends_the_run_with_its_last_lines_and_no_key(start):
    backend, _, folder = start(max_restarts=0)
    (folder / "always").touch()
    with pytest.raises(WorkerError, match=r"rollout\.max_restarts; its last lines:\nmy key is \*\*\*"):
        list(backend.draw(asks(2)))


def test_one_that_is_lost_is_waited_for_once_however_many_requests_it_has(start, monkeypatch):
    backend, _, folder = start(max_restarts=0)
    waited, bring_back = [], Server.bring_back

    def counted(self, why):
        waited.append(why)
        bring_back(self, why)

    monkeypatch.setattr(Server, "bring_back", counted)
    (folder / "always").touch()
    with pytest.raises(WorkerError):
        list(backend.draw(asks(2, 3, 4, 5)))
    assert len(waited) == 1


def test_one_that_does_not_answer_as_vllm_does_ends_the_run(start):
    backend, _, folder = start()
    (folder / "lie").touch()
    with pytest.raises(EngineError, match="with 2 choices"):
        list(backend.draw(asks(2)))


def test_what_nobody_waits_for_is_broken_off(start):
    backend, _, folder = start()
    (folder / "hang").touch()
    run = backend.draw(asks(2, 3, 4))
    next(run)
    run.close()  # and does not wait for the one that hangs, which fails the test by its timeout
    assert backend.figures() == {"rollout/restarts": 0.0, "rollout/redrawn": 0.0}


def test_a_server_of_somebody_else_is_waited_for_and_then_given_up():
    patience = Patience(start=1.0, request=1.0, retry=0.3, max_restarts=2)
    server = Server(patience, client=Client("http://127.0.0.1:9", None))
    with pytest.raises(WorkerError, match=r"has not answered for 0\.3 seconds, rollout\.retry_seconds"):
        server.wait()


def test_the_folder_goes_with_the_servers(start):
    backend, _, folder = start()
    backend.close()
    backend.close()
    assert not folder.exists()


def test_engine_arguments_as_words():
    words = server_arguments({"dtype": "float32", "enforce_eager": True, "chunks": False}, ["--more=1"])
    assert words[:3] == ["--dtype=float32", "--enforce-eager", "--no-chunks"]
    assert "--middleware=r1light.rollout.vllm.guard.require_key" in words
    assert words[-1] == "--more=1"


@pytest.mark.parametrize(
    ("path", "brought", "status"),
    [
        ("/health", "", 200),
        ("/collective_rpc", "Bearer right", 200),
        ("/collective_rpc", "", 401),
        ("/v1/completions", "Bearer wrong", 401),
    ],
)
def test_every_path_but_health_wants_the_key(path, brought, status, monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, "right")
    request = SimpleNamespace(headers={"Authorization": brought}, url=SimpleNamespace(path=path))

    async def served(_):
        return SimpleNamespace(status_code=200)

    assert asyncio.run(guard.require_key(request, served)).status_code == status
    monkeypatch.setenv(KEY_VARIABLE, "")  # a server without a key is open to nobody
    if path != "/health":
        request.headers["Authorization"] = "Bearer "
        assert asyncio.run(guard.require_key(request, served)).status_code == 401


def test_a_server_ends_with_the_run_that_started_it_however_that_ends(tmp_path):
    server = "import r1light.rollout.vllm.guard, time; print('up', flush=True); time.sleep(60)"
    run = (
        "import os, subprocess, sys, time; "
        "env = os.environ | {'R1LIGHT_PARENT': str(os.getpid())}; "
        f"subprocess.Popen([sys.executable, '-c', {server!r}], env=env, start_new_session=True); "
        "time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", run], stdout=subprocess.PIPE, cwd=tmp_path) as process:
        assert process.stdout.readline() == b"up\n"
        process.kill()
        assert process.stdout.read() == b""  # ends when the server, which has the pipe too, has ended
