"""The native engine: builds the decoder from a transformers model and runs calls on it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from r1light.core.protocols import Decode
from r1light.core.types import Group, RolloutRequest, SamplingParams
from r1light.rollout.choosing import Alike
from r1light.rollout.drafts import Collector, Draft, Endings, check_requests, drafts_of
from r1light.rollout.lifecycle import Lifecycle
from r1light.rollout.native.compiled import compiled_step
from r1light.rollout.native.decoder import Decoder
from r1light.rollout.native.live import NativeLive
from r1light.rollout.native.room import Room, rounded
from r1light.rollout.native.run import Run
from r1light.rollout.native.scheduler import Scheduler
from r1light.rollout.native.slots import DecodeStep, PlainSlots, Slots
from r1light.rollout.native.support import architecture
from r1light.rollout.native.weights import Weights

if TYPE_CHECKING:
    from r1light.rollout.native.recorded import RecordedSlots


class Engine:
    """Continuous batching over a static cache, in this process, with its own copy of the weights."""

    def __init__(
        self,
        model: Any,
        decode: Decode,
        eos_ids: Sequence[int],
        max_slots: int,
        prefill_tokens: int,
        dtype: str = "auto",
        kv_memory: int | None = None,
        graphs: bool = True,
        compiled: bool = True,
    ) -> None:
        """Copy a model's weights.

        Args:
            model: A transformers model that `support.unsupported` has nothing against.
            decode: Ids to text.
            eos_ids: Every id that ends a completion.
            max_slots: Most completions written at a time.
            prefill_tokens: Most prompt tokens read at a time, padding included.
            dtype: Of weights and cache: a torch dtype's name, or "auto" for the model's own.
            kv_memory: Most bytes of the cache; None for no bound.
            graphs: Whether steps are recorded as CUDA graphs, where there is a GPU and Triton.
            compiled: Whether a CPU's steps are built by a C compiler, where there is one.
        """
        state = model.state_dict()
        embed = model.get_input_embeddings().weight
        arch = architecture(model.config)
        weights = Weights(
            arch, state, embed.dtype if dtype == "auto" else getattr(torch, dtype), embed.device
        )
        weights.load(state.items())
        rotary = model.model.rotary_emb
        self._decoder = Decoder(arch, weights, rotary.inv_freq.to(embed.device), rotary.attention_scaling)
        self._compiled = compiled_step(self._decoder) if compiled else None
        self._step: DecodeStep = self._compiled or self._decoder.step
        self._decode = decode
        self._eos_ids = tuple(eos_ids)
        token_bytes = 2 * arch.layers * arch.kv_heads * arch.head_dim * weights.embed.element_size()
        self._room = Room(max_slots, token_bytes, kv_memory)
        self._prefill_tokens = prefill_tokens
        self._life = Lifecycle()
        self._spare_cache: Tensor | None = None
        kernels = weights.embed.is_cuda and weights.embed.dtype.itemsize <= 4  # they compute in float32
        self._records = graphs and kernels and find_spec("triton") is not None
        self._recorded: RecordedSlots | None = None
        for layer in weights.layers:
            layer.gate_up.fused = self._records

    def generate(self, requests: Iterable[RolloutRequest], params: SamplingParams) -> Iterator[Group]:
        """See `r1light.rollout.native.Native.generate`."""
        run = self._life.begin()
        todo = list(requests)
        arch = self._decoder.arch
        check_requests(todo, arch.context, arch.vocabulary)
        self._room.check(todo, params, arch.context)
        return self._groups(run, todo, params)

    def live(self) -> NativeLive:
        """See `r1light.rollout.native.Native.live`."""
        run = self._life.begin()
        return NativeLive(
            self._decoder,
            self._step,
            lambda params: Endings(self._decode, self._eos_ids, params.stop, self._life.version),
            lambda: self._life.aborted(run),
            self._room,
            self._prefill_tokens,
        )

    def load_weights(self, named_tensors: Iterable[tuple[str, Tensor]], version: int) -> None:
        """See `r1light.rollout.native.Native.load_weights`."""
        self._life.weights_changed(version)
        self._decoder.weights.load(named_tensors)
        if self._compiled is not None:
            self._compiled.refresh()

    def abort(self) -> None:
        """See `r1light.rollout.native.Native.abort`."""
        self._life.abort()

    def free_cache(self) -> None:
        """See `r1light.rollout.native.Native.free_cache`."""
        if self._recorded is not None:
            self._recorded.settle()
        self._spare_cache = self._recorded = None

    def close(self) -> None:
        """See `r1light.rollout.native.Native.close`."""
        self._life.close()
        self.free_cache()

    def _groups(self, number: int, requests: list[RolloutRequest], params: SamplingParams) -> Iterator[Group]:
        drafts = drafts_of(requests, params, self._decoder.arch.context)
        if not drafts:
            return
        endings = Endings(self._decode, self._eos_ids, params.stop, self._life.version)
        collector = Collector(requests, params.n)
        length = max(len(requests[each.group].prompt_ids) + each.cap for each in drafts)
        slots = min(self._room.slots_for(length), len(drafts))
        scheduler = Scheduler(drafts, slots)
        prompts = {group: request.prompt_ids for group, request in enumerate(requests)}
        with self._slots(slots, length, params) as memory:
            choosing = Alike(requests, params, endings)
            run = Run(self._decoder, memory, prompts, choosing, scheduler, self._prefill_tokens)
            while not scheduler.finished:
                ended = scheduler.clear() if self._life.aborted(number) else run.advance()
                yield from _whole(ended, endings, collector)

    @contextmanager
    def _slots(self, slots: int, length: int, params: SamplingParams) -> Iterator[Slots]:
        """Slots for texts of at most `length` tokens, with the memory of the last call where it is enough.

        The memory is taken away while a call uses it, and given back only by one that ended well: a masked
        position must hold a number.
        """
        if self._records:
            recorded = self._recorded_slots(slots, rounded(length))
            recorded.params = params
            yield recorded
            self._recorded = recorded
        else:
            memory, cache = self._cache(slots, length)
            yield PlainSlots(self._step, cache)
            self._spare_cache = memory

    def _recorded_slots(self, slots: int, length: int) -> RecordedSlots:
        """The last call's, if they are enough; else new ones, for both calls where that takes little more."""
        from r1light.rollout.native.recorded import CudaGraphs, RecordedSlots

        last, self._recorded = self._recorded, None
        if last is not None:
            had_slots, had_length = last.cache.shape[2], last.cache.shape[4]
            if had_slots >= slots and had_length >= length:
                return last
            both = max(slots, had_slots), max(length, had_length)
            little = both[0] * both[1] <= 1.5 * max(slots * length, had_slots * had_length)
            if little and both[0] <= self._room.slots_for(both[1]):
                slots, length = both
            last.settle()
        del last  # its memory goes before the new one comes
        self._decoder.reserve(rounded(self._decoder.arch.context))  # once: graphs read it where it is
        cache = self._zeros(slots, length)
        return RecordedSlots(self._decoder, cache, CudaGraphs(cache.device).record)

    def _cache(self, slots: int, length: int) -> tuple[Tensor, Tensor]:
        """Memory of finite numbers, and in it a cache [layers, 2, slots, K, length rounded up, D]."""
        self._decoder.reserve(rounded(length))
        shape = self._shape(slots, rounded(length))
        memory, self._spare_cache = self._spare_cache, None
        size = math.prod(shape)
        if memory is None or memory.numel() < size:
            memory = None  # the old one goes before the new one comes
            memory = self._zeros(slots, rounded(length)).flatten()
        return memory, memory[:size].view(shape)

    def _zeros(self, slots: int, length: int) -> Tensor:
        embed = self._decoder.weights.embed
        return torch.zeros(self._shape(slots, length), dtype=embed.dtype, device=embed.device)

    def _shape(self, slots: int, length: int) -> tuple[int, ...]:
        arch = self._decoder.arch
        return arch.layers, 2, slots, arch.kv_heads, length, arch.head_dim


def _whole(ended: Sequence[Draft], endings: Endings, collector: Collector) -> Iterator[Group]:
    """The groups that these drafts complete."""
    for draft in ended:
        group = collector.add(draft, endings.complete(draft))
        if group is not None:
            yield group
