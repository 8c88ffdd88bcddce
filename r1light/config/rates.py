"""Learning rates that a stage takes where none is given: those of full training, and more for adapters."""

from __future__ import annotations

from typing import Any

from omegaconf import OmegaConf

ADAPTER_FACTOR = 10.0
"""Adapters want about ten times the learning rate of full training (docs/lora.md has what was measured)."""


def register_rates() -> None:
    """Make OmegaConf know `${rate:1e-6}`; may be called again."""
    OmegaConf.register_new_resolver("rate", _rate, replace=True)


def _rate(full: float, *, _root_: Any) -> float:
    """The rate of full training, or that of the adapters which `model.lora` asks for."""
    if not OmegaConf.select(_root_, "model.lora.rank"):
        return full
    return float(f"{ADAPTER_FACTOR * full:.12g}")  # 1e-05, not 9.999999999999999e-06
