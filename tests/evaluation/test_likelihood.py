"""Likelihoods beside a direct computation with transformers, in whatever batches and chunks."""

from __future__ import annotations

import pytest
import torch
import transformers

from r1light.evaluation import likelihood
from r1light.evaluation.likelihood import Continuation, Scorer, rolling

FAMILIES = ("Qwen2", "Llama", "GPT2", "Gemma2")
SHAPE = {"vocab_size": 61, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
         "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8,
         "max_position_embeddings": 64}  # fmt: skip


def build(family):
    torch.manual_seed(0)
    shape = {"vocab_size": 61, "n_embd": 32, "n_layer": 2, "n_head": 4} if family == "GPT2" else SHAPE
    shape |= {"attn_implementation": "eager", "bos_token_id": None, "eos_token_id": None, "pad_token_id": 0}
    if family == "Gemma2":
        shape["final_logit_softcapping"] = 0.05  # small, so that it shows
    config = getattr(transformers, f"{family}Config")(**shape)
    name = "GPT2LMHeadModel" if family == "GPT2" else f"{family}ForCausalLM"
    model = getattr(transformers, name)(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return model


def direct(model, context, ids):
    """The sum of log-probabilities and whether each id is the likeliest, text by text."""
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([[*context, *ids]])).logits[0, len(context) - 1 : -1].double()
    logprobs = torch.log_softmax(logits, dim=-1)
    total = logprobs[range(len(ids)), ids].sum().item()
    return total, logits.argmax(dim=-1).tolist() == list(ids)


def texts():
    generator = torch.Generator().manual_seed(1)
    for length in (1, 2, 5, 9, 30):
        for ids in (1, 3, 8):
            drawn = torch.randint(0, 61, (length + ids,), generator=generator).tolist()
            yield Continuation(drawn[:length], drawn[length:])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("batch_tokens", [1, 40, 8192])
def test_it_equals_transformers(family, batch_tokens, monkeypatch):
    monkeypatch.setattr(likelihood, "default_chunk_tokens", lambda vocabulary, device: 7)
    model = build(family)
    scorer = Scorer(model, batch_tokens)
    assert (scorer._head is None) == (family == "Gemma2")
    asked = list(texts())
    for each, found in zip(asked, scorer.score(asked), strict=True):
        total, greedy = direct(model, each.context, each.ids)
        assert found.logprob == pytest.approx(total, abs=1e-4)
        assert found.greedy == greedy


def test_greedy_is_what_greedy_decoding_writes():
    model = build("Qwen2")
    ids = [3, 1, 4]
    for _ in range(4):
        ids.append(int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
    other = [*ids[3:6], (ids[6] + 1) % 61]
    first, second, empty = Scorer(model).score(
        [Continuation(ids[:3], ids[3:]), Continuation(ids[:3], other), Continuation(ids[:3], [])]
    )
    assert (first.greedy, second.greedy) == (True, False)
    assert (empty.logprob, empty.greedy) == (0.0, True)


def test_windows_predict_each_token_once_with_as_much_before_it_as_fits():
    # ten tokens behind the prefix 99, and room for four: the last window scores two behind three
    found = rolling(list(range(10)), 99, 4)
    assert [(list(each.context), list(each.ids)) for each in found] == [
        ([99], [0, 1, 2, 3]),
        ([3], [4, 5, 6, 7]),
        ([5, 6, 7], [8, 9]),
    ]
    assert rolling([], 99, 4) == []


def test_windows_are_those_of_the_harness():
    utils = pytest.importorskip("lm_eval.utils")
    for length in range(1, 30):
        theirs = map(
            utils.make_disjoint_window,
            utils.get_rolling_token_windows(
                list(range(length)), prefix_token=99, max_seq_len=7, context_len=1
            ),
        )
        ours = [(list(each.context), list(each.ids)) for each in rolling(list(range(length)), 99, 7)]
        assert ours == list(theirs)
