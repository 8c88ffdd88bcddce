from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from r1light.core.errors import ResumeError, StorageError
from r1light.training.checkpoint import (
    AtomicCheckpointIO,
    checkpoint_name,
    keep_trained,
    prune,
    restore_rng,
    rng_state,
    saved_checkpoints,
    set_aside,
)
from r1light.training.fit import newest_readable


def draws():
    return random.random(), np.random.rand(), float(torch.rand(1)), random.gauss(0, 1)


def test_generators_go_on_where_they_were_and_the_state_loads_safely(tmp_path):
    random.gauss(0, 1)  # leaves a cached second draw
    np.random.randn()
    torch.save(rng_state(), tmp_path / "rng")
    expected = draws()
    draws()
    restore_rng(torch.load(tmp_path / "rng", weights_only=True))
    assert draws() == expected


def test_names_sort_by_iteration_and_other_files_are_ignored(tmp_path):
    for iteration in (2, 10, 9):
        AtomicCheckpointIO().save_checkpoint({"iteration": iteration}, tmp_path / checkpoint_name(iteration))
    (tmp_path / ".iteration-000011.ckpt.1.tmp").touch()
    (tmp_path / "iteration-x.ckpt").touch()
    names = [path.name for path in saved_checkpoints(tmp_path)]
    assert names == ["iteration-000010.ckpt", "iteration-000009.ckpt", "iteration-000002.ckpt"]
    prune(tmp_path, keep=2)
    assert [path.name for path in saved_checkpoints(tmp_path)] == names[:2]
    assert not list(tmp_path.glob(".*"))
    assert sorted(path.name for path in tmp_path.glob("*.sha256")) == sorted(
        f"{name}.sha256" for name in names[:2]
    )


def test_going_back_sets_later_checkpoints_aside(tmp_path):
    for iteration in (1, 2, 3):
        AtomicCheckpointIO().save_checkpoint({}, tmp_path / checkpoint_name(iteration))
    set_aside(tmp_path, 1)
    assert [path.name for path in saved_checkpoints(tmp_path)] == ["iteration-000001.ckpt"]
    assert (tmp_path / "iteration-000003.ckpt.old").exists()


def test_a_write_that_fails_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(value, file):
        file.write(b"half")
        raise RuntimeError("PytorchStreamWriter failed writing file")

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(StorageError, match="PytorchStreamWriter failed"):
        AtomicCheckpointIO().save_checkpoint({}, tmp_path / checkpoint_name(1))
    assert not list(tmp_path.iterdir())


def test_the_newest_that_loads_is_taken_and_the_damaged_are_named(tmp_path):
    good, bad, empty = (tmp_path / checkpoint_name(iteration) for iteration in (1, 2, 3))
    torch.save({"progress": {"iteration": 1}}, good)
    bad.write_bytes(good.read_bytes()[:100])
    empty.touch()
    path, iteration, damaged = newest_readable([empty, bad, good])
    assert (path, iteration) == (good, 1)
    assert [line.split(" is damaged")[0] for line in damaged] == [str(empty), str(bad)]
    with pytest.raises(ResumeError, match="no checkpoint loads"):
        newest_readable([empty, bad])
    assert newest_readable([]) == (None, 0, [])


def test_one_flipped_bit_in_the_middle_sends_a_run_back_to_the_checkpoint_before(tmp_path):
    paths = [tmp_path / checkpoint_name(iteration) for iteration in (1, 2)]
    for iteration, path in enumerate(paths, start=1):
        state = {"progress": {"iteration": iteration}, "weights": torch.zeros(1000)}
        AtomicCheckpointIO().save_checkpoint(state, path)
    data = bytearray(paths[1].read_bytes())
    data[len(data) // 2] ^= 1  # among the weights, where torch.load itself sees nothing
    paths[1].write_bytes(data)
    assert torch.load(paths[1], weights_only=True)["progress"] == {"iteration": 2}
    path, iteration, damaged = newest_readable([paths[1], paths[0]])
    assert (path, iteration) == (paths[0], 1)
    assert damaged == [f"{paths[1]} is damaged ({paths[1].name} is not what {paths[1].name}.sha256 says)"]


def test_what_is_frozen_is_left_out_with_the_scales_of_4_bits():
    frozen = torch.nn.Linear(2, 2, bias=False).requires_grad_(False)
    module = torch.nn.ModuleDict({"base": frozen, "adapter": torch.nn.Linear(2, 2)})
    scales = {f"base.weight.{name}": torch.ones(1) for name in ("absmax", "quant_map")}  # bitsandbytes' names
    weights = module.state_dict() | scales
    checkpoint = {"state_dict": weights}
    keep_trained(module, checkpoint)
    assert sorted(checkpoint["state_dict"]) == ["adapter.bias", "adapter.weight"]
