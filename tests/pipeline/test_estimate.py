from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from r1light.config.compose import Source, compose_jobs
from r1light.config.schema import LoraSpec
from r1light.config.validate import validate
from r1light.models.sizes import KNOWN, ModelSize
from r1light.pipeline.estimate import ACCELERATORS, Accelerator, Work, memory_of, work_of
from r1light.stages import stage_module
from r1light.training.grpo_options import LossOverrides

SIZE = ModelSize(parameters=1e9, active=1e8, layers=4, hidden=100, cache=50)
PLAIN = "rollout.graphs=false"
DEVICE = Accelerator("one", peak=1e12, memory=None, training=0.5, generation=0.1)
SFT = ("stage=sft", "data.path=x")


@cache
def composed(*words):
    (plain,) = compose_jobs(words, Source(), multirun=False).jobs
    return validate(plain, stage_module)


def configured(*words, **options):
    """A configuration, options of its stage replaced: composing is slow."""
    config = composed(*words)
    return replace(config, stage=replace(config.stage, **options))


def test_a_token_costs_2n_forward_and_4n_backward():
    # N = 1e8 active of 1e9: written 1000 x 2N = 2e11; read 500 x 2N = 1e11, learnt 100 x 6N = 6e10
    assert Work(1000, 500, 100).flops(SIZE) == (2e11, 1.6e11)
    # recomputed: 100 x 8N = 8e10
    assert Work(1000, 500, 100, recomputed=True).flops(SIZE) == (2e11, 1.8e11)


def test_writing_is_slower_than_reading():
    # 2e11 / 0.1 + 1.6e11 / 0.5 = 2.32e12 of 1e12 a second; on 4 devices a quarter
    assert Work(1000, 500, 100).seconds(SIZE, DEVICE, 1) == pytest.approx(2.32)
    assert Work(1000, 500, 100).seconds(SIZE, DEVICE, 4) == pytest.approx(0.58)


def test_an_iteration_of_grpo_is_written_read_and_learnt():
    given = {"iterations": 3, "prompts_per_iteration": 8, "group_size": 4, "max_tokens": 100}
    # 3 x 8 x 4 = 96 completions of a quarter of 100 tokens = 2,400; the reference reads them once
    assert work_of(configured(**given), None) == Work(2400, 2400, 2400)
    # two minibatches: the old policy reads them too. Two epochs: learnt twice. No KL: no reference
    more = {**given, "minibatches": 2, "inner_epochs": 2, "loss": LossOverrides(kl_coefficient=0.0)}
    assert work_of(configured(**more), None) == Work(2400, 2400, 4800)


def test_rows_are_learnt_as_often_as_there_are_epochs():
    given = {"epochs": 2.0, "batch_size": 5, "max_length": 600}
    # 2 x 10 rows of a sixth of 600 tokens; with rows that were looked at, as long as they are
    assert work_of(configured(*SFT, **given), 10) == Work(learnt=2000)
    assert work_of(configured(*SFT, **given), 10, 30.0) == Work(learnt=600)
    # 3 updates of 5 rows
    assert work_of(configured(*SFT, **given, max_updates=3), 10) == Work(learnt=1500)
    assert work_of(configured(*SFT, **given), None) is None


def test_nothing_is_longer_than_the_context():
    # 3 problems x 4 completions of a quarter of 20 tokens, not of 40
    assert work_of(configured("stage=evaluate", k=4, max_tokens=40), 3, None, 20) == Work(written=60)
    # 10 rows, twice, of a sixth of 300 tokens
    assert work_of(configured(*SFT, epochs=2.0, max_length=600), 10, None, 300) == Work(learnt=1000)
    short = replace(SIZE, context=50)
    config = configured("stage=sample", "rollout.max_slots=3", PLAIN, n=4, max_tokens=100)
    # 2 x 4e9 bytes; 3 slots x 50 tokens x 50 numbers x 4 bytes
    assert memory_of(config, short, DEVICE, 1) == 8e9 + 30_000


def test_a_pair_is_two_texts():
    config = configured("stage=reward_model", epochs=1.0, max_length=600)
    assert work_of(config, 10) == Work(learnt=10 * 2 * 100)


def test_completions_are_counted_by_problem_way_and_k():
    given = {"n": 2, "max_tokens": 40, "limit": 5}
    # 5 of 10 problems x 2 x 10 tokens; asked in three ways for a cold start
    assert work_of(configured("stage=sample", **given), 10) == Work(written=100)
    assert work_of(configured("stage=sample", **given, curation="cold_start"), 10) == Work(written=300)
    # 10 problems x 3 x 10 tokens
    assert work_of(configured("stage=evaluate", k=3, max_tokens=40), 10) == Work(written=300)


def test_a_student_learns_from_what_it_writes():
    given = {"mode": "on_policy", "teacher": "tiny", "iterations": 2, "batch_size": 4, "max_tokens": 40}
    # 2 x 4 x 10 tokens
    assert work_of(configured("stage=distill", **given), None) == Work(80, 80, 80)


def test_memory_is_weights_gradients_moments_reference_and_cache():
    given = {"prompts_per_iteration": 2, "group_size": 4, "max_tokens": 100, "micro_batch_tokens": 200}
    # 4 bytes x (weights, gradients, two moments, reference, the engine's copy) x 1e9 = 24e9;
    # 8 completions x 100 tokens x 50 numbers x 4 bytes = 160,000;
    # 200 tokens x 100 wide x (4 layers + one's gradients) x 34 bytes x 2 for 32 bits = 6,800,000, and a mask:
    # 200 tokens that see 100 each x (1 byte + 4 layers x 4 bytes) = 340,000
    config = configured(PLAIN, **given)
    assert memory_of(config, SIZE, DEVICE, 1) == 24e9 + 160_000 + 7_140_000
    # on 2 devices half of what is spread, and 4 completions
    assert memory_of(config, SIZE, DEVICE, 2) == 12e9 + 80_000 + 7_140_000
    # no KL: no reference. 16-bit engine: half of its copy and cache
    less = configured("rollout.dtype=bfloat16", PLAIN, **given, loss=LossOverrides(kl_coefficient=0.0))
    assert memory_of(less, SIZE, DEVICE, 1) == 18e9 + 80_000 + 7_140_000


def test_recomputing_keeps_the_inputs_of_layers_alone():
    given = {"max_length": 100, "micro_batch_tokens": 200}
    # 4 copies of 4e9 bytes, 200 x 100 x 4 x 4 bytes, and a layer with its gradients: 200 x 100 x 2 x 68
    config = configured(*SFT, **given, gradient_checkpointing=True)
    assert memory_of(config, SIZE, DEVICE, 1) == 16e9 + 320_000 + 2_720_000
    # adapters have the gradients: the weights alone are held
    plain = configured(*SFT, **given)
    adapted = replace(plain, model=replace(plain.model, lora=LoraSpec(rank=8)))
    assert memory_of(adapted, SIZE, DEVICE, 1) == 4e9 + 6_800_000


def test_a_pass_is_smaller_on_a_cpu():
    config = configured(*SFT, gradient_checkpointing=True, max_length=100)
    # 4,096 or 16,384 tokens x 100 x (4 x 4 + 2 x 68) bytes
    assert memory_of(config, SIZE, ACCELERATORS["cpu"], 1) == 16e9 + 62_259_200
    assert memory_of(config, SIZE, ACCELERATORS["H100"], 1) == 16e9 + 249_036_800


def test_sampling_holds_two_copies_and_no_more_slots_than_there_are():
    words = "stage=sample", "rollout.max_slots=3"
    # 2 x 4e9 bytes; 3 slots x 100 tokens x 50 numbers x 4 bytes
    held = 8e9 + 60_000
    assert memory_of(configured(*words, PLAIN, n=4, max_tokens=100), SIZE, DEVICE, 1) == held
    # a recorded step of 3 slots x 2 x 100 numbers x 4 bytes, and 32 MiB, twice; none on a CPU, where compiled
    # steps read a copy of their own of 4e9 bytes
    config = configured(*words, n=4, max_tokens=100)
    assert memory_of(config, SIZE, DEVICE, 1) == held + 2 * (2400 + 2**25)
    assert memory_of(config, SIZE, ACCELERATORS["cpu"], 1) == held + 4e9
    assert memory_of(configured("stage=validate"), SIZE, DEVICE, 1) is None


def hours(*words, **options):
    """H800 hours of a stage of the paper with DeepSeek-V3-Base."""
    work = work_of(configured(*words, "data.path=x", "model.path=x", **options), None)
    assert work is not None
    return work.seconds(KNOWN["deepseek-ai/DeepSeek-V3-Base"], ACCELERATORS["H800"], 1) / 3600


def test_the_papers_own_hours_are_met_within_a_factor_of_three():
    # R1-Zero (v2, Table 7: 101K hours). Tokens: 8,192 updates x 512 outputs x 8,192 + 2,208 x 512 x 16,384
    # = 5.29e10; written 2 x 37e9 each at 0.05 of 989e12, read twice and learnt (4 + 8) x 37e9 at 0.3:
    # 5.29e10 x (74e9 / 0.05 + 444e9 / 0.3) / 989e12 = 1.58e8 s
    zero = hours("experiment=r1_zero", iterations=512)
    zero += hours("experiment=r1_zero", iterations=138, max_tokens=65536)
    assert zero == pytest.approx(43_960, rel=0.01)
    assert 1 / 3 < zero / 101_000 < 1
    # R1 (41K hours): both stages of RL, the first with as many updates as R1-Zero, as the paper tells none;
    # the second has 1,696: 12,096 x 512 x 8,192 = 5.07e10 tokens
    r1 = hours("experiment=r1_reasoning") + hours("experiment=r1_reasoning", iterations=106)
    assert r1 == pytest.approx(42_200, rel=0.01)
    assert 1 / 3 < r1 / 41_000 < 3
