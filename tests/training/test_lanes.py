"""Passes side by side give what passes one after the other give."""

from __future__ import annotations

import threading

import pytest
import torch

from r1light.training.lanes import MAX_LANES, MAX_PARAMETERS, Lanes, lanes_for


def squares(lanes):
    """Adds the gradient of (w . x)^2 and returns w . x."""

    def one(x):
        product = (lanes.model.weight[0] * x).sum()
        product.square().backward()
        return product.item()

    return one


def tied():
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
    model[1].weight = model[0].weight
    return model


def test_gradients_and_results_are_those_of_one_lane():
    model = torch.nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        model.weight[:] = torch.tensor([[2.0, -1.0]])
    items = [torch.tensor([1.0, 0.0]), torch.tensor([0.0, 3.0]), torch.tensor([1.0, 1.0])]
    lanes = Lanes(model, 2)
    assert lanes.map(squares(lanes), items) == [2.0, -3.0, 1.0]
    # sums of 2 (w . x) x: 4 (1, 0) - 6 (0, 3) + 2 (1, 1) = (6, -16)
    assert model.weight.grad.tolist() == [[6.0, -16.0]]


def test_lanes_see_weights_that_have_changed_or_moved():
    model = torch.nn.Linear(2, 1, bias=False)
    lanes = Lanes(model, 3)
    with torch.no_grad():
        model.weight.zero_().add_(1.0)
    model.weight.data = model.weight.data * 2
    assert lanes.map(squares(lanes), [torch.ones(2)] * 3) == [4.0, 4.0, 4.0]


def test_each_lane_has_its_own_gradients_and_every_second_item():
    model = torch.nn.Linear(2, 1, bias=False)
    lanes = Lanes(model, 2)
    seen = lanes.map(lambda item: (item, threading.get_ident(), id(lanes.model)), [0, 1, 2, 3])
    assert seen[0][1:] == seen[2][1:] != seen[1][1:] == seen[3][1:]
    assert model.weight.grad is None


def test_tied_and_frozen_weights_stay_so():
    model = tied()
    model[0].bias.requires_grad_(False)
    other = Lanes(model, 2)._models[1]
    assert other[0].weight is other[1].weight
    assert other[0].weight.data_ptr() == model[0].weight.data_ptr()
    assert not other[0].bias.requires_grad


@pytest.mark.parametrize("count", [1, 2])
def test_an_exception_of_a_pass_is_raised(count):
    lanes = Lanes(torch.nn.Linear(2, 1), count)

    def fail(item):
        raise OSError(item)

    with pytest.raises(OSError, match="1"):
        lanes.map(fail, ["1", "1"])


def test_threads_of_the_caller_stay_as_they_were():
    before = torch.get_num_threads()
    Lanes(torch.nn.Linear(2, 1), 2).map(lambda item: item, [1, 2])
    assert torch.get_num_threads() == before


def test_small_models_have_lanes_and_large_or_short_ones_have_threads(monkeypatch):
    for threads, lanes in ((1, 1), (2, 2), (64, MAX_LANES)):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        assert lanes_for(torch.nn.Linear(2, 1)) == lanes
    assert lanes_for(torch.nn.Linear(MAX_PARAMETERS + 1, 1, bias=False)) == 1
    assert lanes_for(torch.nn.Linear(2, 1, dtype=torch.bfloat16)) == 1
    assert lanes_for(torch.nn.Linear(2, 1, device="meta")) == 1
