"""Requests that join and leave a running batch get what `generate` gives them alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from r1light.core.errors import DataError, EngineError
from r1light.core.types import RolloutRequest, SamplingParams
from r1light.rollout.hf import HuggingFace
from r1light.rollout.native import Native

EOS = 7
WAYS = (
    SamplingParams(n=2, temperature=0.0, max_tokens=20),
    SamplingParams(n=3, temperature=1.0, top_p=0.8, max_tokens=30, seed=5),
    SamplingParams(n=1, temperature=0.7, top_k=9, max_tokens=40, seed=2, stop=("$", "+,")),
    SamplingParams(n=2, temperature=1.0, max_tokens=1, seed=-3),
)


@pytest.fixture(params=["native", "hf"])
def make_engine(request, qwen2, decode):
    def make(slots):
        if request.param == "native":
            return Native(Native.Config(max_slots=slots, prefill_tokens=64), qwen2, decode, [EOS])
        return HuggingFace(HuggingFace.Config(batch_size=slots), qwen2, decode, [EOS])

    return make


def alone(engine, request, params):
    (group,) = engine.generate([request], params)
    return group.completions


def run(live, arrivals):
    """Join each request at its step; returns tickets and what was written."""
    tickets, written, step = {}, [], 0
    while live.busy or len(tickets) < len(arrivals):
        for place, (at, request, params, likeliest) in enumerate(arrivals):
            if place not in tickets and at <= step:
                tickets[place] = live.join(request, params, likeliest)
        written += live.step()
        step += 1
    return tickets, written


@pytest.mark.parametrize("slots", [2, 64])
def test_each_gets_what_it_gets_alone_whenever_it_joins(make_engine, make_requests, slots):
    engine = make_engine(slots)
    requests = make_requests([5, 12, 1, 30, 3, 8])
    arrivals = [(3 * place, each, WAYS[place % 4], None) for place, each in enumerate(requests)]
    tickets, written = run(engine.live(), arrivals)
    for place, (_, request, params, _) in enumerate(arrivals):
        wanted = alone(engine, request, params)
        for index, completion in enumerate(wanted):
            its = [each for each in written if (each.ticket, each.index) == (tickets[place], index)]
            assert tuple(each.token for each in its) == completion.token_ids
            assert [each.completion is not None for each in its] == [False] * (len(its) - 1) + [True]
            got = its[-1].completion
            assert (got.text, got.finish_reason) == (completion.text, completion.finish_reason)
            assert got.logprobs == pytest.approx(completion.logprobs, abs=1e-4)


def test_one_that_leaves_disturbs_nobody_and_frees_its_slot(make_engine, make_requests):
    engine = make_engine(2)
    live = engine.live()
    params = replace(WAYS[1], n=2, max_tokens=25)
    first, second, third = make_requests([4, 6, 9])
    gone = live.join(first, params)
    stays = live.join(second, params)
    for _ in range(3):
        live.step()
    waits = live.join(third, params)
    live.leave(waits)  # it has not begun
    live.leave(gone)  # its two completions stand in both slots
    live.leave(gone)
    written = []
    while live.busy:
        written += live.step()
    assert {each.ticket for each in written} == {stays}
    texts = sorted((each.index, each.completion.text) for each in written if each.completion)
    assert [text for _, text in texts] == [each.text for each in alone(engine, second, params)]


def test_likeliest_tokens_are_those_of_the_model_at_temperature_one(make_engine, make_requests, qwen2):
    (request,) = make_requests([6])
    live = make_engine(4).live()
    _, written = run(live, [(0, request, SamplingParams(temperature=0.4, max_tokens=5, seed=1), 3)])
    ids = [*request.prompt_ids, *(each.token for each in written)]
    with torch.no_grad():
        logprobs = torch.log_softmax(qwen2(torch.tensor([ids])).logits[0, 5:-1].float(), -1)
    for row, each in zip(logprobs, written, strict=True):
        values, tokens = row.topk(3)
        assert [one.token for one in each.likeliest] == tokens.tolist()
        assert [one.logprob for one in each.likeliest] == pytest.approx(values.tolist(), abs=1e-4)
        assert each.chosen.token == each.token
        assert each.chosen.logprob == pytest.approx(float(row[each.token]), abs=1e-4)


def test_what_cannot_be_completed_is_refused_and_an_engine_that_closes_ends_it(make_engine, make_requests):
    engine = make_engine(4)
    live = engine.live()
    with pytest.raises(DataError, match="leaves no room"):
        live.join(RolloutRequest("long", (1,) * 96), SamplingParams())
    assert not live.busy
    live.join(make_requests([3])[0], SamplingParams())
    live.step()
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        live.step()


def test_weights_that_give_no_numbers_are_an_error(build_model, decode, make_requests):
    broken = build_model("Qwen2", tie_word_embeddings=True)
    torch.nn.init.constant_(broken.model.norm.weight, float("nan"))
    live = Native(Native.Config(), broken, decode, [EOS]).live()
    live.join(make_requests([3])[0], SamplingParams())
    with pytest.raises(EngineError, match="not finite"):
        live.step()
