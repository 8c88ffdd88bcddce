"""One request to a server: what ends it, and that the key is never shown."""

from __future__ import annotations

import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from r1light.core.errors import ConfigError, EngineError
from r1light.rollout.vllm.client import Client, Unanswered

KEY = "k3y-of-the-server"


@pytest.fixture
def serve():
    """A server that answers every POST as it is told: status, text, and seconds before it does."""
    servers = []

    def start(status=200, text="{}", seconds=0.0):
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                time.sleep(seconds)
                body = (text or str(self.headers["Authorization"])).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        servers[-1].daemon_threads = True
        threading.Thread(target=servers[-1].serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_an_answer_is_parsed(serve):
    assert Client(serve(text='{"a": [1]}'), KEY).post("/x", {}, 10) == {"a": [1]}


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_may_pass_is_unanswered(serve, status):
    with pytest.raises(Unanswered, match=f"status {status}"):
        Client(serve(status), KEY).post("/x", {}, 10)


def test_a_refusal_is_an_error_and_shows_no_key(serve):
    with pytest.raises(EngineError, match=r"status 400: Bearer \*\*\*") as caught:  # it echoes the key
        Client(serve(400, text=""), KEY).post("/x", {}, 10)
    assert KEY not in str(caught.value)
    with pytest.raises(EngineError, match="no JSON"):
        Client(serve(text="<html>"), KEY).post("/x", {}, 10)


def test_a_wrong_key_is_the_users_to_put_right(serve):
    with pytest.raises(ConfigError, match="is the key in MY_KEY right"):
        Client(serve(401), KEY, "MY_KEY").post("/x", {}, 10)


def test_a_slow_server_and_none_at_all_are_unanswered(serve):
    with pytest.raises(Unanswered, match="TimeoutError"):
        Client(serve(seconds=5), KEY).post("/x", {}, 0.1)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    gone = Client(f"http://127.0.0.1:{port}", KEY)
    with pytest.raises(Unanswered, match="refused"):
        gone.post("/x", {}, 10)
    assert not gone.healthy()


def test_a_wait_can_be_cut(serve):
    client = Client(serve(seconds=30), KEY)
    timer = threading.Timer(0.2, client.cut)
    timer.start()
    with pytest.raises(Unanswered):
        client.post("/x", {}, 60)
    timer.join()
