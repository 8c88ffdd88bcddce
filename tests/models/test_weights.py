"""What ships with the package: the weights, their manifest, and that they are as the manifest says."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

import r1light.models

WEIGHTS = Path(r1light.models.__file__).parent / "weights"
NAMES = ("tiny", "tiny_student")


def test_both_together_are_under_four_megabytes():
    assert sum(path.stat().st_size for path in WEIGHTS.rglob("*") if path.is_file()) < 4 * 2**20


@pytest.mark.parametrize("name", NAMES)
def test_the_weights_are_those_of_the_manifest(name):
    manifest = json.loads((WEIGHTS / name / "manifest.json").read_text())
    weights = (WEIGHTS / name / "model.safetensors").read_bytes()
    assert hashlib.sha256(weights).hexdigest() == manifest["weights_sha256"]
    assert manifest["command"] == "python -m r1light stage=base trainer=gpu"


@pytest.mark.parametrize("name", NAMES)
def test_training_had_converged(name):
    manifest = json.loads((WEIGHTS / name / "manifest.json").read_text())
    gain = 1 - manifest["held_out_loss"] / manifest["held_out_loss_at_nine_tenths"]
    assert gain < 0.03, "the last tenth of training lowers the loss by less than 3%"
    assert manifest["held_out_loss"] > 0


def test_nothing_but_data_is_in_there():
    suffixes = {path.suffix for path in WEIGHTS.rglob("*") if path.is_file()}
    assert suffixes <= {".safetensors", ".json", ".jinja", ".md"}
