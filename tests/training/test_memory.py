from __future__ import annotations

from dataclasses import replace

import pytest

from r1light.models.sizes import ModelSize
from r1light.training.memory import WORKSPACE_BYTES, Use, activations, estimate, logits

# 1,000 parameters, 4 layers of 10 numbers, 6 numbers of keys and values a token, 50 tokens in the vocabulary,
# 30 numbers a layer beside those of its norms
SIZE = ModelSize(1000, 1000, layers=4, hidden=10, cache=6, vocabulary=50, inner=30)
LEARNS = Use(size=SIZE, number=4, precision="32-true", trained=1000, tokens=7, chunk=50)
WRITES = {"engine_number": 2, "slots": 3, "longest": 20}


def test_what_learns_holds_weights_gradients_moments_activations_and_logits():
    found = estimate(LEARNS)
    # a layer: norms 2 x 3 x 10 numbers, and 30 others, of 4 bytes: 360; four of them and one's gradients,
    # for each of 7 tokens: 5 x 360 x 7. Logits: a chunk of 50 four times over, of 4 bytes
    assert found.parts() == {
        "activations": 12600, "moments": 8000, "weights": 4000, "gradients": 4000, "logits": 800,
    }  # fmt: skip
    assert found.peak == 29400
    assert found.state == 16000
    assert list(found.parts()) == ["activations", "moments", "weights", "gradients", "logits"]


def test_adapters_have_their_gradients_and_moments_in_32_bits_and_4_bit_weights_half_a_byte():
    found = estimate(replace(LEARNS, number=2, trained=100, quantized=True)).parts()
    # 1,000 x 4.127 / 8; 100 x 4 and twice that
    assert found["weights"] == pytest.approx(515.875)
    assert (found["gradients"], found["moments"]) == (400, 800)


def test_logits_of_a_small_pass_are_kept_and_those_of_a_large_one_come_in_chunks():
    # 7 x 50 = 350 numbers, of which `kept` are kept, and four times a chunk of 50, but never more than all
    assert logits(replace(LEARNS, kept=350)) == 350 + 200
    assert logits(replace(LEARNS, kept=100)) == 100 + 200
    assert logits(replace(LEARNS, kept=100, chunk=1000)) == 100 + 350


def test_attention_masks_are_kept_in_every_layer():
    # 7 tokens x 5 of a line: a byte each, and 4 layers' numbers of 4 bytes; lines are no longer than the pass
    assert activations(replace(LEARNS, seen=5)) == activations(LEARNS) + 7 * 5 * 17
    assert activations(replace(LEARNS, seen=9)) == activations(LEARNS) + 7 * 7 * 17
    again = replace(LEARNS, checkpointing=True)
    assert activations(replace(again, seen=5)) == activations(again) + 7 * 5 * 5


@pytest.mark.parametrize(
    ("precision", "layer", "stream", "casts"),
    [
        ("32-true", 360, 40, 0),
        # norms: (4 + 4 + 4 + 2) x 10 twice; others 30 x 2; the residual stream in 32 bits; each weight in 16
        ("bf16-mixed", 340, 40, 2000),
        # norms: (4 + 2 + 2) x 10 twice; others 30 x 2
        ("bf16-true", 220, 20, 0),
    ],
)
def test_activations_hang_on_the_precision(precision, layer, stream, casts):
    use = replace(LEARNS, precision=precision)
    assert activations(use) == 7 * (4 * layer + layer) + casts
    # computed again: the inputs of four layers, one layer whole, and its gradients; the casts of one layer
    again = replace(use, checkpointing=True)
    assert activations(again) == 7 * (4 * stream + 2 * layer) + casts / 4


def test_a_layer_that_is_not_known_is_that_of_the_textbook():
    # 34 x 10 bytes, twice that in 32 bits
    unknown = replace(LEARNS, size=replace(SIZE, inner=None))
    assert activations(unknown) == 7 * 5 * 680
    assert activations(replace(unknown, precision="bf16-true")) == 7 * 5 * 340


def test_what_is_held_in_one_phase_alone_counts_where_that_phase_is_the_larger():
    # adapters alone learn, nothing has a gradient: weights 4,000, and for writing the engine's 2,000,
    # keys and values 3 x 20 x 6 x 2 = 720, drawing 3 x 50 x 28 = 4,200
    use = replace(LEARNS, trained=0, tokens=0, **WRITES)
    assert estimate(use).peak == 4000 + 2000 + 720 + 4200
    assert estimate(replace(use, shares_weights=True)).peak == 4000 + 720 + 4200
    # with an update of 12,600 + 800 + 4,000 drawing does not count; the cache is kept meanwhile
    use = replace(LEARNS, **WRITES)
    assert estimate(use).peak == 29400 + 2000 + 720


def test_offloading_frees_what_writing_does_not_need_and_the_cache_in_updates():
    use = replace(LEARNS, reference=True, **{**WRITES, "slots": 300})
    # 300 slots: keys and values 72,000, drawing 420,000: writing is the worst moment
    held = 4000 + 8000 + 4000 + 2000
    assert estimate(use).peak == held + 72_000 + 420_000
    assert estimate(replace(use, offload=("optimizer",))).peak == held - 8000 + 492_000
    everything = replace(use, offload=("optimizer", "policy", "reference"))
    assert estimate(everything).peak == 2000 + 492_000
    # where the update is, the cache is what is saved: 3 slots of it
    few = replace(use, slots=3)
    assert estimate(few).peak - estimate(replace(few, offload=("optimizer",))).peak == 720
    assert estimate(everything).state == estimate(use).state == 16_000


def test_an_engine_with_compiled_steps_holds_its_weights_twice():
    use = replace(LEARNS, **WRITES)
    # 1,000 weights of 2 bytes once more
    assert estimate(replace(use, packed=True)).peak == estimate(use).peak + 2000
    assert estimate(replace(use, packed=True, shares_weights=True)) == estimate(
        replace(use, shares_weights=True)
    )


def test_graphs_hold_what_a_step_of_all_slots_makes_and_as_much_again_while_they_are_recorded():
    # 3 slots x (50 x 8 bytes of logits, and of a layer 2 x 10 + 30 numbers of 2 bytes) = 1,500
    use = replace(LEARNS, trained=0, tokens=0, **WRITES)
    step = 1500 + WORKSPACE_BYTES
    recorded = estimate(replace(use, graphs=True))
    assert (recorded.writing["graphs"], recorded.writing["recording"]) == (step, step)
    assert recorded.peak == estimate(use).peak + 2 * step
    # they stay while the policy learns, and nothing is recorded meanwhile; offloading lets them go
    use = replace(LEARNS, **{**WRITES, "slots": 3, "graphs": True})
    assert estimate(use).always["graphs"] == step
    assert "graphs" not in estimate(replace(use, offload=("optimizer",))).always
    assert "graphs" in estimate(replace(use, offload=("optimizer",))).writing
