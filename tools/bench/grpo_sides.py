"""The two sides of grpo_step.py: `stage=grpo` and TRL's GRPOTrainer, on the same model, problems and rewards.

Both take the problems in one order, ask one reward (`reward=r1_zero`) and are looked at by one evaluation.
TRL trains without gradient checkpointing, logging and saving, generates once an update, and has the options
of `stage=grpo`. Rows that it takes at a time are an option, as a CPU's caches like fewer. On a CPU both
compute in float32; on a GPU in bfloat16, with weights in float32, as `trainer=gpu` does, or in bfloat16.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROMPTS, GROUP, CAP = 16, 8, 110
LR, BETA2, KL, SEED = 2e-4, 0.99, 0.001, 0


def now() -> tuple[float, float]:
    """The clock and this process's CPU time, in seconds."""
    return time.perf_counter(), time.process_time()


@dataclass(frozen=True, slots=True)
class Task:
    """What a side has to do.

    Attributes:
        model: A model directory.
        steps: The most optimiser steps.
        threads: Of torch.
        until: The held-out accuracy at which to end; 0 for none.
        every: Steps between evaluations.
        trl_rows: Rows that TRL takes at a time.
        device: "cpu" or "cuda".
        dtype: Of the weights that are trained.
        data: The problems.
        prompts: Problems a step.
        cap: The most tokens of a completion.
        extra: Further words of our command line.
    """

    model: str
    steps: int
    threads: int
    until: float = 0.0
    every: int = 4
    trl_rows: int = 32
    device: str = "cpu"
    dtype: str = "float32"
    data: str = "arithmetic"
    prompts: int = PROMPTS
    cap: int = CAP
    extra: tuple[str, ...] = ()

    def overrides(self, folder: Path) -> list[str]:
        """The command line of `stage=grpo`; logging costs what it costs."""
        trainer = {"cpu": ["trainer=cpu"], "cuda": ["trainer=gpu", "rollout.dtype=bfloat16"]}[self.device]
        if self.dtype == "bfloat16":
            trainer += ["model.dtype=bfloat16", "trainer.precision=bf16-true"]
        return [
            "stage=grpo", "model=tiny", f"model.path={self.model}", f"data={self.data}", "reward=r1_zero",
            *trainer, f"trainer.threads={self.threads}", f"seed={SEED}", "resume=none",
            f"hydra.run.dir={folder}", f"stage.iterations={self.steps + 1}", f"stage.max_tokens={self.cap}",
            f"stage.prompts_per_iteration={self.prompts}", f"stage.group_size={GROUP}", f"stage.lr={LR}",
            f"stage.adam_beta2={BETA2}", f"stage.loss.kl_coefficient={KL}",
            "stage.reference_reset_updates=0", "stage.eval_every=0", "stage.test_problems=1",
            f"stage.checkpoint_every={self.steps + 1}", *self.extra,
        ]  # fmt: skip


@dataclass(slots=True)
class Clock:
    """Seconds of each step, without those of evaluations.

    Attributes:
        steps: A dict of figures a step.
        accuracy: Held-out accuracy by step, where asked for.
    """

    task: Task
    evaluate: Callable[[Any, int], float]
    steps: list[dict[str, float]] = field(default_factory=list)
    accuracy: dict[int, float] = field(default_factory=dict)
    _begun: tuple[float, float] = (0.0, 0.0)

    def begin(self) -> None:
        """Training starts now."""
        self._begun = now()

    def end_step(self, model: Any, figures: dict[str, float]) -> bool:
        """A step is done; whether it is the last."""
        clock, cpu = (end - start for start, end in zip(self._begun, now(), strict=True))
        self.steps.append({"clock": clock, "cpu": cpu, **figures})
        number = len(self.steps)
        if self.task.until and number % self.task.every == 0:
            self.accuracy[number] = self.evaluate(model, number)
        self._begun = now()
        reached = bool(self.task.until) and self.accuracy.get(number, 0.0) >= self.task.until
        return reached or number == self.task.steps


@dataclass(frozen=True, slots=True)
class World:
    """Problems, prompts and rewards of a run of `stage=grpo`."""

    config: Any
    data: Any
    encoder: Any
    graders: Any
    mix: Any
    tokenizer: Any
    eos_ids: tuple[int, ...]

    def accuracy(self, model: Any, step: int) -> float:
        """The share of right answers to held-out problems, one sampled completion each (pass@1)."""
        from r1light.core.types import SamplingParams
        from r1light.rollout.native import Native
        from r1light.stages.measuring import measures
        from r1light.training.held_out import HeldOut
        from r1light.training.interrupt import Interrupt

        def decode(ids: Any) -> str:
            return str(self.tokenizer.decode(list(ids), skip_special_tokens=True))

        with closing(Native(Native.Config(), model, decode, self.eos_ids)) as engine:
            params = SamplingParams(n=1, max_tokens=self.config.stage.max_tokens, seed=SEED)
            graders = self.graders.by_name
            looks = HeldOut(engine, self.encoder, graders, params, Interrupt(), measures(strict=False))
            return float(looks.evaluate(self.data.validation, step).metrics["pass@1"])

    def rewards(self, places: Sequence[int], problems: Sequence[Any], texts: Any, ids: Any) -> list[Any]:
        """The mix's totals of completions to the problems at these places."""
        from r1light.core.types import Completion, Sample

        template = self.encoder.template
        samples = []
        for place, text, tokens in zip(places, texts, ids, strict=True):
            prompt = template.render(problems[place])
            ended = "stop" if tokens[-1] in self.eos_ids else "length"
            written = Completion(tuple(tokens), text, (0.0,) * len(tokens), ended)  # type: ignore[arg-type]
            parsed = template.parse(prompt.prefill, text)
            samples.append(Sample(problems[place], prompt.text, written, parsed, prompt.prefill))
        return list(self.mix.score(samples).totals)


@contextmanager
def world_of(task: Task, folder: Path) -> Iterator[World]:
    """Compose and build what `stage=grpo` would."""
    from r1light.config.compose import Source, compose_jobs
    from r1light.config.search_path import register
    from r1light.config.validate import validate
    from r1light.stages import build, stage_module
    from r1light.stages.graders import build_graders
    from r1light.stages.mix import build_mix
    from r1light.training.problems import PromptEncoder

    register()
    config = validate(compose_jobs(task.overrides(folder), Source(), multirun=False).jobs[0], stage_module)
    data = build.build_data(config, config.stage.eval_problems, config.stage.test_problems)
    graders = build_graders(config, data.all)
    with closing(graders), closing(build_mix(config, graders)) as mix:
        loaded = build.build_tokenizer(config)
        tokenizer = loaded.tokenizer
        template = build.build_template(config, tokenizer)
        encoder = PromptEncoder(template, build.encoder(tokenizer), loaded.context)
        yield World(config, data, encoder, graders, mix, tokenizer, (tokenizer.eos_token_id,))


def run_r1light(task: Task, folder: Path) -> Clock:
    """The command line itself, with a clock in what records its iterations."""
    from r1light.__main__ import main
    from r1light.training import record

    class Timed(record.Record):
        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            super().on_train_start(trainer, pl_module)
            clock.begin()

        def on_train_batch_end(
            self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
        ) -> None:
            super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
            last = pl_module.last
            groups = last.rollout.groups
            lengths = [len(sample.completion.token_ids) for group in groups for sample in group.samples]
            figures = {
                "generate": last.rollout.generate_seconds,
                "reward": last.rollout.reward_seconds,
                "train": last.train_seconds,
                "tokens": sum(lengths),
                "longest": max(lengths),
                "prompt_tokens": sum(len(group.prompt_ids) for group in groups),
            }
            if clock.end_step(pl_module.policy, figures):
                raise SystemExit(0)  # the last checkpoint, and what a run does at its end, are no step

    with world_of(task, folder) as world:
        clock = Clock(task, world.accuracy)
        record.Record = Timed  # type: ignore[misc]
        code = main(task.overrides(folder))
    if code:
        raise SystemExit(f"stage=grpo ended with exit code {code}")
    return clock


def run_trl(task: Task, folder: Path) -> Clock:
    """GRPOTrainer, with a clock in its generation and its rewards; the rest of a step is its training."""
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
    from trl import GRPOTrainer

    from r1light.training.problems import ProblemStream

    spent = {"generate": 0.0, "reward": 0.0, "tokens": 0.0, "longest": 0.0, "prompt_tokens": 0.0}

    class Timed(GRPOTrainer):  # type: ignore[misc]
        def _generate(self, *given: Any, **named: Any) -> Any:
            begun = time.perf_counter()
            found = super()._generate(*given, **named)
            spent["generate"] = time.perf_counter() - begun
            return found

        def _calculate_rewards(self, *given: Any, **named: Any) -> Any:
            begun = time.perf_counter()
            found = super()._calculate_rewards(*given, **named)
            spent["reward"] = time.perf_counter() - begun
            return found

    class Steps(TrainerCallback):  # type: ignore[misc]
        def on_train_begin(self, *_: Any, **__: Any) -> None:
            clock.begin()

        def on_step_end(self, *given: Any, model: Any, **_: Any) -> None:
            control = given[2]  # after arguments and state
            control.should_training_stop |= clock.end_step(model, dict(spent))

    with world_of(task, folder) as world:
        clock = Clock(task, world.accuracy)
        problems, _ = ProblemStream(world.data.train, SEED).take(task.prompts * task.steps)
        texts = [world.encoder.template.render(problem).text for problem in problems]

        def reward(completions: Any, completion_ids: Any, place: Any, **_: Any) -> list[Any]:
            spent["tokens"] = sum(map(len, completion_ids))
            spent["longest"] = max(map(len, completion_ids))
            return world.rewards(place, problems, completions, completion_ids)

        Timed(
            model=AutoModelForCausalLM.from_pretrained(task.model, dtype=task.dtype),
            reward_funcs=reward,
            args=trl_config(task, folder),
            train_dataset=Dataset.from_dict({"prompt": texts, "place": list(range(len(texts)))}),
            processing_class=AutoTokenizer.from_pretrained(task.model),
            callbacks=[Steps()],
        ).train()
    for step in clock.steps:
        step["train"] = step["clock"] - step["generate"] - step["reward"]
    return clock


def trl_config(task: Task, folder: Path) -> Any:
    """The options of `stage=grpo` by TRL's names."""
    from trl import GRPOConfig

    pieces = task.prompts * GROUP // task.trl_rows
    on_gpu = task.device == "cuda"
    return GRPOConfig(
        output_dir=str(folder), max_steps=task.steps, per_device_train_batch_size=task.trl_rows,
        gradient_accumulation_steps=pieces, steps_per_generation=pieces, num_generations=GROUP,
        max_completion_length=task.cap, temperature=1.0, top_p=1.0, top_k=0, learning_rate=LR,
        lr_scheduler_type="constant", adam_beta2=BETA2, weight_decay=0.0, max_grad_norm=1.0, beta=KL,
        epsilon=10.0, loss_type="grpo", scale_rewards="group", shuffle_dataset=False, seed=SEED,
        use_cpu=not on_gpu, bf16=on_gpu, gradient_checkpointing=False, report_to="none",
        logging_strategy="no", save_strategy="no", disable_tqdm=True, dataloader_pin_memory=False,
    )  # fmt: skip
