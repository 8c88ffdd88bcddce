"""What tests of several folders share: pipelines' folders, a chat server, and a headless browser."""

from __future__ import annotations

import json
import os
import select
import shutil
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from r1light.core.run_folder import RunFolder

if shutil.which("nvidia-smi") is None:
    os.environ["TRITON_INTERPRET"] = "1"  # read when Triton is first imported, by whichever test that is

_handle_error = socketserver.BaseServer.handle_error


def _not_of_lost_clients(server: socketserver.BaseServer, request: Any, address: Any) -> None:
    """Clients leave servers of tests before they have answered: a traceback would land in another test."""
    if not isinstance(sys.exception(), ConnectionError):
        _handle_error(server, request, address)


socketserver.BaseServer.handle_error = _not_of_lost_clients  # type: ignore[method-assign]


def write_lines(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def write_step(root: Path, key: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Write a step's run folder; returns its entry of pipeline.json."""
    name, _, seed = key.partition("@")
    link = f"steps/{name}/seed-{seed}"
    folder = RunFolder(root / link)
    folder.path.mkdir(parents=True)
    stage = given.get("stage", "evaluate")
    if "metrics" in given:
        result = {"stage": stage, "metrics": given["metrics"], "outputs": given.get("outputs", {})}
        folder.result.write_text(json.dumps(result), encoding="utf-8")
    if "manifest" in given:
        folder.manifest.write_text(json.dumps(given["manifest"]), encoding="utf-8")
    if "config" in given:
        folder.config.write_text(given["config"], encoding="utf-8")
    files = (
        ("rows", folder.metrics),
        ("samples", folder.samples),
        ("dropped", folder.path / "dropped.jsonl"),
    )
    for what, path in files:
        if what in given:
            write_lines(path, given[what])
    if given.get("report"):
        folder.report.write_text("<!DOCTYPE html><title>a step</title>", encoding="utf-8")
    kept = ("title", "needs", "state", "reused", "why", "started", "seconds", "overrides")
    entry = {"key": key, "name": name, "seed": int(seed), "stage": stage, "folder": link, "state": "done"}
    return entry | {field: given[field] for field in kept if field in given}


@pytest.fixture
def make_pipeline(tmp_path: Path) -> Callable[..., RunFolder]:
    """Write a pipeline's folder: pipeline.json, and a run folder for each of `steps`, by key."""

    def make(
        steps: Mapping[str, Mapping[str, Any]],
        questions: Mapping[str, Any] | None = None,
        /,
        *,
        name: str = "pipeline",
        result: Mapping[str, float] | None = None,
        **top: Any,
    ) -> RunFolder:
        folder = RunFolder(tmp_path / name)
        folder.path.mkdir()
        entries = [write_step(folder.path, key, given) for key, given in steps.items()]
        value: dict[str, Any] = {
            "name": "mini",
            "title": "A miniature",
            "scale": None,
            "seeds": sorted({entry["seed"] for entry in entries}),
            "jobs": 1,
            "inputs": {},
            "story": [],
            "questions": questions or {},
            "steps": entries,
        }
        (folder.path / "pipeline.json").write_text(json.dumps(value | top), encoding="utf-8")
        if result is not None:
            folder.result.write_text(json.dumps({"stage": "pipeline", "metrics": result}), encoding="utf-8")
        return folder

    return make


_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --remote-debugging-pipe"
)
_DEADLINE = 40.0  # seconds for one answer


class Chromium:
    """A headless browser, driven over its debugging pipe: keys, media and what stands in the page."""

    def __init__(self, path: str, profile: Path) -> None:
        to_read, self._to = os.pipe()
        self._from, to_write = os.pipe()
        command = f'exec "{path}" {_FLAGS} "--user-data-dir={profile}" 3<&{to_read} 4>&{to_write}'
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(
            ["bash", "-c", command], pass_fds=(to_read, to_write), stdout=quiet, stderr=quiet
        )
        os.close(to_read)
        os.close(to_write)
        self._buffer, self._number, self._session = b"", 0, ""
        self.addresses: list[str] = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime"):
            self._call(f"{domain}.enable")

    def close(self) -> None:
        self._process.kill()
        self._process.wait(20)
        os.close(self._to)
        os.close(self._from)

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        return self._until(lambda one: one.get("id") == self._number)["result"]

    def _until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        end = time.monotonic() + _DEADLINE
        while True:
            while b"\0" in self._buffer:
                text, _, self._buffer = self._buffer.partition(b"\0")
                message = json.loads(text)
                if message.get("method") == "Network.requestWillBeSent":
                    self.addresses.append(message["params"]["request"]["url"])
                if "error" in message:
                    raise RuntimeError(str(message["error"]))
                if wanted(message):
                    return message
            if not select.select([self._from], [], [], max(0.0, end - time.monotonic()))[0]:
                raise TimeoutError("the browser did not answer")
            self._buffer += os.read(self._from, 1 << 20)

    def open(self, page: Path, fragment: str = "") -> None:
        self.addresses.clear()
        self._call("Page.navigate", url="about:blank")
        self._call("Page.navigate", url=page.as_uri() + fragment)
        self._until(lambda one: one.get("method") == "Page.loadEventFired")
        end = time.monotonic() + _DEADLINE
        while self.js("document.readyState + location.protocol") != "completefile:":
            if time.monotonic() > end:
                raise TimeoutError("the page did not load")
            time.sleep(0.02)

    def js(self, expression: str) -> Any:
        """The value of an expression in the page."""
        found = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in found:
            raise RuntimeError(str(found["exceptionDetails"]))
        return found["result"].get("value")

    def press(self, *keys: str) -> None:
        for key in keys:
            text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
            code = {"Enter": 13, "Tab": 9, "Escape": 27}.get(key, ord(key[0].upper()))
            said = {"key": key, "windowsVirtualKeyCode": code}
            self._call("Input.dispatchKeyEvent", type="keyDown", text=text, **said)
            self._call("Input.dispatchKeyEvent", type="keyUp", **said)

    def show(self, width: int = 1280, height: int = 900, *, media: str = "", dark: bool = False) -> None:
        """As a window of that size, on screen or on paper."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", **size)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self._call("Emulation.setEmulatedMedia", media=media, features=scheme)

    def picture(self) -> bytes:
        """The window as base64 of a PNG."""
        return self._call("Page.captureScreenshot")["data"].encode()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    path = next((path for path in map(shutil.which, _NAMES) if path), None)
    if path is None:
        pytest.skip("no Chromium on the path")
    browser = Chromium(path, tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


class ChatServer:
    """An OpenAI-like server on the loopback: a function makes the first choice of what a request sent."""

    def __init__(self, choice: Callable[[Mapping[str, Any]], Mapping[str, Any] | str]) -> None:
        outer, self.requests = self, []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.requests.append((dict(self.headers), sent))
                found = choice(sent)
                if isinstance(found, str):
                    found = {"message": {"content": found}, "finish_reason": "stop"}
                body = json.dumps({"choices": [found]}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/v1"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def chat_server() -> Iterator[Callable[..., ChatServer]]:
    """Start servers that end with the test."""
    servers: list[ChatServer] = []

    def start(choice: Callable[[Mapping[str, Any]], Mapping[str, Any] | str]) -> ChatServer:
        servers.append(ChatServer(choice))
        return servers[-1]

    yield start
    for server in servers:
        server.http.shutdown()
        server.http.server_close()
