"""The settings of the sandbox: their defaults hold together, and what cannot be is refused."""

from __future__ import annotations

import dataclasses

import pytest

from r1light.core.sandbox import Limits, RemoteOptions, SandboxConfig


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Limits)])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_a_limit_is_above_0(name, value):
    with pytest.raises(ValueError, match=rf"{name}={value} must be above 0"):
        Limits(**{name: value})


def test_a_test_gets_less_cpu_time_than_wall_clock_and_a_program_more():
    limits = Limits()
    assert limits.cpu_seconds < limits.wall_seconds < limits.program_seconds


@pytest.mark.parametrize("values", [{"retries": -1}, {"backoff_seconds": -0.1}, {"slack_seconds": 0}])
def test_remote_options_that_cannot_be(values):
    with pytest.raises(ValueError, match=r"retries=.* must not be negative, slack_seconds=.* above 0"):
        RemoteOptions(**values)


@pytest.mark.parametrize("values", [{"isolation": "remote"}, {"url": "http://localhost:8080"}])
def test_a_url_goes_with_remote(values):
    with pytest.raises(ValueError, match=r"a url goes with isolation=remote"):
        SandboxConfig(**values)
    assert SandboxConfig(isolation="remote", url="http://localhost:8080").url


def test_workers_are_at_least_one():
    with pytest.raises(ValueError, match="workers=0 must be at least 1, or null"):
        SandboxConfig(workers=0)
    assert SandboxConfig(workers=1).workers == 1
