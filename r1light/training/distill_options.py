"""The options of distillation. Imports no torch, so that a configuration is checked fast."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from r1light.training.sft_options import SftOptions

Dtype = Literal["float32", "bfloat16", "float16", "auto"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DistillOptions(SftOptions):
    """What a student learns from a teacher, besides what it learns from texts (`SftOptions`)."""

    name: Literal["distill"] = "distill"
    """The stage."""
    mode: Literal["data", "logits", "on_policy"] = "data"
    """Learn from: the teacher's texts as stage=sft does (the paper); the teacher's distribution over the next
    token, on those texts; or its distribution on what the student writes itself."""
    teacher: str | None = None
    """The teacher: a model directory, a name on the hub, or a registered model such as tiny. Needed in
    mode=logits and mode=on_policy; in mode=data it is only measured on `problems`."""
    teacher_dtype: Dtype = "float32"
    """Number format of the teacher's weights in memory; "auto" takes that of the files."""

    beta: float | None = None
    """The divergence: 0 is KL(teacher || student), 1 is KL(student || teacher), between them the generalised
    Jensen-Shannon divergence (GKD, arXiv:2306.13649). Null for 0 in mode=logits and 1 in mode=on_policy
    (the stage takes what the model recommends, where it does)."""
    temperature: float = 1.0
    """Divides the logits of teacher and student in the divergence."""
    top_k: int | None = 64
    """In mode=logits, the most likely tokens of the teacher that are kept, the others as one; they are taken
    once and stand on disk. Null for the whole distribution, which the teacher computes in every epoch."""
    cache: str | None = None
    """The folder of the teacher's top_k, to share among runs; null for teacher_top_k/ in the run folder. It
    takes 8 * top_k bytes a target token."""

    iterations: int | None = None
    """Updates in all in mode=on_policy; null for 600. The other modes count `epochs`."""
    group_size: int = 1
    """Completions a problem in mode=on_policy; an update has batch_size of them."""
    on_policy_share: float = 1.0
    """GKD's lambda: the share of updates in mode=on_policy that learn from the student's own completions; the
    others learn from `texts` (GKD's authors recommend 0.5 and more)."""
    texts: str | None = None
    """Texts for the updates that are not on-policy: a file, folder or name on the hub as data=conversations
    has it."""
    rollout_temperature: float = 1.0
    """Of the student's own completions."""
    max_tokens: int = 1024
    """The cap on a completion, in tokens, in rollouts and evaluations."""

    problems: str | dict[str, Any] | None = None
    """What pass@1 is measured on: a data source by name, or {name: ..., its options}. Null for the held-out
    problems of data in mode=on_policy, and for no such measurement in the other modes."""
    eval_every: int = 25
    """Updates between measurements on held-out rows and problems; 0 for none but before and after."""
    eval_problems: int = 128
    """Held-out problems of an evaluation in the course of training."""
    test_problems: int = 384
    """Further held-out problems for the figures before and after; none of them is used for anything else."""
    measure_teacher: bool = True
    """Whether the teacher is measured on the test problems too."""
    checkpoint_every: int = 25
    """Updates between checkpoints; there is one at the end in any case."""
    logged_groups: int = 1
    """Problems an update whose completions go to samples.jsonl."""

    def __post_init__(self) -> None:
        SftOptions.__post_init__(self)
        for name in ("temperature", "rollout_temperature", "max_tokens", "test_problems", "group_size"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name}={getattr(self, name)} must be above 0 and finite")
        for name in ("eval_problems", "logged_groups"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}={getattr(self, name)} must not be negative")
        for name in ("top_k", "iterations"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise ValueError(f"{name}={value} must be at least 1, or null")
        for name, value in (("beta", self.beta), ("on_policy_share", self.on_policy_share)):
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f"{name}={value} must be in [0, 1]")
        self._check_mode()

    def _check_mode(self) -> None:
        if self.mode != "data" and not self.teacher:
            raise ValueError(f"mode={self.mode} needs teacher: a model directory, a hub name, or tiny")
        if self.mode != "on_policy":
            if self.iterations is not None:
                raise ValueError(f"iterations is of mode=on_policy; mode={self.mode} counts epochs")
            if self.texts is not None:
                raise ValueError(f"texts is of mode=on_policy; in mode={self.mode} data.path has the texts")
            return
        if self.max_updates is not None:
            raise ValueError("max_updates is of the other modes; in mode=on_policy give iterations")
        if self.batch_size % self.group_size:
            raise ValueError(f"batch_size={self.batch_size} is not divided by group_size={self.group_size}")
        if (self.on_policy_share < 1) != (self.texts is not None):
            raise ValueError(
                f"on_policy_share={self.on_policy_share} and texts={self.texts} do not fit: a share below 1 "
                "needs texts for the other updates, and a share of 1 leaves texts without use"
            )

    @property
    def divergence(self) -> float:
        """The beta in force."""
        if self.beta is not None:
            return self.beta
        return 1.0 if self.mode == "on_policy" else 0.0

    def updates(self, rows: int) -> int:
        """Updates in all."""
        if self.mode == "on_policy":
            return self.iterations or ON_POLICY_UPDATES
        return SftOptions.updates(self, rows)


ON_POLICY_UPDATES = 600
"""Updates in all in mode=on_policy where the options name none."""
