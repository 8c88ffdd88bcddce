import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from huggingface_hub import constants

from r1light.doctor.hub import look_at_hub


@pytest.fixture
def server():
    """A real one on loopback; its handler answers HEAD with `code`."""

    class Handler(BaseHTTPRequestHandler):
        code = 200

        def do_HEAD(self):
            self.send_response(self.code)
            self.end_headers()

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield Handler, f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def online(monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)


@pytest.mark.parametrize(("code", "state"), [(200, "ok"), (401, "ok"), (503, "warning")])
def test_any_answer_but_a_servers_error_will_do(server, code, state):
    server[0].code = code
    assert look_at_hub(5.0, server[1]).state == state


def test_a_server_that_does_not_answer_is_given_up():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        finding = look_at_hub(0.2, f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert finding.state == "warning"
    assert "timed out" in finding.told


def test_offline_by_wish_is_a_note(monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert look_at_hub(0.1, "http://127.0.0.1:1").state == "note"
