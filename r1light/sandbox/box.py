"""Opening a sandbox: the tier that the configuration asks for, or the first that passes its probes."""

from __future__ import annotations

import logging
import os
import sys

from r1light.core.errors import SandboxError
from r1light.sandbox.launch import LocalTier, SandboxFaultError, interpreters
from r1light.sandbox.local import LocalSandbox
from r1light.sandbox.selftest import run_probes
from r1light.sandbox.types import Sandbox, SandboxConfig

UNSAFE_VARIABLE = "R1LIGHT_ALLOW_UNSAFE_CODE"
"""Must be 1 in the environment for isolation=unsafe."""

_LOG = logging.getLogger(__name__)


def open_sandbox(config: SandboxConfig, workers: int) -> Sandbox:
    """Open a sandbox; use it as a context manager, or close it.

    Args:
        config: Which isolation, and the limits.
        workers: Programs that run at once.

    Raises:
        SandboxError: If programs cannot be confined here as the configuration asks; says why, and what to do.
    """
    if workers < 1:
        raise ValueError(f"workers={workers} must be at least 1")
    if config.isolation == "remote":
        from r1light.sandbox.remote import RemoteSandbox

        return RemoteSandbox(config, workers)
    if not sys.platform.startswith("linux"):
        raise SandboxError(
            f"programs cannot be confined on {sys.platform}; use sandbox.isolation=remote sandbox.url=..."
        )
    if config.isolation == "unsafe" and os.environ.get(UNSAFE_VARIABLE) != "1":
        raise SandboxError(
            "sandbox.isolation=unsafe lets model-written programs read your files and use the network; "
            f"to accept that, set {UNSAFE_VARIABLE}=1 in the environment"
        )
    tiers: list[LocalTier] = ["namespaces", "landlock"] if config.isolation == "auto" else [config.isolation]
    return _first_that_holds(config, tiers, workers)


def _first_that_holds(config: SandboxConfig, tiers: list[LocalTier], workers: int) -> Sandbox:
    reasons = []
    for tier in tiers:
        try:
            box = _open(config, tier, workers)
        except SandboxFaultError as fault:
            reasons.append(f"{tier}: {fault}")
            continue
        _LOG.info("programs run in the sandbox's tier %r, with Python %s", box.tier, box.python)
        return box
    raise SandboxError(
        f"model-written programs cannot be confined here ({'; '.join(reasons)}). One of these helps: allow "
        "unprivileged user namespaces (on Ubuntu, an AppArmor profile for this Python); in a container, "
        "--security-opt seccomp=unconfined, or a kernel from 5.13 on with Landlock; sandbox.isolation=remote "
        "sandbox.url=..."
    )


def _open(config: SandboxConfig, tier: LocalTier, workers: int) -> LocalSandbox:
    """Open a tier with the first interpreter that works in it, and probe it.

    Raises:
        SandboxFaultError: If it does not start, or does not hold.
    """
    first: SandboxFaultError | None = None
    for executable in interpreters():
        try:
            box = LocalSandbox(config, tier, executable, workers)
        except SandboxFaultError as fault:
            first = first or fault
            continue
        failed = [probe for probe in run_probes(box, thorough=False) if not probe.ok]
        if not failed:
            return box
        box.close()
        raise SandboxFaultError("; ".join(f"not so: {probe.name} ({probe.detail})" for probe in failed))
    assert first is not None
    raise first
