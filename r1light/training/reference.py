"""The reference policy of the KL term: a frozen copy, reset to the policy now and then, or trailing it."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

Weights = Iterable[tuple[str, Tensor]]
"""Names and whole weights of a policy, as `training.whole` gives them."""


class Reference:
    """A frozen copy of the policy. Not a submodule of anything, so no optimiser and no strategy sees it."""

    def __init__(self, policy: Any) -> None:
        self.model = copy.deepcopy(policy).requires_grad_(False).eval()

    @torch.no_grad()
    def reset(self, policy: Weights) -> None:
        """Become the policy of this moment (the paper, every 400 updates)."""
        for mine, (_, theirs) in zip(self.model.parameters(), policy, strict=True):
            mine.copy_(theirs)

    @torch.no_grad()
    def trail(self, policy: Weights, ema: float) -> None:
        """Reference = ema * reference + (1 - ema) * policy."""
        for mine, (_, theirs) in zip(self.model.parameters(), policy, strict=True):
            mine.lerp_(theirs.to(mine), 1 - ema)
