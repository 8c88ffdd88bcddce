from __future__ import annotations

import logging
import shutil
from collections import namedtuple

import pytest
import torch

from r1light.training import shortage as module
from r1light.training.shortage import Shortage, state_bytes

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.WARNING, logger="r1light")
    return lambda: [record.getMessage() for record in caplog.records]


def test_memory_is_told_once_below_a_twentieth_and_again_when_it_had_been_there(tmp_path, monkeypatch, lines):
    left = [100e9]
    monkeypatch.setattr(module, "available_memory", lambda: left[0])
    shortage = Shortage(tmp_path)
    told = []
    for value in (6e9, 5e9, 4.9e9, 1e9, 50e9, 2e9):  # 5% of 100 GB is 5 GB
        left[0] = value
        shortage.of_memory()
        told.append(len(lines()))
    assert told == [0, 0, 1, 1, 1, 2]
    assert "4.9 GB of memory left, of 100.0 GB" in lines()[0]


def test_a_system_that_does_not_tell_is_not_warned_of(tmp_path, monkeypatch, lines):
    monkeypatch.setattr(module, "available_memory", lambda: None)
    Shortage(tmp_path).of_memory()
    assert lines() == []


@pytest.mark.parametrize(("free", "warned"), [(2_000_000, False), (1_999_999, True)])
def test_the_disk_has_to_hold_two_more_checkpoints(tmp_path, monkeypatch, lines, free, warned):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(10**9, 10**9 - free, free))
    Shortage(tmp_path).of_disk(1_000_000)
    assert bool(lines()) == warned


def test_a_checkpoint_has_the_trained_weights_and_two_moments_of_each():
    model = torch.nn.Sequential(torch.nn.Linear(3, 5, bias=False), torch.nn.Linear(5, 2, bias=False).half())
    model[1].requires_grad_(False)
    # 15 numbers of 4 bytes, three times; the frozen ones are read from the model's own files again
    assert state_bytes(model) == 15 * 4 * 3
