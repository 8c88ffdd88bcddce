"""A world of fake components, so that these tests say nothing about the real ones."""

import copy
import types

import pytest

from r1light.config import validate as module
from r1light.core.registry import GROUPS, Entry, Registry

COMPONENTS = """
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Clip:
    low: float = 0.2
    high: float | None = None


class Knobs:
    @dataclass(frozen=True, slots=True)
    class Config:
        size: int = 3
        rate: float = 0.5
        mode: Literal["fast", "slow"] = "fast"
        digits: tuple[int, ...] = (3, 4)
        path: str | None = None
        clip: Clip = field(default_factory=Clip)

        def __post_init__(self):
            if self.size < 1:
                raise ValueError(f"size={self.size} must be at least 1")


class Bare:
    pass
"""


@pytest.fixture(autouse=True)
def fake_registry(tmp_path, monkeypatch):
    (tmp_path / "fake_knobs.py").write_text(COMPONENTS)
    monkeypatch.syspath_prepend(tmp_path)
    names = {"knobs": "Knobs", "bare": "Bare"}
    registries = {
        group: Registry(group, [Entry(group, name, f"fake_knobs:{names[name]}", "fake") for name in names])
        for group in GROUPS
    }
    monkeypatch.setattr(module, "registry", registries.__getitem__)


@pytest.fixture
def find_stage(fake_registry):
    """A stage with options, and one without."""
    import fake_knobs

    def find(name):
        return (
            types.SimpleNamespace(Config=fake_knobs.Knobs.Config)
            if name == "train"
            else types.SimpleNamespace()
        )

    return find


@pytest.fixture
def plain():
    """A composed configuration that is right."""
    return copy.deepcopy(
        {
            "seed": 1,
            "stage": {"name": "train", "size": 5},
            "model": {"name": "bare"},
            "data": {"name": "knobs", "recommended": {"iterations": 30}, "digits": [2]},
            "template": {"name": "bare"},
            "reward": {
                "max_error_rate": 0.5,
                "components": {"knobs": {"weight": 2, "rate": 1}, "again": {"name": "knobs"}, "bare": {}},
            },
            "rollout": {"name": "bare"},
            "trainer": {"accelerator": "cpu"},
            "logger": {},
        }
    )
