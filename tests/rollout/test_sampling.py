import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from r1light.core.types import SamplingParams
from r1light.rollout import keys
from r1light.rollout.sampling import inverse_cdf, row_states, sample_tokens, truncate, uniforms

CPU = torch.device("cpu")
LOGITS = torch.tensor([1.2, -0.4, 0.0, 2.0, -3.0, 0.7, 0.1, -1.0])


def draw(logits_V, params, count):
    """Sample the same distribution by `count` rows, each the first token of another sample."""
    rows = [((0, row), 0) for row in range(count)]
    states_B = row_states(params.seed, rows, CPU)
    return sample_tokens(logits_V.expand(count, -1), params, states_B, torch.zeros(count, dtype=torch.int64))


def chi_square(tokens_B, probabilities_V):
    kept_V = probabilities_V > 0
    counts_V = torch.bincount(tokens_B, minlength=len(probabilities_V))
    assert counts_V[~kept_V].sum() == 0
    expected_V = probabilities_V[kept_V] * len(tokens_B)
    return float(((counts_V[kept_V] - expected_V) ** 2 / expected_V).sum())


@given(st.integers(0, 2**63 - 1), st.integers(-5, 2**40), st.integers(0, 10**6), st.integers(0, 10**5))
def test_tensors_and_python_draw_alike(seed, key, index, position):
    states_B = row_states(seed, [((key, 7), index)], CPU)
    drawn = uniforms(states_B, torch.tensor([position]))
    assert drawn.item() == keys.uniform(keys.row_state(seed, (key, 7), index), position)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.7])
def test_sampled_frequencies_are_the_softmax(temperature):
    tokens_B, logprobs_B = draw(LOGITS, SamplingParams(temperature=temperature, seed=1), 20_000)
    expected_V = torch.softmax(LOGITS.double() / temperature, 0)
    # 7 degrees of freedom: the 99.99th percentile of chi-square is 29.9.
    assert chi_square(tokens_B, expected_V) < 29.9
    torch.testing.assert_close(logprobs_B.double(), expected_V.log()[tokens_B], atol=1e-6, rtol=0)


def test_temperature_zero_takes_the_likeliest_and_reports_temperature_one():
    tokens_B, logprobs_B = draw(LOGITS, SamplingParams(temperature=0.0), 3)
    assert tokens_B.tolist() == [3, 3, 3]
    normaliser = math.log(sum(math.exp(value) for value in LOGITS.tolist()))
    assert logprobs_B.tolist() == pytest.approx([2.0 - normaliser] * 3, abs=1e-6)


def test_top_k_keeps_the_likeliest_and_logprobs_of_the_whole_distribution():
    tokens_B, logprobs_B = draw(LOGITS, SamplingParams(top_k=3, seed=2), 20_000)
    whole_V = torch.softmax(LOGITS.double(), 0)
    # The three largest logits are 2.0, 1.2 and 0.7: ids 3, 0 and 5.
    kept_V = torch.zeros(8, dtype=torch.float64)
    kept_V[[3, 0, 5]] = whole_V[[3, 0, 5]]
    # 2 degrees of freedom: the 99.99th percentile is 18.4.
    assert chi_square(tokens_B, kept_V / kept_V.sum()) < 18.4
    torch.testing.assert_close(logprobs_B.double(), whole_V.log()[tokens_B], atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("top_k", "top_p", "kept"),
    [
        (0, 0.5, [0.5, 0, 0, 0]),  # 0.5 reaches the mass alone
        (0, 0.51, [0.5, 0.25, 0, 0]),
        (0, 0.75, [0.5, 0.25, 0, 0]),
        (0, 0.76, [0.5, 0.25, 0.125, 0]),
        (0, 1.0, [0.5, 0.25, 0.125, 0.125]),
        (2, 0.6, [0.5, 0, 0, 0]),  # of the 0.75 that top_k leaves, 0.5 is two thirds
        (2, 0.7, [0.5, 0.25, 0, 0]),
        (3, 1.0, [0.5, 0.25, 0.125, 0.125]),  # the third and fourth tie
        (9, 1.0, [0.5, 0.25, 0.125, 0.125]),
        (0, 1e-9, [0.5, 0, 0, 0]),  # the likeliest always stays
    ],
)
def test_truncation_by_hand(top_k, top_p, kept):
    order = torch.tensor([2, 0, 1, 3])  # where the sorted weights stand in the row
    weights_BV = torch.zeros(1, 4).index_copy_(1, order, torch.tensor([[0.5, 0.25, 0.125, 0.125]]))
    expected_BV = torch.zeros(1, 4).index_copy_(1, order, torch.tensor([kept], dtype=torch.float32))
    assert torch.equal(truncate(weights_BV, top_k, top_p), expected_BV)


def test_the_inverse_cdf_by_hand():
    # Cumulative weights 1, 1, 4, 4, 8: token 1 and 3 weigh nothing. The draw's share of 8 decides.
    weights_BV = torch.tensor([[1.0, 0.0, 3.0, 0.0, 4.0]])
    for draw_B, token in [(0.0, 0), (0.124, 0), (0.125, 2), (0.499, 2), (0.5, 4), (1 - 2**-53, 4)]:
        assert inverse_cdf(weights_BV, torch.tensor([draw_B], dtype=torch.float64)).item() == token


@given(
    st.lists(st.sampled_from([0.0, 1e-30, 0.1, 1.0]), min_size=2, max_size=40).filter(any),
    st.floats(0, 1, exclude_max=True),
)
def test_a_token_without_weight_is_never_drawn(weights, share):
    token = inverse_cdf(torch.tensor([weights]), torch.tensor([share], dtype=torch.float64)).item()
    assert weights[token] > 0


def test_a_draw_does_not_depend_on_the_rest_of_the_batch():
    params = SamplingParams(seed=5)
    logits_BV = torch.randn(64, 500, generator=torch.Generator().manual_seed(0))
    rows = [((1, row), row % 3) for row in range(64)]
    positions_B = torch.arange(64)
    tokens_B, logprobs_B = sample_tokens(logits_BV, params, row_states(5, rows, CPU), positions_B)
    some = [40, 3, 17]
    states_B = row_states(5, [rows[row] for row in some], CPU)
    again_B, logprobs_again_B = sample_tokens(logits_BV[some], params, states_B, positions_B[some])
    assert torch.equal(again_B, tokens_B[some])
    assert torch.equal(logprobs_again_B, logprobs_B[some])


def test_logits_that_are_not_numbers_give_logprobs_that_are_none():
    _, logprobs_B = draw(torch.full((8,), float("nan")), SamplingParams(), 2)
    assert torch.isnan(logprobs_B).all()
