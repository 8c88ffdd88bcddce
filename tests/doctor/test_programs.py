from r1light.core.sandbox import SandboxConfig
from r1light.doctor.programs import look_at_sandbox


def test_the_sandbox_of_this_machine_passes_or_says_why():
    finding = look_at_sandbox(SandboxConfig())
    assert finding.state == "ok", finding.told
    assert "self-test" in finding.told


def test_a_sandbox_that_was_not_allowed_is_a_problem(monkeypatch):
    monkeypatch.delenv("R1LIGHT_ALLOW_UNSAFE_CODE", raising=False)
    finding = look_at_sandbox(SandboxConfig(isolation="unsafe"))
    assert finding.state == "problem"
    assert "R1LIGHT_ALLOW_UNSAFE_CODE=1" in finding.told


def test_one_that_confines_nothing_is_a_warning(monkeypatch):
    monkeypatch.setenv("R1LIGHT_ALLOW_UNSAFE_CODE", "1")
    assert look_at_sandbox(SandboxConfig(isolation="unsafe")).state != "ok"
