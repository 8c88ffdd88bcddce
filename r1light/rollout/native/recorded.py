"""Slots for a GPU: each step is one recorded CUDA graph, and the next begins before its tokens are read.

A graph is recorded when so many rows are first met, rounded up, and replayed ever after: weights, cache and
state stay where they are. A completion that has ended is noticed one step late and writes one token too many,
which nobody reads; in return the GPU never waits for the host. No keys or values are moved when a slot takes
over another one's completion: slots know where in the cache theirs are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from r1light.core.types import SamplingParams
from r1light.rollout.choosing import Choosing
from r1light.rollout.drafts import Draft
from r1light.rollout.native.decoder import Decoder
from r1light.rollout.native.fused_step import fused_step
from r1light.rollout.native.operations import draw
from r1light.rollout.sampling import sample_tokens

Body = Callable[[], None]
Record = Callable[[Body], Body]
"""Takes what a step does, may do it once or more, and returns what does it again."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A step whose tokens are being copied to the host."""

    tokens_B: Tensor
    logprobs_B: Tensor
    copied: torch.cuda.Event | None

    def read(self) -> tuple[list[int], list[float]]:
        """See `Step.read`; waits for the copy, and for nothing that was begun later."""
        if self.copied is not None:
            self.copied.synchronize()
        return self.tokens_B.tolist(), self.logprobs_B.tolist()


class RecordedSlots:
    """See the module; kept from call to call, as the graphs know its memory."""

    ahead = 1

    def __init__(self, decoder: Decoder, cache: Tensor, record: Record) -> None:
        """Take the memory.

        Args:
            decoder: The model; its rotary table must not move any more.
            cache: See `Slots.cache`; finite everywhere.
            record: `CudaGraphs(device).record`.
        """
        self.cache = cache
        self.params = SamplingParams()
        self._decoder = decoder
        self._record = record
        self._replays: dict[tuple[int, float, int, float], Body] = {}
        slots, device = cache.shape[2], cache.device
        self._places = list(range(slots))
        # As in `Slots.begin`, and where in the cache the slot's keys and values are.
        self._state_5S = torch.zeros(5, slots, dtype=torch.int64, device=device)
        self._state_5S[4] = torch.arange(slots, device=device)
        self._logprobs_S = torch.zeros(slots, dtype=torch.float32, device=device)

    def fill(self, first: int, prompts: Tensor, copies: Sequence[tuple[int, int, int]]) -> None:
        """See `Slots.fill`."""
        for row, length, count in copies:
            places = self._places[first : first + count]
            self.cache[:, :, places, :, :length] = prompts[:, :, row : row + 1, :, :length]
            first += count

    def begin(self, first: int, state_4B: Tensor) -> None:
        """See `Slots.begin`."""
        self._state_5S[:4, first : first + state_4B.shape[1]] = state_4B

    def move(self, sources: Sequence[int], targets: Sequence[int], left: int) -> None:
        """See `Slots.move`: the two sides change places."""
        for source, target in zip(sources, targets, strict=True):
            self._places[target], self._places[source] = self._places[source], self._places[target]
        on_gpu = self.cache.is_cuda
        # From pinned memory, as a plain copy to the device would wait for the step that is under way.
        order = torch.tensor([[*sources, *targets], [*targets, *sources]], pin_memory=on_gpu)
        was, becomes = order.to(self.cache.device, non_blocking=True)
        self._state_5S[:, becomes] = self._state_5S.index_select(1, was)
        self._state_5S[1, left:] = 0

    def step(self, active: Sequence[Draft], length: int, choosing: Choosing) -> UnderWay:  # noqa: ARG002
        """See `Slots.step`; tokens are drawn by `params`."""
        rows = bucket(len(active), self._state_5S.shape[1])
        params = self.params
        key = rows, params.temperature, params.top_k, params.top_p
        if key not in self._replays:
            state_5S = self._state_5S.clone()
            self._replays[key] = self._record(partial(self._write, rows, params))
            self._state_5S.copy_(state_5S)
        self._replays[key]()
        tokens_B, logprobs_B = (
            each[: len(active)].to("cpu", non_blocking=True, copy=True)
            for each in (self._state_5S[0], self._logprobs_S)
        )
        copied = torch.cuda.Event() if self.cache.is_cuda else None  # type: ignore[no-untyped-call]
        if copied is not None:
            copied.record()
        return UnderWay(tokens_B, logprobs_B, copied)

    def settle(self) -> None:
        """Wait for the step that may be under way: graphs and their memory are about to go."""
        if self.cache.is_cuda:
            torch.cuda.synchronize(self.cache.device)

    def _write(self, rows: int, params: SamplingParams) -> None:
        tokens_B, positions_B, states_B, drawn_B, places_B = self._state_5S[:, :rows]
        logits_BV = fused_step(self._decoder, tokens_B, positions_B, places_B, self.cache)
        if params.temperature > 0.0 and not params.top_k:
            sampled_B, logprobs_B = draw(logits_BV, params.temperature, params.top_p, states_B, drawn_B)
        else:
            sampled_B, logprobs_B = sample_tokens(logits_BV, params, states_B, drawn_B)
        self._logprobs_S[:rows] = logprobs_B
        tokens_B.copy_(sampled_B)
        positions_B.add_(1).clamp_(max=self.cache.shape[4] - 1)  # rows that have ended go on for a while
        drawn_B.add_(1)


class CudaGraphs:
    """Records CUDA graphs of a device that share one pool of memory; it has to be the current one then."""

    def __init__(self, device: torch.device) -> None:
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._pool = torch.cuda.graph_pool_handle()

    def record(self, body: Body) -> Body:
        """Do it once, so that kernels are compiled and chosen; then record it."""
        graph = torch.cuda.CUDAGraph()
        here = torch.cuda.current_stream()
        self._stream.wait_stream(here)
        with torch.cuda.stream(self._stream):
            body()
            with _own_workspaces():
                # Other threads may use the GPU meanwhile, such as those that score completions.
                graph.capture_begin(pool=self._pool, capture_error_mode="thread_local")
                try:
                    body()
                finally:
                    graph.capture_end()
        here.wait_stream(self._stream)
        return graph.replay


@contextmanager
def _own_workspaces() -> Iterator[None]:
    """Have cuBLAS take its workspaces anew, in the graph's pool, and let them go afterwards.

    A graph keeps the addresses of those that it was recorded with, and others may free these: Lightning does
    when a trainer has ended.
    """
    clear = getattr(torch._C, "_cuda_clearCublasWorkspaces", lambda: None)
    clear()
    yield
    clear()


def bucket(rows: int, slots: int) -> int:
    """How many rows a graph has for so many that are in use: a power of two, or one and a half of one.

    Example:
        >>> [bucket(rows, 100) for rows in (1, 3, 5, 12, 13, 33, 97)]
        [1, 4, 8, 12, 16, 48, 100]
    """
    power = 1 << (rows - 1).bit_length()
    size = power * 3 // 4 if power >= 16 and rows <= power * 3 // 4 else power
    return min(size, slots)
