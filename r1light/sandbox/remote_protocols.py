"""What two public sandbox services are asked, and what their answers mean.

SandboxFusion, POST /run_code:
    {"code", "language": "python" | "cpp", "stdin", "compile_timeout", "run_timeout" in s, "memory_limit_MB"}
    -> {"status": "Success" | "Failed" | "SandboxError", "message", "compile_result", "run_result"}
    with results null or {"status", "return_code", "stdout", "stderr"}, their status one of "Finished",
    "TimeLimitExceeded", "Error"

Piston, POST /execute:
    {"language": "python" | "c++", "version", "files": [{"name", "content"}], "stdin",
     "compile_timeout", "run_timeout" in ms, "run_memory_limit" in bytes}
    -> {"run": stage, "compile": stage where there is one}, a stage {"code", "signal", "stdout", "stderr"}
    and, in newer versions, "status": null or "TO" (time), "OL", "EL" (output, error output), "XX" (its fault)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from r1light.core.sandbox import RemoteOptions
from r1light.sandbox.types import Limits, Program

Ending = Literal["ended", "compile_error", "timeout", "output_limit", "infra"]
"""How a run ended: by itself, or as the status of that name says."""
_OUT_OF_MEMORY = ("MemoryError", "std::bad_alloc")


class BadAnswerError(ValueError):
    """The service answered with something that is not of its protocol."""


@dataclass(frozen=True, slots=True)
class RemoteRun:
    """How one run went, in words common to the services.

    Attributes:
        ending: "ended" if the program ended by itself, well or not.
        stdout: What it wrote.
        failure: Why it did not end well, in one line; empty for exit status 0.
        out_of_memory: Whether it ended for want of memory, as far as can be told.
    """

    ending: Ending
    stdout: str = ""
    failure: str = ""
    out_of_memory: bool = False


@dataclass(frozen=True, slots=True)
class RemoteProtocol:
    """A service's way of running one program.

    Attributes:
        path: What is appended to the address.
        request: Program, standard input, limits and options, to the JSON to send.
        result: The JSON of the answer to what it means; raises BadAnswerError.
    """

    path: str
    request: Callable[[Program, str, Limits, RemoteOptions], dict[str, Any]]
    result: Callable[[Mapping[str, Any]], RemoteRun]


def _fusion_request(program: Program, stdin: str, limits: Limits, options: RemoteOptions) -> dict[str, Any]:
    del options
    return {
        "code": program.code,
        "language": program.language,
        "stdin": stdin,
        "compile_timeout": limits.compile_wall_seconds,
        "run_timeout": limits.wall_seconds,
        "memory_limit_MB": limits.memory_mib,
    }


def _fusion_result(answer: Mapping[str, Any]) -> RemoteRun:
    status = answer.get("status")
    if status == "SandboxError":
        return RemoteRun("infra", failure=f"its own error: {_text(answer, 'message')}")
    if status not in ("Success", "Failed"):
        raise BadAnswerError(f"its status is {status!r}")
    compiled = _stage(answer, "compile_result")
    if compiled is not None and (compiled.get("status") != "Finished" or compiled.get("return_code") != 0):
        return RemoteRun("compile_error", failure=_last_line(_text(compiled, "stderr")) or "does not compile")
    run = _stage(answer, "run_result")
    if run is None:
        raise BadAnswerError("it holds no run_result")
    stdout, ending = _text(run, "stdout"), run.get("status")
    if ending == "TimeLimitExceeded":
        return RemoteRun("timeout", stdout, "wall clock")
    if ending != "Finished":
        return RemoteRun("infra", failure=f"its own error: {_last_line(_text(run, 'stderr'))}")
    return _ended(stdout, _text(run, "stderr"), run.get("return_code"), None)


def _piston_request(program: Program, stdin: str, limits: Limits, options: RemoteOptions) -> dict[str, Any]:
    python = program.language == "python"
    return {
        "language": "python" if python else "c++",
        "version": options.python_version if python else options.cpp_version,
        "files": [{"name": "main.py" if python else "main.cpp", "content": program.code}],
        "stdin": stdin,
        "compile_timeout": int(limits.compile_wall_seconds * 1000),
        "run_timeout": int(limits.wall_seconds * 1000),
        "run_memory_limit": limits.memory_mib << 20,
    }


def _piston_result(answer: Mapping[str, Any]) -> RemoteRun:
    compiled, run = _stage(answer, "compile"), _stage(answer, "run")
    if compiled is not None and compiled.get("status") == "XX":
        return RemoteRun("infra", failure="its own error in compiling")
    if compiled is not None and (compiled.get("code") != 0 or compiled.get("signal") is not None):
        return RemoteRun("compile_error", failure=_last_line(_text(compiled, "stderr")) or "does not compile")
    if run is None:
        raise BadAnswerError("it holds no run")
    stdout, status = _text(run, "stdout"), run.get("status")
    if status == "TO":
        return RemoteRun("timeout", stdout, "time")
    if status in ("OL", "EL"):
        return RemoteRun("output_limit", stdout, "the service's own limit")
    if status == "XX":
        return RemoteRun("infra", failure="its own error")
    return _ended(stdout, _text(run, "stderr"), run.get("code"), run.get("signal"))


PROTOCOLS: Mapping[str, RemoteProtocol] = {
    "sandboxfusion": RemoteProtocol("/run_code", _fusion_request, _fusion_result),
    "piston": RemoteProtocol("/execute", _piston_request, _piston_result),
}
"""By the name that `sandbox.remote.protocol` gives."""


def _ended(stdout: str, stderr: str, code: Any, signal: Any) -> RemoteRun:
    last = _last_line(stderr)
    out_of_memory = any(word in last for word in _OUT_OF_MEMORY)
    if signal is not None:
        return RemoteRun("ended", stdout, f"ended by {str(signal)[:20]}", out_of_memory)
    if not isinstance(code, int) or isinstance(code, bool):
        raise BadAnswerError(f"the exit status is {code!r}")
    if code == 0:
        return RemoteRun("ended", stdout)
    return RemoteRun("ended", stdout, f"exit status {code}: {last}".rstrip(": "), out_of_memory)


def _stage(answer: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    value = answer.get(key)
    if value is not None and not isinstance(value, Mapping):
        raise BadAnswerError(f"its {key} is {str(value)[:40]!r}")
    return value


def _text(stage: Mapping[str, Any], key: str) -> str:
    value = stage.get(key)
    if value is not None and not isinstance(value, str):
        raise BadAnswerError(f"its {key} is no text")
    return value or ""


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""
