"""The validated configuration: what a stage is given. Frozen, and free of Hydra and of torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from r1light.config.logger_schema import LoggerSpec
from r1light.config.pipeline_schema import PipelineSpec
from r1light.core.sandbox import SandboxConfig


@dataclass(frozen=True, slots=True)
class Component:
    """A registered component that the configuration names.

    Attributes:
        name: Its name in the registry.
        config: Its validated `Config`, or None where it takes no parameters.

    Example:
        >>> Component("r1_zero").config is None
        True
    """

    name: str
    config: Any = None


@dataclass(frozen=True, slots=True)
class Recommended:
    """What a data source recommends to a stage that trains on it; the stage's own options win."""

    iterations: int | None = None
    """Iterations after which this task is learnt."""
    max_tokens: int | None = None
    """The cap on sampled tokens a completion."""
    mask_truncated: bool | None = None
    """Whether completions cut at the cap are left out of the loss, so that long searches are not unlearnt."""

    def __post_init__(self) -> None:
        for name, value in (("iterations", self.iterations), ("max_tokens", self.max_tokens)):
            if value is not None and value < 1:
                raise ValueError(f"{name}={value} must be at least 1")


@dataclass(frozen=True, slots=True)
class RecommendedRate:
    """What a model recommends to a stage that trains it; the stage's own options win."""

    lr: float | None = None
    """The peak learning rate of reinforcement learning at this size."""
    sft_lr: float | None = None
    """The peak learning rate of supervised fine-tuning and distillation at this size."""
    reward_lr: float | None = None
    """The peak learning rate of a reward model at this size."""
    distill_beta: float | None = None
    """The divergence from its teacher that a student of this size learns from, as `stage.beta`."""

    def __post_init__(self) -> None:
        for name in ("lr", "sft_lr", "reward_lr"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name}={value} must be above 0")


@dataclass(frozen=True, slots=True)
class LoraSpec:
    """Low-rank adapters (arXiv:2106.09685): a stage that trains the model trains these, and nothing else."""

    rank: int = 0
    """The rank of the adapters; 0 trains all weights."""
    alpha: float = 32.0
    """The adapters' product is scaled by alpha / rank."""
    dropout: float = 0.0
    """The share of an adapter's inputs that is dropped in training; 0 where the model learns from what it
    writes."""
    targets: list[str] | Literal["all-linear"] = "all-linear"
    """Names of the layers that get one, such as [q_proj, v_proj]; all-linear is all but the output head."""
    quantize: Literal["none", "nf4"] = "none"
    """How the weights that are not trained are held: as they are, or in 4 bits (QLoRA, arXiv:2305.14314;
    needs a GPU and bitsandbytes)."""

    def __post_init__(self) -> None:
        if self.rank < 0 or not self.alpha > 0 or not 0 <= self.dropout < 1:
            raise ValueError(
                f"rank={self.rank} must not be negative, alpha={self.alpha} must be above 0, "
                f"dropout={self.dropout} must be in [0, 1)"
            )
        if not self.targets:
            raise ValueError("targets is empty; name layers, or take all-linear")
        if self.quantize != "none" and not self.rank:
            raise ValueError(
                f"quantize={self.quantize} needs adapters to train; give a rank, such as rank=16"
            )


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """The model: a component, what it recommends, and the adapters that are trained in its place."""

    name: str
    config: Any = None
    recommended: RecommendedRate = field(default_factory=RecommendedRate)
    lora: LoraSpec = field(default_factory=LoraSpec)


@dataclass(frozen=True, slots=True)
class Decontamination:
    """Evaluation data that nothing may be trained on: rows that share ten words in a row are left out."""

    against: tuple[str, ...] = ()
    """Files (.jsonl, .ndjson, .json, .csv, .parquet) or folders of them, data sources (their test split) or
    evaluation tasks; the paper takes all that it evaluates on (arXiv:2501.12948v2, D.1)."""
    columns: tuple[str, ...] | None = None
    """The columns of those files that are looked at; null for every text in a row."""
    data_dir: str | None = None
    """A folder with the files of the evaluation tasks, as `stage.data_dir` of `stage=evaluate`; null takes
    them from the hub."""

    def __post_init__(self) -> None:
        if any(not entry for entry in self.against):
            raise ValueError("against has an empty entry; each names a file, a data source or a task")
        if self.columns is not None and not self.columns:
            raise ValueError("columns is empty; name at least one, or leave it null for every text")
        if self.data_dir == "":
            raise ValueError("data_dir must name a folder, or be null")


@dataclass(frozen=True, slots=True)
class DataSpec:
    """The data source: a component, what it recommends, and what must not be in it."""

    name: str
    config: Any = None
    recommended: Recommended = field(default_factory=Recommended)
    decontaminate: Decontamination = field(default_factory=Decontamination)


@dataclass(frozen=True, slots=True)
class RewardSpec:
    """One reward of the mix.

    Attributes:
        key: Its name in the configuration and in metrics; two rewards may share a component.
        name: The registered reward.
        weight: Its factor in the weighted sum.
        config: Its validated `Config`, or None where it takes no parameters.
        sources: The sources of the data (`meta.source`) that it scores, or None for all problems.
        deadline: Wall-clock seconds that one call may take; None for the mix's.
    """

    key: str
    name: str
    weight: float = 1.0
    config: Any = None
    sources: tuple[str, ...] | None = None
    deadline: float | None = None


@dataclass(frozen=True, slots=True)
class RewardMixSpec:
    """The rewards that are summed, in the configuration's order, and how many errors are borne."""

    components: tuple[RewardSpec, ...]
    max_error_rate: float = 0.0
    """The share of samples on which a reward may fail, in [0, 1]; above it the run stops."""
    deadline_s: float | None = 300.0
    """Wall-clock seconds that one call of a reward may take if it names none itself; None for no bound."""


@dataclass(frozen=True, slots=True)
class TrainerSpec:
    """On what the run computes."""

    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    """`auto` takes a GPU where there is one."""
    strategy: Literal["ddp", "fsdp2", "deepspeed_zero1", "deepspeed_zero2", "deepspeed_zero3"] = "ddp"
    """How processes share the training: `ddp` gives each the whole model (with one device it is plain
    training); `fsdp2` and `deepspeed_zero3` share out weights, gradients and moments, `deepspeed_zero2`
    gradients and moments, `deepspeed_zero1` moments."""
    devices: int = 1
    """Processes on this machine, one a device."""
    nodes: int = 1
    """Machines, under torchrun or SLURM."""
    timeout: float = 1800.0
    """Seconds that one process waits for the others before it ends."""
    offload: tuple[Literal["optimizer", "parameters"], ...] = ()
    """What DeepSpeed keeps in the host's memory; parameters need deepspeed_zero3."""
    precision: Literal["32-true", "bf16-true", "bf16-mixed"] = "32-true"
    """The numbers that the policy computes with, in Lightning's names."""
    threads: int | None = None
    """CPU threads a process; null leaves it to torch."""

    def __post_init__(self) -> None:
        if self.devices < 1:
            raise ValueError(f"devices={self.devices} must be at least 1")
        if self.nodes < 1:
            raise ValueError(f"nodes={self.nodes} must be at least 1")
        if not self.timeout > 0:
            raise ValueError(f"timeout={self.timeout} must be above 0")
        if self.threads is not None and self.threads < 1:
            raise ValueError(f"threads={self.threads} must be at least 1, or null")
        if self.offload and not self.strategy.startswith("deepspeed"):
            raise ValueError(f"offload is DeepSpeed's, and not for strategy={self.strategy}; leave it empty")
        if "parameters" in self.offload and self.strategy != "deepspeed_zero3":
            raise ValueError(f"offload=[parameters] needs strategy=deepspeed_zero3, not {self.strategy}")

    @property
    def ranks(self) -> int:
        """Processes in all."""
        return self.devices * self.nodes

    @property
    def shards_weights(self) -> bool:
        """Whether no process has all weights."""
        return self.strategy in ("fsdp2", "deepspeed_zero3")


@dataclass(frozen=True, slots=True)
class RunConfig:
    """One run's whole configuration.

    Attributes:
        stage_name: The stage to run, such as "grpo".
        stage: That stage's validated `Config`.
        model: The model.
        data: The data source.
        template: The template.
        reward: The mix of rewards.
        rollout: The rollout engine.
        trainer: On what it computes.
        logger: Where metrics go.
        sandbox: How model-written programs are confined.
        pipeline: The steps that `stage=pipeline` runs; None for other stages.
        resolved: All of the above as plain data, defaults filled in, secrets unmasked.
        fingerprint: A hash of what the configuration trains; see `core.manifest.fingerprint`.
        seed: Decides every random draw of the run.
        resume: "auto", "none", or a path to a run folder, its checkpoints or one checkpoint.
        debug: Tracebacks for user errors too, and debug messages in the log.
        objective: The metric of result.json that a sweeper optimises, or None.
    """

    stage_name: str
    stage: Any
    model: ModelSpec
    data: DataSpec
    template: Component
    reward: RewardMixSpec
    rollout: Component
    trainer: TrainerSpec
    logger: LoggerSpec
    resolved: Mapping[str, Any]
    fingerprint: str
    sandbox: SandboxConfig = field(default_factory=SandboxConfig)
    pipeline: PipelineSpec | None = None
    seed: int = 0
    resume: str = "auto"
    debug: bool = False
    objective: str | None = None
