import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from r1light.algorithms.advantage import group_advantages

NAN = float("nan")


def everyone(rewards_PG):
    return torch.ones_like(rewards_PG, dtype=torch.bool)


def test_group_std_by_hand():
    rewards_PG = torch.tensor([[1.0, 0.0, 0.0, 1.0], [3.0, 0.0, 0.0, 0.0]])
    result = group_advantages(rewards_PG, everyone(rewards_PG), eps=0.0)
    # Row 0: mean 0.5, variance 4 * 0.25 / 4 = 0.25, std 0.5; (1 - 0.5) / 0.5 = 1.
    # Row 1: mean 0.75, variance (2.25^2 + 3 * 0.75^2) / 4 = (5.0625 + 1.6875) / 4 = 1.6875;
    #   2.25 / sqrt(1.6875) = 1.7320508 = sqrt(3), -0.75 / sqrt(1.6875) = -1 / sqrt(3).
    root = math.sqrt(3)
    expected_PG = torch.tensor([[1.0, -1.0, -1.0, 1.0], [root, -1 / root, -1 / root, -1 / root]])
    torch.testing.assert_close(result.advantages_PG, expected_PG)
    torch.testing.assert_close(result.mean_P, torch.tensor([0.5, 0.75]))
    torch.testing.assert_close(result.std_P, torch.tensor([0.5, math.sqrt(1.6875)]))
    assert result.kept_P.tolist() == [4, 4]
    assert result.zero_variance_P.tolist() == [False, False]


def test_eps_is_added_to_the_std():
    rewards_PG = torch.tensor([[1.0, 0.0]])
    result = group_advantages(rewards_PG, everyone(rewards_PG), eps=0.5)
    # (1 - 0.5) / (0.5 + 0.5) = 0.5
    torch.testing.assert_close(result.advantages_PG, torch.tensor([[0.5, -0.5]]))


def test_none_only_centres():
    rewards_PG = torch.tensor([[1.0, 0.0, 0.0, 1.0], [3.0, 0.0, 0.0, 0.0]])
    result = group_advantages(rewards_PG, everyone(rewards_PG), normalisation="none")
    expected_PG = torch.tensor([[0.5, -0.5, -0.5, 0.5], [2.25, -0.75, -0.75, -0.75]])
    torch.testing.assert_close(result.advantages_PG, expected_PG)


def test_batch_std_is_that_of_the_kept_rewards_of_all_groups():
    rewards_PG = torch.tensor([[4.0, 0.0], [2.0, 100.0], [1.0, 1.0]])
    mask_PG = torch.tensor([[True, True], [True, False], [True, True]])
    result = group_advantages(rewards_PG, mask_PG, normalisation="batch_std", eps=0.0)
    # Kept: 4 0 2 1 1, mean 1.6, squares 5.76 + 2.56 + 0.16 + 0.36 + 0.36 = 9.2, std sqrt(9.2 / 5).
    scale = 2 / math.sqrt(1.84)
    torch.testing.assert_close(result.advantages_PG, torch.tensor([[scale, -scale], [0.0, 0.0], [0.0, 0.0]]))


@pytest.mark.parametrize("normalisation", ["group_std", "batch_std", "none"])
def test_dropped_samples_take_no_part(normalisation):
    rewards_PG = torch.tensor([[1.0, NAN, 0.0, 1.0], [2.0, 0.0, 1.0, 1e30]])
    mask_PG = torch.tensor([[True, False, True, True], [True, True, True, False]])
    result = group_advantages(rewards_PG, mask_PG, normalisation=normalisation)
    kept_PG = torch.tensor([[1.0, 0.0, 1.0], [2.0, 0.0, 1.0]])
    alone = group_advantages(kept_PG, everyone(kept_PG), normalisation=normalisation)
    torch.testing.assert_close(result.advantages_PG[mask_PG], alone.advantages_PG.flatten())
    assert result.advantages_PG[~mask_PG].tolist() == [0.0, 0.0]
    torch.testing.assert_close(result.mean_P, alone.mean_P)
    torch.testing.assert_close(result.std_P, alone.std_P)


@pytest.mark.parametrize("normalisation", ["group_std", "batch_std", "none"])
def test_groups_of_fewer_than_two_have_no_advantage(normalisation):
    rewards_PG = torch.tensor([[5.0, 1.0], [NAN, NAN], [1.0, 0.0]])
    mask_PG = torch.tensor([[True, False], [False, False], [True, True]])
    result = group_advantages(rewards_PG, mask_PG, normalisation=normalisation)
    assert result.advantages_PG[:2].abs().sum() == 0
    assert result.advantages_PG[2, 0] > 0
    assert result.zero_variance_P.tolist() == [True, True, False]
    assert result.kept_P.tolist() == [1, 0, 2]
    assert result.mean_P.tolist() == [5.0, 0.0, 0.5]


def test_rounding_noise_is_no_variance():
    noisy_PG = torch.tensor([[0.3, 0.1 + 0.2, 0.3 + 1e-7, 0.3]])
    result = group_advantages(noisy_PG, everyone(noisy_PG), eps=0.0)
    assert result.zero_variance_P.tolist() == [True]
    assert result.advantages_PG.abs().sum() == 0
    real_PG = torch.tensor([[0.3, 0.3, 0.3, 0.3 + 1e-4]])
    assert group_advantages(real_PG, everyone(real_PG)).zero_variance_P.tolist() == [False]


def test_nothing_kept_at_all():
    rewards_PG = torch.full((2, 3), NAN)
    mask_PG = torch.zeros(2, 3, dtype=torch.bool)
    result = group_advantages(rewards_PG, mask_PG, normalisation="batch_std")
    assert result.advantages_PG.tolist() == [[0.0] * 3] * 2


GROUPS = st.lists(
    st.lists(st.integers(-4, 4).map(lambda n: n / 2), min_size=5, max_size=5), min_size=1, max_size=4
)


@settings(max_examples=50, deadline=None)
@given(GROUPS, st.floats(-50, 50), st.sampled_from(["group_std", "batch_std", "none"]), st.randoms())
def test_shifts_per_group_and_permutations_change_nothing(rows, shift, normalisation, rng):
    rewards_PG = torch.tensor(rows, dtype=torch.float64)
    mask_PG = torch.tensor([[rng.random() < 0.8 for _ in row] for row in rows])
    result = group_advantages(rewards_PG, mask_PG, normalisation=normalisation)
    if normalisation != "batch_std":  # a shift of single groups does change the batch's std
        shift_P1 = torch.tensor([[shift * (p + 1)] for p in range(len(rows))], dtype=torch.float64)
        moved = group_advantages(rewards_PG + shift_P1, mask_PG, normalisation=normalisation)
        torch.testing.assert_close(moved.advantages_PG, result.advantages_PG, rtol=1e-6, atol=1e-6)
    order = rng.sample(range(5), 5)
    permuted = group_advantages(rewards_PG[:, order], mask_PG[:, order], normalisation=normalisation)
    torch.testing.assert_close(permuted.advantages_PG, result.advantages_PG[:, order])


@settings(max_examples=50, deadline=None)
@given(GROUPS, st.floats(0.01, 1000))
def test_group_std_gives_zero_mean_and_unit_variance_at_any_scale(rows, scale):
    rewards_PG = torch.tensor(rows, dtype=torch.float64) * scale
    result = group_advantages(rewards_PG, everyone(rewards_PG), eps=0.0)
    for p, silent in enumerate(result.zero_variance_P.tolist()):
        advantages_G = result.advantages_PG[p]
        assert abs(advantages_G.mean().item()) < 1e-9
        assert advantages_G.square().mean().item() == pytest.approx(0.0 if silent else 1.0)


@pytest.mark.parametrize(
    ("rewards", "mask", "options", "message"),
    [
        (torch.zeros(3), torch.ones(3, dtype=torch.bool), {}, "problems, group"),
        (torch.zeros(2, 3), torch.ones(3, 2, dtype=torch.bool), {}, r"\(2, 3\)"),
        (torch.zeros(2, 3), torch.ones(2, 3), {}, "bool"),
        (torch.zeros(2, 3, dtype=torch.long), torch.ones(2, 3, dtype=torch.bool), {}, "floating"),
        (torch.full((2, 3), NAN), torch.ones(2, 3, dtype=torch.bool), {}, "not finite"),
        (torch.zeros(2, 3), torch.ones(2, 3, dtype=torch.bool), {"eps": -1.0}, "eps"),
        (torch.zeros(2, 3), torch.ones(2, 3, dtype=torch.bool), {"normalisation": "std"}, "group_std"),
    ],
)
def test_wrong_input_is_refused(rewards, mask, options, message):
    with pytest.raises(ValueError, match=message):
        group_advantages(rewards, mask, **options)
