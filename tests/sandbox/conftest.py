"""Real sandboxes, opened once for each tier."""

import functools

import pytest

from r1light.core.errors import SandboxError
from r1light.sandbox.box import open_sandbox
from r1light.sandbox.types import SandboxConfig

WORKERS = 2


@functools.cache
def opened(tier):
    try:
        return open_sandbox(SandboxConfig(isolation=tier), WORKERS)
    except SandboxError as error:
        return error


@pytest.fixture(scope="session", autouse=True)
def _close_boxes():
    yield
    for tier in ("namespaces", "landlock"):
        box = opened(tier)
        if not isinstance(box, SandboxError):
            box.close()
    opened.cache_clear()


@pytest.fixture(params=["namespaces", "landlock"])
def box(request):
    """A sandbox of each tier that this machine has."""
    box = opened(request.param)
    if isinstance(box, SandboxError):
        pytest.skip(str(box))
    return box


@pytest.fixture
def any_box():
    """A sandbox of the first tier that this machine has."""
    for tier in ("namespaces", "landlock"):
        if not isinstance(opened(tier), SandboxError):
            return opened(tier)
    return pytest.skip(str(opened("landlock")))
