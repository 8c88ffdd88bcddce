from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest
import torch
from torch.multiprocessing.reductions import StorageWeakRef

from r1light.core.errors import ConfigError
from r1light.training.offload import Offload, Parking, offload_for

CPU = torch.device("cpu")


def released(tensor):
    """A function that says whether the memory that the tensor now has is free."""
    return StorageWeakRef(tensor.untyped_storage()).expired


def stepped():
    """A layer after one update, and its optimiser."""
    torch.manual_seed(0)
    layer = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(layer.parameters(), lr=0.1)
    update(layer, optimizer)
    return layer, optimizer


def update(layer, optimizer):
    layer(torch.ones(1, 3)).square().sum().backward()
    optimizer.step()
    optimizer.zero_grad()


def moments(optimizer):
    return [state[name] for state in optimizer.state.values() for name in ("exp_avg", "exp_avg_sq")]


def test_what_is_parked_lets_its_memory_go_and_comes_back_as_it_was():
    tensor = torch.nn.Parameter(torch.tensor([1.5, -0.0, float("nan")]))
    bits = tensor.detach().view(torch.int32).clone()
    parking, gone = Parking(CPU), released(tensor)
    parking.park([tensor])
    assert gone()
    assert torch.equal(tensor.detach().view(torch.int32), bits)
    parked = tensor.data_ptr()
    parking.fetch()
    assert tensor.data_ptr() != parked
    assert torch.equal(tensor.detach().view(torch.int32), bits)
    assert isinstance(tensor, torch.nn.Parameter)
    parking.park([tensor])
    assert tensor.data_ptr() == parked, "the host's memory is used again"


def test_parking_twice_is_parking_once_and_fetching_nothing_is_nothing():
    tensor, parking = torch.ones(2), Parking(CPU)
    parking.fetch()
    parking.park([tensor])
    where = tensor.data_ptr()
    parking.park([tensor])
    assert tensor.data_ptr() == where
    parking.fetch()
    assert tensor.tolist() == [1.0, 1.0]


def test_an_update_after_parking_is_the_one_without():
    plain, parked = stepped(), stepped()
    module = SimpleNamespace(policy=parked[0], reference=None)
    offload = Offload(["optimizer", "policy", "reference"], object(), Parking(CPU))
    for _ in range(2):
        gone = [released(each) for each in (*parked[0].parameters(), *moments(parked[1]))]
        offload.on_train_batch_end(SimpleNamespace(optimizers=[parked[1]]), module, None, None, 0)
        assert all(each() for each in gone)
        offload.fetch()
        for layer, optimizer in (plain, parked):
            update(layer, optimizer)
    for one, other in zip(plain[0].parameters(), parked[0].parameters(), strict=True):
        assert torch.equal(one, other)
    for one, other in zip(moments(plain[1]), moments(parked[1]), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("what", ["optimizer", "policy", "reference"])
def test_only_what_is_asked_is_parked(what):
    layer, optimizer = stepped()
    reference = torch.nn.Linear(3, 2)
    module = SimpleNamespace(policy=layer, reference=SimpleNamespace(tensors=list(reference.parameters())))
    freed = []
    engine = SimpleNamespace(free_cache=lambda: freed.append(True))
    offload = Offload([what], engine, Parking(CPU))
    held = {
        "optimizer": [released(each) for each in moments(optimizer)],
        "policy": [released(each) for each in layer.parameters()],
        "reference": [released(each) for each in reference.parameters()],
    }
    offload.on_train_start(SimpleNamespace(optimizers=[optimizer]), module)
    for name, gone in held.items():
        assert all(each() == (name == what) for each in gone), name
    assert not freed
    offload.fetch()
    assert freed, "the engine's cache makes room for the update"


def test_nothing_asked_moves_nothing_and_leaves_the_cache():
    layer, optimizer = stepped()
    engine = SimpleNamespace(free_cache=lambda: pytest.fail("the cache is kept"))
    offload = offload_for((), engine, CPU)
    where = [each.data_ptr() for each in layer.parameters()]
    module = SimpleNamespace(policy=layer, reference=None)
    offload.on_train_start(SimpleNamespace(optimizers=[optimizer]), module)
    offload.fetch()
    assert [each.data_ptr() for each in layer.parameters()] == where


def test_on_a_cpu_nothing_is_moved_and_one_line_says_so(caplog):
    with caplog.at_level(logging.WARNING):
        offload = offload_for(("optimizer", "policy"), object(), CPU)
    assert offload.what == frozenset()
    (record,) = caplog.records
    assert record.getMessage().startswith("stage.offload=[optimizer,policy]: nothing is moved")


def test_an_engine_that_writes_with_the_policy_keeps_it():
    engine = SimpleNamespace(shares_weights=True)
    with pytest.raises(ConfigError, match=r"stage.offload=\[policy\].*leave policy out"):
        offload_for(("policy",), engine, torch.device("cuda"))
    assert offload_for(("optimizer",), engine, torch.device("cuda")).what == {"optimizer"}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_its_memory_is_free_while_numbers_are_parked():
    tensors = [torch.randn(2**24, device="cuda") for _ in range(2)]
    kept = [tensor.cpu() for tensor in tensors]
    before, parking = torch.cuda.memory_allocated(), Parking(CPU)
    parking.park(tensors)
    assert before - torch.cuda.memory_allocated() == 2 * 4 * 2**24
    assert all(tensor.is_pinned() for tensor in tensors)
    parking.fetch()
    assert all(tensor.is_cuda for tensor in tensors)
    assert all(torch.equal(one.cpu(), other) for one, other in zip(tensors, kept, strict=True))


def test_nothing_is_parked_while_completions_are_drawn():
    ahead = SimpleNamespace(async_steps=1)
    with pytest.raises(ConfigError, match=r"stage\.offload=\[optimizer\]: .*rollout\.async_steps=1"):
        offload_for(["optimizer"], ahead, torch.device("cuda"))


def test_an_engine_that_can_sleep_does_for_the_update():
    slept = []
    engine = SimpleNamespace(sleep=lambda: slept.append(True))
    Offload([], engine, Parking(torch.device("cpu"))).fetch()
    assert slept == [True]
