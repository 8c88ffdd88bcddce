"""The reference policy of the KL term: it is reset to the policy now and then, or trails it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor

from r1light.models.lora import has_adapters
from r1light.training.grpo_options import GrpoOptions
from r1light.training.whole import whole_parameters


class Reference(Protocol):
    """Another policy than the one that is trained. No submodule of anything, so no strategy sees it."""

    @property
    def tensors(self) -> Sequence[Tensor]:
        """What of it is worth moving to the host's memory."""
        ...

    def acting(self, policy: Any) -> Any:
        """A context that gives the reference as a model.

        Args:
            policy: The policy, or a lane's twin of it; not to be used meanwhile.
        """
        ...

    def reset(self, policy: Any) -> None:
        """Become the policy of this moment (the paper, every 400 updates)."""
        ...

    def to(self, device: torch.device) -> None:
        """Move it."""
        ...

    def state_dict(self) -> dict[str, Tensor]:
        """What a checkpoint keeps."""
        ...

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take it back."""
        ...


def reference_of(policy: Any) -> Reference:
    """The policy of this moment, as a reference."""
    return AdapterReference(policy) if has_adapters(policy) else CopiedReference(policy)


def follow(reference: Reference, policy: Any, updates: int, options: GrpoOptions) -> None:
    """Reset or trail, as the options say, after so many updates."""
    every = options.reference_reset_updates
    if options.reference_ema is not None:
        assert isinstance(reference, CopiedReference), "stages/adapters.py refuses averages of adapters"
        reference.trail(policy, options.reference_ema)
    elif every and updates % every == 0:
        reference.reset(policy)


class CopiedReference:
    """A frozen copy of the policy."""

    def __init__(self, policy: Any) -> None:
        self.model = copy.deepcopy(policy).requires_grad_(False).eval()
        self.to, self.state_dict = self.model.to, self.model.state_dict
        self.load_state_dict = self.model.load_state_dict

    @property
    def tensors(self) -> Sequence[Tensor]:
        """All weights."""
        return list(self.model.parameters())

    @contextmanager
    def acting(self, policy: Any) -> Iterator[Any]:
        """The copy."""
        del policy
        yield self.model

    @torch.no_grad()
    def reset(self, policy: Any) -> None:
        """See `Reference.reset`."""
        for mine, (_, theirs) in zip(self.model.parameters(), whole_parameters(policy), strict=True):
            mine.copy_(theirs)

    @torch.no_grad()
    def trail(self, policy: Any, ema: float) -> None:
        """Reference = ema * reference + (1 - ema) * policy."""
        for mine, (_, theirs) in zip(self.model.parameters(), whole_parameters(policy), strict=True):
            mine.lerp_(theirs.to(mine), 1 - ema)


class AdapterReference:
    """The policy's own frozen weights with other adapters: at first such that add nothing."""

    tensors: Sequence[Tensor] = ()
    """Adapters are small."""

    def __init__(self, policy: Any) -> None:
        self._adapters = {name: each.detach().clone() for name, each in _trained(policy)}

    @contextmanager
    def acting(self, policy: Any) -> Iterator[Any]:
        """The policy itself, with the reference's adapters in the place of its own."""
        own = [(each, each.data) for _, each in _trained(policy)]
        try:
            for (each, _), data in zip(own, self._adapters.values(), strict=True):
                each.data = data.to(each.dtype)
            yield policy
        finally:
            for each, data in own:
                each.data = data

    @torch.no_grad()
    def reset(self, policy: Any) -> None:
        """See `Reference.reset`."""
        for name, each in _trained(policy):
            self._adapters[name].copy_(each)

    def to(self, device: torch.device) -> None:
        """See `Reference.to`."""
        self._adapters = {name: each.to(device) for name, each in self._adapters.items()}

    def state_dict(self) -> dict[str, Tensor]:
        """See `Reference.state_dict`."""
        return dict(self._adapters)

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """See `Reference.load_state_dict`."""
        self._adapters = dict(state)


def _trained(policy: Any) -> list[tuple[str, Any]]:
    return [(name, each) for name, each in policy.named_parameters() if each.requires_grad]
