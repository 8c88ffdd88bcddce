"""The GRPO stage as a whole, on the miniature base: what it writes, resumes, and refuses."""

from __future__ import annotations

import json
import os
import signal

import pytest
import torch
from safetensors.torch import load_file

from r1light.core.errors import ConfigError, DataError, Interrupted, ResumeError, StorageError
from r1light.core.run_folder import read_jsonl
from r1light.models.tiny import Tiny
from r1light.training import checkpoint as checkpoints
from r1light.training.checkpoint import saved_checkpoints
from r1light.training.offload import Offload, Parking


def weights(folder):
    return load_file(folder.model / "model.safetensors")


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def rows(folder):
    """Metrics without what a clock or a machine decides."""
    clocks = ("time", "perf/", "host/", "step_time")
    return [
        {name: value for name, value in row.items() if not name.startswith(clocks)}
        for row in read_jsonl(folder.metrics)
    ]


def test_six_iterations_equal_four_and_two_resumed_bit_for_bit(straight, run_grpo):
    folder, _ = run_grpo("broken", "stage.iterations=4")  # where it is evaluated in any case
    saved = [path.name for path in saved_checkpoints(folder.checkpoints)]
    assert saved == ["iteration-000004.ckpt", "iteration-000003.ckpt"]
    resumed, _ = run_grpo("broken", "stage.iterations=6")
    assert same(weights(straight[0]), weights(resumed))
    assert rows(straight[0]) == rows(resumed)
    assert list(read_jsonl(straight[0].samples))[:20] == list(read_jsonl(resumed.samples))[:20]


@pytest.mark.slow
def test_offloading_changes_no_bit_resumed_or_not(straight, run_grpo, monkeypatch):
    parking = Parking(torch.device("cpu"))
    monkeypatch.setattr(
        "r1light.training.offload.offload_for", lambda what, engine, device: Offload(what, engine, parking)
    )
    everything = "stage.offload=[optimizer,policy,reference]"
    run_grpo("parked", everything, "stage.iterations=4")
    folder, _ = run_grpo("parked", everything, "stage.iterations=6")
    assert same(weights(straight[0]), weights(folder))
    assert rows(straight[0]) == rows(folder)


@pytest.mark.slow
def test_rewards_beside_the_engine_change_no_bit_resumed_or_not(straight, run_grpo):
    run_grpo("beside", "stage.overlap_rewards=true", "stage.iterations=4")
    folder, _ = run_grpo("beside", "stage.overlap_rewards=true", "stage.iterations=6")
    assert same(weights(straight[0]), weights(folder))
    assert rows(straight[0]) == rows(folder)


@pytest.mark.slow
def test_drawing_ahead_is_corrected_by_the_drawing_policys_probabilities_and_repeats(run_grpo, monkeypatch):
    monkeypatch.setattr("r1light.rollout.native.Native.async_steps", 1, raising=False)
    folder, _ = run_grpo("ahead", "stage.iterations=4")
    first, *later = rows(folder)[1:]
    assert first["old_kl"] == pytest.approx(0, abs=1e-7)  # drawn by the policy that learns from it
    assert all(row["old_kl"] > 1e-6 for row in later)  # drawn by the one before
    assert all(row["sampling/sampling_logp_difference/mean"] == 0 for row in [first, *later])
    again, _ = run_grpo("ahead_again", "stage.iterations=4")
    assert same(weights(folder), weights(again))
    assert rows(folder) == rows(again)


@pytest.mark.slow
def test_recomputing_activations_changes_no_bit(straight, run_grpo):
    folder, _ = run_grpo("recomputed", "stage.gradient_checkpointing=true", "stage.iterations=6")
    assert same(weights(straight[0]), weights(folder))
    assert rows(straight[0]) == rows(folder)


@pytest.mark.slow
def test_a_budget_of_compute_ends_training_also_where_it_was_broken_off(straight, run_grpo):
    spent = [row["flops"] for row in read_jsonl(straight[0].metrics) if row["iteration"]]
    assert spent == sorted(spent)
    assert straight[1].metrics["flops"] == spent[-1]
    budget = f"stage.stop_when.flops={spent[3] - 1}"  # reached in the fourth iteration
    first, result = run_grpo("budget", "stage.iterations=2", budget)
    assert result.metrics["iterations"] == 2
    _, result = run_grpo("budget", "stage.iterations=6", budget)
    assert (result.metrics["iterations"], result.metrics["flops"]) == (4, spent[3])
    assert [row["flops"] for row in rows(first)[1:]] == spent[:4]


def test_a_seed_repeats_and_another_does_not(straight, run_grpo):
    again, _ = run_grpo("again", "stage.iterations=6")
    assert same(weights(straight[0]), weights(again))
    assert rows(straight[0]) == rows(again)
    other, _ = run_grpo("other", "stage.iterations=6", "seed=1")
    assert not same(weights(straight[0]), weights(other))


def test_what_a_run_leaves(straight):
    folder, result = straight
    assert [row["iteration"] for row in read_jsonl(folder.metrics)] == list(range(7))
    names = set(result.metrics)
    for phase in ("before", "after"):
        assert {f"{phase}/pass@1", f"{phase}/pass@1_greedy", f"{phase}/mean_length"} <= names
    assert result.metrics["train_seconds"] > 0
    assert result.metrics["updates"] == 6
    assert json.loads(folder.result.read_text())["outputs"]["model"].endswith("straight/model")
    assert "<svg" in folder.report.read_text()
    last = list(read_jsonl(folder.metrics))[-1]
    for name in (
        "reward",
        "reward_std",
        "rewards/accuracy/mean",
        "rewards/format/std",
        "frac_reward_zero_std",
        "kl",
        "entropy",
        "clip_ratio/region_mean",
        "completions/mean_length",
        "completions/clipped_ratio",
        "sampling/sampling_logp_difference/mean",
        "num_tokens",
        "grad_norm",
        "learning_rate",
        "reflection/rate",
        "groups/frac_all_wrong",
        "host/rss_gb",
        "time/generate",
        "perf/tokens_per_second",
        "eval/pass@1",
    ):
        assert isinstance(last[name], (int, float)), name
    # the engine and the trainer compute the same log-probabilities
    assert last["sampling/sampling_logp_difference/mean"] < 1e-4
    phases = {row["phase"] for row in read_jsonl(folder.samples)}
    assert phases == {"before", "train", "after"}


def test_the_saved_model_loads_by_auto_classes(straight):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder, _ = straight
    model = AutoModelForCausalLM.from_pretrained(folder.model)
    tokenizer = AutoTokenizer.from_pretrained(folder.model)
    saved = weights(folder)
    for name, value in model.state_dict().items():
        assert torch.equal(value, saved.get(name, value)), name
    assert torch.equal(model.get_output_embeddings().weight, model.get_input_embeddings().weight), (
        "the tie survives"
    )
    assert tokenizer.decode(tokenizer.encode("<think> 1+1=2 </think>")) == "<think> 1+1=2 </think>"
    card = (folder.model / "README.md").read_text()
    assert "User: Compute 2+3. Assistant:'" in card  # the run's own template


@pytest.mark.parametrize(
    "options",
    [
        [
            "stage.minibatches=2",
            "stage.inner_epochs=2",
            "stage.algorithm=dapo",
            "stage.loss.kl_coefficient=0.01",
        ],
        ["stage.algorithm=gspo", "stage.dynamic_sampling=true", "stage.mask_truncated=true"],
        [
            "stage.algorithm=cispo",
            "stage.loss.rollout_correction=truncate",
            "rollout=hf",
            "stage.lr_schedule=cosine",
        ],
        [
            "stage.algorithm=dr_grpo",
            "stage.loss.kl_coefficient=0.1",
            "stage.reference_ema=0.5",
            "template=plain",
        ],
        ["stage.gradient_checkpointing=true", "stage.reference_reset_updates=1", "stage.share_prompts=false"],
        ["trainer.threads=2", "stage.loss.kl_coefficient=0.01", "stage.micro_batch_tokens=300"],
    ],
    ids=["dapo", "gspo", "cispo", "dr_grpo", "checkpointing", "lanes"],
)
@pytest.mark.slow
def test_the_options_run_and_resume_exactly(run_grpo, options):
    folder, result = run_grpo("whole", "stage.iterations=2", "stage.checkpoint_every=1", *options)
    run_grpo("halves", "stage.iterations=1", "stage.checkpoint_every=1", *options)
    halves, _ = run_grpo("halves", "stage.iterations=2", "stage.checkpoint_every=1", *options)
    assert result.metrics["iterations"] == 2
    if "stage.lr_schedule=cosine" not in options:  # a cosine over one iteration is another than over two
        assert same(weights(folder), weights(halves))


@pytest.mark.slow
@pytest.mark.parametrize("rollout", ["native", "hf"])
def test_adapters_alone_are_trained_and_saved_and_resumed_to_the_bit(run_grpo, rollout):
    options = (
        "model.lora.rank=4", "stage.loss.kl_coefficient=0.1", "stage.reference_reset_updates=2",
        "stage.checkpoint_every=1", "stage.eval_every=1", f"rollout={rollout}",
    )  # fmt: skip
    whole, _ = run_grpo("whole", "stage.iterations=4", *options)
    run_grpo("halves", "stage.iterations=3", *options)  # past the reset
    halves, _ = run_grpo("halves", "stage.iterations=4", *options)
    assert same(weights(whole), weights(halves))
    assert rows(whole) == rows(halves)
    assert all(row["sampling/sampling_logp_difference/mean"] < 1e-5 for row in rows(whole)[1:])
    base = Tiny(Tiny.Config()).load().model.state_dict()
    changed = {
        name.split(".")[-2] for name, each in weights(whole).items() if not torch.equal(each, base[name])
    }
    assert changed == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
    saved = torch.load(saved_checkpoints(whole.checkpoints)[0], weights_only=True)
    trained = load_file(whole.path / "adapter" / "adapter_model.safetensors")
    assert len(saved["state_dict"]) == len(saved["progress"]["reference"]) == len(trained)
    assert all("lora_" in name for name in saved["state_dict"])


def test_a_run_shorter_than_the_evaluations_are_apart_is_evaluated_at_its_ends(run_grpo):
    folder, _ = run_grpo("short", "stage.iterations=2", "stage.eval_every=25")
    assert [row["iteration"] for row in rows(folder) if "eval/pass@1" in row] == [0, 2]
    shown = {each["phase"]: each["reward"] is None for each in read_jsonl(folder.samples)}
    assert shown == {"before": True, "train": False, "after": True}  # only in training rewards are asked


@pytest.mark.slow
def test_the_weights_do_not_depend_on_the_micro_batches(run_grpo):
    whole, _ = run_grpo("whole", "stage.iterations=1")
    options = ("stage.micro_batch_tokens=300", "stage.share_prompts=false", "trainer.threads=2")
    for name, option in zip(("cut", "rows", "lanes"), options, strict=True):
        other, _ = run_grpo(name, "stage.iterations=1", option)
        assert rows(other)[1]["grad_norm"] == pytest.approx(rows(whole)[1]["grad_norm"], rel=1e-5)
        one, two = weights(whole), weights(other)
        for key in one:  # Adam's first step is 1e-4 wide whatever the gradient, so its rounding is magnified
            torch.testing.assert_close(one[key], two[key], atol=2e-5, rtol=0)


@pytest.mark.slow
def test_training_stops_when_accuracy_levels_off(run_grpo):
    folder, result = run_grpo(
        "stopped", "stage.iterations=40", "stage.eval_every=1", "stage.stop_when.patience=2", "stage.lr=1e-9"
    )
    assert result.metrics["iterations"] < 40
    assert (folder.checkpoints / "best" / "model.safetensors").exists()


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (["stage.minibatches=2", "trainer.devices=3"], "3 ranks and 2 minibatches; nearest: 6"),
        (["rollout=hf", "trainer.strategy=fsdp2"], "under trainer.strategy=fsdp2 no process has all of it"),
        (["rollout=vllm", "trainer.devices=2"], "rollout=vllm serves a trainer of one process"),
        (["trainer=gpu"], "torch sees no GPU here")
        if not torch.cuda.is_available()
        else (["stage.lr=0"], "lr=0"),
        (["stage.group_size=1"], "group_size=1 leaves a completion nothing to be compared with"),
        (["stage.minibatches=3"], "minibatches=3; nearest that is: 3 or 6"),
        (["data.train_size=0"], "no problems in its train split"),
        (["stage.test_problems=400"], "lower them, or hold more out"),
        (["stage.overlong_buffer=24"], "overlong_buffer=24 must be below max_tokens=24"),
        (
            ["objective=after/pas@1"],
            "unknown metric of grpo in objective: 'after/pas@1'; did you mean 'after/",
        ),
        (["resume=/no/such/run"], "resume=/no/such/run does not exist"),
        (["model.lora.rank=2", "trainer.strategy=fsdp2"], "model.lora needs the whole model in each process"),
        (["model.lora.rank=2", "model.lora.dropout=0.1"], "what learns must be what wrote; leave it at 0"),
        (["model.lora.rank=2", "stage.reference_ema=0.5"], "the product of averaged adapters is no average"),
        (["model.lora.rank=2", "model.lora.quantize=nf4"], "needs a GPU, and the run computes on a CPU"),
    ],
)
def test_what_cannot_be_run_is_refused_in_one_line(run_grpo, overrides, line):
    with pytest.raises((ConfigError, DataError, ValueError), match=r".") as caught:
        run_grpo("refused", *overrides)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_prompt_longer_than_the_context_is_named(run_grpo, tmp_path):
    from transformers import AutoConfig

    from r1light.core.registry import registry

    source = registry("models").create("tiny", registry("models").config_type("tiny")()).load().path
    short = tmp_path / "short"
    short.mkdir()
    for file in ("model.safetensors", "tokenizer.json", "tokenizer_config.json", "generation_config.json"):
        (short / file).symlink_to(f"{source}/{file}")
    config = AutoConfig.from_pretrained(source)
    config.max_position_embeddings = 60
    config.save_pretrained(short)
    with pytest.raises(
        DataError, match=r"problem 'arithmetic/.*': its prompt has \d+ tokens .* context of 60"
    ):
        run_grpo("long", f"model.path={short}")


def test_a_failed_save_leaves_the_last_checkpoint_whole(run_grpo, monkeypatch):
    folder, _ = run_grpo("full", "stage.iterations=1", "stage.checkpoint_every=1")
    real = torch.save

    def half(value, file):
        file.write(b"half a checkpoint")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints.torch, "save", half)
    with pytest.raises(StorageError, match=r"cannot save the checkpoint .*: No space left on device"):
        run_grpo("full", "stage.iterations=3", "stage.checkpoint_every=1")
    monkeypatch.setattr(checkpoints.torch, "save", real)
    (kept,) = saved_checkpoints(folder.checkpoints)
    assert torch.load(kept, weights_only=True)["progress"]["iteration"] == 1
    assert not list(folder.checkpoints.glob("*.tmp"))


def test_a_damaged_checkpoint_is_named_and_the_one_before_it_used(straight, run_grpo, caplog):
    folder, _ = straight
    whole, metrics = weights(folder), rows(folder)
    newest = saved_checkpoints(folder.checkpoints)[0]
    newest.write_bytes(newest.read_bytes()[:1000])
    with caplog.at_level("INFO"):
        run_grpo("straight", "stage.iterations=6")
    assert "iteration-000006.ckpt is damaged" in caplog.text
    assert "resumed after iteration 3" in caplog.text
    assert same(whole, weights(folder))
    assert metrics == rows(folder)


def test_a_run_past_the_iterations_asked_for_is_refused_and_unharmed(straight, run_grpo):
    folder, _ = straight
    with pytest.raises(ResumeError, match=r"after iteration 6, and stage.iterations=2 asks for fewer"):
        run_grpo("straight", "stage.iterations=2")
    assert len(saved_checkpoints(folder.checkpoints)) == 2


def test_going_on_from_an_older_checkpoint_in_another_folder_takes_the_history_along(straight, run_grpo):
    folder, _ = straight
    older = folder.checkpoints / "iteration-000003.ckpt"
    other, _ = run_grpo("other", "stage.iterations=6", f"resume={older}")
    assert same(weights(folder), weights(other))
    assert rows(other) == rows(folder)
    assert saved_checkpoints(folder.checkpoints)[0].name == "iteration-000006.ckpt"


@pytest.mark.slow
def test_a_continued_run_keeps_only_its_own_last_samples(run_grpo):
    run_grpo("longer", "stage.iterations=1")
    folder, _ = run_grpo("longer", "stage.iterations=2")
    after = [row["iteration"] for row in read_jsonl(folder.samples) if row["phase"] == "after"]
    assert set(after) == {2}


@pytest.mark.slow
def test_eager_attention_trains_on_the_same_log_probabilities(run_grpo):
    tiny = Tiny(Tiny.Config()).load().path
    folder, _ = run_grpo(
        "eager", "stage.iterations=1", "model=hf", f"model.path={tiny}", "model.attention=eager"
    )
    assert rows(folder)[1]["sampling/sampling_logp_difference/mean"] < 1e-4


def test_a_signal_while_the_run_is_built_ends_it_at_once(run_grpo, monkeypatch):
    def obey(signum, _frame):
        raise Interrupted(signum)  # as __main__ does

    def slow(*_arguments):
        os.kill(os.getpid(), signal.SIGTERM)
        pytest.fail("the signal was put off")

    monkeypatch.setattr("r1light.stages.build.build_data", slow)
    before = signal.signal(signal.SIGTERM, obey)
    try:
        with pytest.raises(Interrupted):
            run_grpo("signalled")
    finally:
        signal.signal(signal.SIGTERM, before)
