"""The command lines that tools/gpu_check.py tries."""

from __future__ import annotations

from dataclasses import dataclass

STRATEGIES = ("ddp", "fsdp2", "deepspeed_zero2", "deepspeed_zero3")
"""Their losses are compared with those of plain training, `sft`."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command line to try.

    Attributes:
        name: In the table.
        words: What follows `python -m r1light`, the stage first; {rows} is a file of texts, {tiny} the
            directory of the miniature model.
        updates: The key that takes the number of updates; "" where there is none.
        trainer: Another strategy than plain training on the one device.
        gpu: Whether it needs a GPU.
        small: What follows besides where there is none.
    """

    name: str
    words: str
    updates: str = ""
    trainer: str = ""
    gpu: bool = False
    small: str = ""

    @property
    def stage(self) -> str:
        """The stage that it needs."""
        return self.words.split()[0].removeprefix("stage=")


_GRPO = (
    "stage=grpo data=arithmetic stage.prompts_per_iteration=16 stage.group_size=8 stage.minibatches=2 "
    "stage.max_tokens=64 stage.eval_problems=16 stage.test_problems=16"
)
_FEW = "stage.prompts_per_iteration=4 stage.max_tokens=24 stage.eval_problems=4 stage.test_problems=4"
_DISTILL = (
    "stage=distill model=tiny_student stage.batch_size=8 stage.eval_every=0 stage.eval_problems=16 "
    "stage.test_problems=16"
)
_TEXTS = "data=conversations data.path={rows}"
_SAMPLE = "stage=sample data=arithmetic stage.n=4 stage.limit=32 stage.max_tokens=64"
_SFT = f"stage=sft {_TEXTS} stage.batch_size=8"
_NF4 = "model=hf model.path={tiny} model.lora.rank=16 model.lora.quantize=nf4 model.dtype=bfloat16"
_REWARD_MODEL = "stage=reward_model data=tiny_preferences stage.batch_size=8"
_LOGITS = f"{_DISTILL} {_TEXTS} stage.mode=logits stage.teacher=tiny"
_ON_POLICY = f"{_DISTILL} data=arithmetic stage.mode=on_policy stage.teacher=tiny stage.max_tokens=64"


def _grpo(name: str, words: str, *, gpu: bool = False) -> Command:
    return Command(f"grpo_{name}", f"{_GRPO} {words}", "stage.iterations", gpu=gpu, small=_FEW)


COMMANDS = (
    _grpo("native", "rollout=native"),
    _grpo("native_bfloat16", "rollout=native rollout.dtype=bfloat16"),
    _grpo("offload", "stage.offload=[optimizer,policy,reference]"),
    _grpo("hf", "rollout=hf"),
    _grpo("lora", "model.lora.rank=16"),
    _grpo("qlora", _NF4, gpu=True),
    Command("sft", _SFT, "stage.max_updates"),
    Command("sft_lora", f"{_SFT} model.lora.rank=16", "stage.max_updates"),
    Command("sft_qlora", f"{_SFT} {_NF4}", "stage.max_updates", gpu=True),
    *(Command(f"sft_{name}", _SFT, "stage.max_updates", name) for name in STRATEGIES),
    Command("reward_model", _REWARD_MODEL, "stage.max_updates"),
    Command("sample", _SAMPLE),
    Command("distill_data", f"{_DISTILL} {_TEXTS} stage.mode=data", "stage.max_updates"),
    Command("distill_logits", _LOGITS, "stage.max_updates"),
    Command("distill_on_policy", _ON_POLICY, "stage.iterations"),
)
