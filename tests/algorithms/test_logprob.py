import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from r1light.algorithms import logit_tiles
from r1light.algorithms import logprob as module
from r1light.algorithms.logprob import MIN_CHUNK_TOKENS, chunked_logprobs, default_chunk_tokens


def inputs(tokens=11, hidden=5, vocabulary=9, dtype=torch.float64, seed=0):
    torch.manual_seed(seed)
    hidden_TH = torch.randn(tokens, hidden, dtype=dtype, requires_grad=True)
    weight_VH = torch.randn(vocabulary, hidden, dtype=dtype, requires_grad=True)
    bias_V = torch.randn(vocabulary, dtype=dtype, requires_grad=True)
    return hidden_TH, weight_VH, bias_V, torch.randint(vocabulary, (tokens,))


def dense(hidden_TH, weight_VH, targets_T, temperature=1.0, bias_V=None):
    """The same by autograd over the logits of all tokens, with torch's own entropy."""
    logits_TV = torch.nn.functional.linear(hidden_TH, weight_VH, bias_V) / temperature
    distribution = torch.distributions.Categorical(logits=logits_TV)
    return distribution.log_prob(targets_T), distribution.entropy()


def gradients(outputs, weights, leaves):
    total = sum((output * weight).sum() for output, weight in zip(outputs, weights, strict=True))
    return torch.autograd.grad(total, leaves, allow_unused=True)


def test_by_hand():
    # logits (log 4, 0) over temperature 2: (log 2, 0), so p = (2/3, 1/3)
    hidden_TH, weight_VH = torch.tensor([[1.0]]), torch.tensor([[1.3862944], [0.0]])
    result = chunked_logprobs(hidden_TH, weight_VH, torch.tensor([1]), temperature=2.0)
    assert result.logprobs_T.item() == pytest.approx(-1.0986123)  # log 1/3
    assert result.entropy_T.item() == pytest.approx(0.6365142)  # 2/3 log 3/2 + 1/3 log 3


@pytest.mark.parametrize("kept", [0, 30, 2**20])  # none, some or all of 11 * 9 logits
@pytest.mark.parametrize(("chunk", "tile"), [(1, 4), (4, 2**20), (4, 12), (4, 1), (11, 55), (100, 500)])
@pytest.mark.parametrize("with_bias", [True, False])
def test_values_and_gradients_equal_the_dense_ones(monkeypatch, kept, chunk, tile, with_bias):
    monkeypatch.setattr(module, "KEPT_ELEMENTS", kept)
    monkeypatch.setattr(logit_tiles, "CPU_TILE_ELEMENTS", tile)
    hidden_TH, weight_VH, bias_V, targets_T = inputs()
    bias_V = bias_V if with_bias else None
    leaves = [hidden_TH, weight_VH] + ([bias_V] if with_bias else [])
    ours = chunked_logprobs(
        hidden_TH, weight_VH, targets_T, temperature=0.7, bias_V=bias_V, chunk_tokens=chunk
    )
    theirs = dense(hidden_TH, weight_VH, targets_T, 0.7, bias_V)
    torch.testing.assert_close((ours.logprobs_T, ours.entropy_T), theirs)
    cotangents = torch.randn(2, 11, dtype=torch.float64)
    torch.testing.assert_close(
        gradients((ours.logprobs_T, ours.entropy_T), cotangents, leaves),
        gradients(theirs, cotangents, leaves),
    )


@pytest.mark.parametrize("used", ["logprobs_T", "entropy_T"])
def test_one_output_alone(used):
    hidden_TH, weight_VH, bias_V, targets_T = inputs()
    ours = chunked_logprobs(hidden_TH, weight_VH, targets_T, bias_V=bias_V, chunk_tokens=3)
    theirs = dense(hidden_TH, weight_VH, targets_T, 1.0, bias_V)[used == "entropy_T"]
    leaves = (hidden_TH, weight_VH, bias_V)
    torch.testing.assert_close(
        torch.autograd.grad(getattr(ours, used).square().sum(), leaves),
        torch.autograd.grad(theirs.square().sum(), leaves),
    )


def test_gradcheck(monkeypatch):
    monkeypatch.setattr(module, "KEPT_ELEMENTS", 0)
    hidden_TH, weight_VH, bias_V, targets_T = inputs(tokens=4, hidden=3, vocabulary=5)

    def both(hidden_TH, weight_VH, bias_V):
        result = chunked_logprobs(
            hidden_TH, weight_VH, targets_T, temperature=1.3, bias_V=bias_V, chunk_tokens=3
        )
        return result.logprobs_T, result.entropy_T

    assert torch.autograd.gradcheck(both, (hidden_TH, weight_VH, bias_V))


def test_frozen_inputs_get_no_gradient():
    hidden_TH, weight_VH, bias_V, targets_T = inputs()
    frozen = chunked_logprobs(
        hidden_TH, weight_VH.detach(), targets_T, bias_V=bias_V.detach(), chunk_tokens=4
    )
    (ours,) = torch.autograd.grad(frozen.logprobs_T.sum(), hidden_TH)
    theirs = torch.autograd.grad(dense(hidden_TH, weight_VH, targets_T, 1.0, bias_V)[0].sum(), hidden_TH)
    torch.testing.assert_close(ours, theirs[0])
    head = chunked_logprobs(hidden_TH.detach(), weight_VH, targets_T, chunk_tokens=4)
    (ours,) = torch.autograd.grad(head.logprobs_T.sum(), weight_VH)
    theirs = torch.autograd.grad(dense(hidden_TH, weight_VH, targets_T)[0].sum(), weight_VH)
    torch.testing.assert_close(ours, theirs[0])
    with torch.no_grad():
        assert not chunked_logprobs(hidden_TH, weight_VH, targets_T).logprobs_T.requires_grad


def test_two_backward_passes_give_the_same():
    hidden_TH, weight_VH, _, targets_T = inputs()
    total = chunked_logprobs(hidden_TH, weight_VH, targets_T).logprobs_T.sum()
    first = torch.autograd.grad(total, (hidden_TH, weight_VH), retain_graph=True)
    torch.testing.assert_close(torch.autograd.grad(total, (hidden_TH, weight_VH)), first, rtol=0, atol=0)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 20), st.integers(1, 20), st.floats(0.1, 3.0), st.integers(0, 99))
def test_chunk_size_changes_nothing(tokens, chunk, temperature, seed):
    hidden_TH, weight_VH, _, targets_T = inputs(tokens=tokens, seed=seed)
    chunked = chunked_logprobs(hidden_TH, weight_VH, targets_T, temperature=temperature, chunk_tokens=chunk)
    whole = chunked_logprobs(hidden_TH, weight_VH, targets_T, temperature=temperature)
    torch.testing.assert_close(chunked.logprobs_T, whole.logprobs_T)
    torch.testing.assert_close(chunked.entropy_T, whole.entropy_T)


def test_rows_do_not_depend_on_one_another():
    hidden_TH, weight_VH, _, targets_T = inputs()
    order = torch.randperm(11)
    result = chunked_logprobs(hidden_TH, weight_VH, targets_T, chunk_tokens=4)
    permuted = chunked_logprobs(hidden_TH[order], weight_VH, targets_T[order], chunk_tokens=4)
    torch.testing.assert_close(permuted.logprobs_T, result.logprobs_T[order])


def test_half_precision_inputs_have_float32_logits():
    hidden_TH, weight_VH, bias_V, targets_T = inputs(
        tokens=64, hidden=32, vocabulary=50, dtype=torch.bfloat16
    )
    leaves = (hidden_TH, weight_VH, bias_V)
    ours = chunked_logprobs(hidden_TH, weight_VH, targets_T, bias_V=bias_V, chunk_tokens=10)
    exact = dense(hidden_TH.double(), weight_VH.double(), targets_T, 1.0, bias_V.double())
    assert ours.logprobs_T.dtype == ours.entropy_T.dtype == torch.float32
    # The operands are the same numbers; only the arithmetic is float32 here and float64 there.
    torch.testing.assert_close(ours.logprobs_T.double(), exact[0], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(ours.entropy_T.double(), exact[1], rtol=1e-5, atol=1e-5)
    for our, their in zip(
        torch.autograd.grad(ours.logprobs_T.sum(), leaves),
        torch.autograd.grad(exact[0].sum(), leaves),
        strict=True,
    ):
        assert our.dtype == torch.bfloat16
        torch.testing.assert_close(our, their, rtol=1e-2, atol=1e-2)  # bfloat16 rounds by 2^-9 = 0.2%


def test_autocast_does_not_round_the_entropy():
    torch.manual_seed(0)  # operands that bfloat16 holds, so that autocast has nothing to round
    hidden_TH, weight_VH = torch.randn(5, 8).bfloat16().float(), torch.randn(300, 8).bfloat16().float()
    targets_T = torch.zeros(5, dtype=torch.long)
    plain = chunked_logprobs(hidden_TH, weight_VH, targets_T).entropy_T
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = chunked_logprobs(hidden_TH, weight_VH, targets_T).entropy_T
    assert torch.equal(found, plain)


def test_autocast_rounds_the_operands_and_not_the_logits():
    hidden_TH, weight_VH, _, targets_T = inputs(tokens=16, hidden=32, dtype=torch.float32)
    plain = chunked_logprobs(hidden_TH, weight_VH, targets_T)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = chunked_logprobs(hidden_TH, weight_VH, targets_T)
    assert cast.logprobs_T.dtype == torch.float32
    # On a CPU half-precision operands are cast to float32 anyway, so there is nothing to round.
    torch.testing.assert_close(cast.logprobs_T, plain.logprobs_T)
    # autocast takes scalar products in 16 bits, which would leave an entropy 8 of them
    torch.testing.assert_close(cast.entropy_T, plain.entropy_T)
    torch.autograd.grad(cast.logprobs_T.sum(), (hidden_TH, weight_VH))


def test_no_tokens():
    hidden_TH, weight_VH, bias_V, targets_T = inputs(tokens=0)
    result = chunked_logprobs(hidden_TH, weight_VH, targets_T, bias_V=bias_V)
    assert result.logprobs_T.shape == result.entropy_T.shape == (0,)
    grads = torch.autograd.grad(result.logprobs_T.sum(), (hidden_TH, weight_VH, bias_V))
    assert [grad.abs().sum().item() for grad in grads] == [0.0, 0.0, 0.0]


def test_extreme_logits_stay_finite():
    hidden_TH = torch.tensor([[1e4], [-1e4]], requires_grad=True)
    weight_VH = torch.tensor([[1.0], [0.0], [-1.0]])
    result = chunked_logprobs(hidden_TH, weight_VH, torch.tensor([2, 0]))
    assert result.logprobs_T.tolist() == [-2e4, -2e4]
    (gradient,) = torch.autograd.grad((result.logprobs_T + result.entropy_T).sum(), hidden_TH)
    assert torch.isfinite(gradient).all()


def test_the_logits_of_all_tokens_never_exist(monkeypatch):
    monkeypatch.setattr(module, "KEPT_ELEMENTS", 0)
    monkeypatch.setattr(logit_tiles, "CPU_TILE_ELEMENTS", 50)
    hidden_TH, weight_VH, _, targets_T = inputs(tokens=40, hidden=3, vocabulary=13, dtype=torch.float32)
    largest = 0

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            nonlocal largest
            out = func(*args, **(kwargs or {}))
            for tensor in out if isinstance(out, tuple | list) else [out]:
                if isinstance(tensor, torch.Tensor):
                    largest = max(largest, tensor.numel())
            return out

    with Watch():
        result = chunked_logprobs(hidden_TH, weight_VH, targets_T, chunk_tokens=10)
        (result.logprobs_T + result.entropy_T).sum().backward()
    # A tile has 10 tokens and 50 / 10 = 5 columns; the hidden states' gradient 40 * 3 = 120; all logits 520.
    assert largest == 120


def test_the_chunk_is_chosen_by_vocabulary_and_device():
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    assert default_chunk_tokens(512, cpu) == 2048  # 2^20 / 2^9
    assert default_chunk_tokens(152_000, cpu) == MIN_CHUNK_TOKENS
    assert default_chunk_tokens(2**17, gpu) == 1024  # 2^27 / 2^17


def test_wrong_input_is_refused():
    hidden_TH, weight_VH, bias_V, targets_T = inputs()
    with pytest.raises(ValueError, match="must be"):
        chunked_logprobs(hidden_TH[None], weight_VH, targets_T)
    with pytest.raises(ValueError, match="do not fit"):
        chunked_logprobs(hidden_TH, weight_VH[:, :3], targets_T)
    with pytest.raises(ValueError, match="do not fit"):
        chunked_logprobs(hidden_TH, weight_VH, targets_T[:3])
    with pytest.raises(ValueError, match="bias"):
        chunked_logprobs(hidden_TH, weight_VH, targets_T, bias_V=bias_V[:3])
    with pytest.raises(ValueError, match="temperature=0"):
        chunked_logprobs(hidden_TH, weight_VH, targets_T, temperature=0.0)
    with pytest.raises(ValueError, match="chunk_tokens=0"):
        chunked_logprobs(hidden_TH, weight_VH, targets_T, chunk_tokens=0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_cuda_equals_float64_on_the_cpu(dtype):
    hidden_TH, weight_VH, _, targets_T = inputs(tokens=300, hidden=64, vocabulary=1000, dtype=dtype)
    leaves = (hidden_TH, weight_VH)
    ours = chunked_logprobs(hidden_TH.cuda(), weight_VH.cuda(), targets_T.cuda(), chunk_tokens=128)
    exact = dense(hidden_TH.double(), weight_VH.double(), targets_T)
    assert ours.logprobs_T.dtype == torch.float32
    torch.testing.assert_close(ours.logprobs_T.cpu().double(), exact[0], rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(
        torch.autograd.grad(ours.logprobs_T.mean(), leaves),
        torch.autograd.grad(exact[0].mean(), leaves),
        rtol=2e-2,
        atol=1e-3,
    )
