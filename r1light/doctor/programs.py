"""Whether programs that a model writes can be confined here."""

from __future__ import annotations

from r1light.core.errors import SandboxError
from r1light.core.sandbox import SandboxConfig
from r1light.doctor.finding import Finding
from r1light.sandbox.box import open_sandbox


def look_at_sandbox(config: SandboxConfig) -> Finding:
    """Open the sandbox that the configuration asks for, and have it try to break out of itself."""
    try:
        with open_sandbox(config, workers=1) as box:
            failed = [probe for probe in box.selftest() if not probe.ok]
            tier = box.tier
    except SandboxError as error:
        return Finding("sandbox", "problem", str(error), "data of programs cannot be judged here until then")
    if failed:
        told = "; ".join(f"{probe.name}: {probe.detail}" for probe in failed)
        return Finding("sandbox", "problem", f"tier {tier}: {told}", "see docs/sandbox.md")
    if tier == "unsafe":
        advice = "model-written programs can read your files: sandbox.isolation=auto"
        return Finding("sandbox", "warning", "tier unsafe confines nothing", advice)
    return Finding("sandbox", "ok", f"tier {tier} passes its self-test")
