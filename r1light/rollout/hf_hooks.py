"""Two hooks into `model.generate`: one chooses the tokens, one writes them down and says when rows end.

B rows, L tokens a row so far, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import LogitsProcessor, StoppingCriteria

from r1light.core.types import SamplingParams
from r1light.rollout.drafts import Draft, Endings
from r1light.rollout.sampling import row_states, sample_tokens


class Chooser(LogitsProcessor):  # type: ignore[misc]  # transformers is not typed
    """Draws each row's token by our own sampler, and leaves greedy decoding that token alone to take."""

    def __init__(
        self, rows: Sequence[tuple[tuple[int, int], int]], params: SamplingParams, width: int
    ) -> None:
        """Take what the draws hang on.

        Args:
            rows: (request key, sample index) of each row.
            params: How to draw.
            width: Padded length of the prompts.
        """
        self._rows = rows
        self._params = params
        self._width = width
        self._states_B: Tensor | None = None
        self.logprobs_B: Tensor | None = None

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Turn logits [B, V] into 0 for the drawn token and -inf for all others."""
        if self._states_B is None:
            self._states_B = row_states(self._params.seed, self._rows, scores.device)
        positions_B = torch.full_like(self._states_B, input_ids.shape[1] - self._width)
        tokens_B, self.logprobs_B = sample_tokens(scores, self._params, self._states_B, positions_B)
        chosen_BV = torch.full_like(scores, -torch.inf)
        return chosen_BV.scatter_(1, tokens_B.unsqueeze(1), 0.0)


class Recorder(StoppingCriteria):  # type: ignore[misc]
    """Adds each row's new token to its draft, and says which rows have ended."""

    def __init__(
        self, drafts: Sequence[Draft], endings: Endings, chooser: Chooser, aborted: Callable[[], bool]
    ) -> None:
        self._drafts = drafts
        self._endings = endings
        self._chooser = chooser
        self._aborted = aborted

    def __call__(self, input_ids: Tensor, scores: Any, **kwargs: Any) -> Tensor:  # noqa: ARG002
        """Bool [B]: which rows have ended."""
        if self._aborted():
            return torch.ones(len(self._drafts), dtype=torch.bool, device=input_ids.device)
        assert self._chooser.logprobs_B is not None  # generate chooses before it asks whether to stop
        pairs = zip(input_ids[:, -1].tolist(), self._chooser.logprobs_B.tolist(), strict=True)
        for draft, (token, logprob) in zip(self._drafts, pairs, strict=True):
            if draft.finish_reason is None:
                self._endings.extend(draft, token, logprob)
        ended = [draft.finish_reason is not None for draft in self._drafts]
        return torch.tensor(ended, device=input_ids.device)
