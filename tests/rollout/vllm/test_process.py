"""A second process in vLLM's place: how it is started, waited for and ended."""

from __future__ import annotations

import json
import os
import socket
import urllib.request

import pytest

from r1light.core.errors import ConfigError, WorkerError
from r1light.rollout.vllm.process import VllmServer, check_installed, command, is_installed

STAND_IN = """
import http.server, json, os, sys, time
port = int(sys.argv[sys.argv.index("--port") + 1])
if "--fail" in sys.argv: sys.exit(3)
if "--hang" in sys.argv: time.sleep(60)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        told = json.dumps({"argv": sys.argv[1:], "key": os.environ.get("VLLM_API_KEY")}).encode()
        self.send_response(200); self.end_headers(); self.wfile.write(told)
    def log_message(self, *words): pass
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


@pytest.fixture
def vllm(tmp_path, monkeypatch):
    folder = tmp_path / "vllm" / "entrypoints" / "openai"
    folder.mkdir(parents=True)
    for each in (folder, folder.parent, folder.parent.parent):
        (each / "__init__.py").write_text("")
    (folder / "api_server.py").write_text(STAND_IN)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def test_without_vllm_it_is_refused_with_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert not is_installed()
    with pytest.raises(ConfigError, match=r"pip install 'r1light\[vllm\]'"):
        check_installed("stage.engine=vllm", "stage.engine=r1light")


def test_it_is_waited_for_and_the_key_goes_by_the_environment(vllm, port, monkeypatch):
    monkeypatch.setenv("VLLM_API_KEY", "of somebody else")
    for key in ("k3y", None):
        server = VllmServer(command("/a/model", "m", "127.0.0.1", port, ["--seed=1"]), key)
        try:
            server.wait_until_ready("127.0.0.1", port, 60)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=10) as answer:
                told = json.load(answer)
        finally:
            server.close(10)
        words = [
            "--model",
            "/a/model",
            "--served-model-name",
            "m",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
        ]
        assert told == {"argv": [*words, "--seed=1"], "key": key}
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", port), timeout=5)


def test_one_that_ends_or_does_not_answer_in_time_is_an_error(vllm, port):
    server = VllmServer(command("m", "m", "127.0.0.1", port, ["--fail"]), None)
    with pytest.raises(WorkerError, match="exit code 3 before it answered"):
        server.wait_until_ready("127.0.0.1", port, 60)
    server.close(1)
    server = VllmServer(command("m", "m", "127.0.0.1", port, ["--hang"]), None)
    with pytest.raises(WorkerError, match=r"did not answer within 0\.1 seconds"):
        server.wait_until_ready("127.0.0.1", port, 0.1)
    server.close(5)
    with pytest.raises(ProcessLookupError):
        os.killpg(server._process.pid, 0)


def test_one_that_ends_by_itself_is_an_error(vllm, port):
    server = VllmServer(command("m", "m", "127.0.0.1", port, ["--fail"]), None)
    with pytest.raises(WorkerError, match="ended with exit code 3"):
        server.wait()
    server.close(1)
