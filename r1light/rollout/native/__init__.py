"""`rollout=native`: a hand-written decoder with continuous batching, in this process, for CPU and GPU.

support: which models it knows; weights: fused buffers; linear, attention: parts of the forward pass;
decoder: the forward pass; room: how many completions the memory holds; scheduler: which one in which slot;
slots: where they are written; run: one call; live: one that requests join and leave; kernels, operations,
fused_step, recorded: steps of a GPU; step.c, compiled: steps of a CPU; engine: the whole. Importing this
package imports no torch; its modules that need it are imported when an engine is built.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from r1light.core.errors import ModelError
from r1light.core.protocols import Decode
from r1light.core.types import Group, RolloutRequest, SamplingParams
from r1light.rollout.hf import HuggingFace
from r1light.rollout.live import Live
from r1light.rollout.native.room import memory_bytes
from r1light.rollout.native.support import unsupported

if TYPE_CHECKING:
    from torch import Tensor

    from r1light.rollout.native.engine import Engine

logger = logging.getLogger(__name__)


class Native:
    """Generates fast from its own copy of the weights; hands models that it does not know to `rollout=hf`.

    Draws hang on (seed, request key, sample index, position) alone. The probabilities they are applied to are
    rounded differently in batches of different sizes (about 1e-7), so that a token may differ between two
    batchings about once in a million; the same call gives the same bits.
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """How much is done at a time."""

        max_slots: int = 256
        """Completions written at a time; each holds the keys and values of its whole text."""
        prefill_tokens: int = 8192
        """Prompt tokens read at a time, padding included; a longer prompt is read in parts."""
        kv_memory: str | None = None
        """Most memory for keys and values of what is being written, such as "4GiB"; completions wait until
        there is room. Those of the prompts being read come besides. None for what `max_slots` needs."""
        dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
        """Number format of weights and cache; "auto" takes the model's."""
        graphs: bool = True
        """Whether a GPU's steps are recorded as CUDA graphs, with kernels of Triton's; without it they are
        launched one by one, which is slower. Nothing on a CPU."""
        compiled: bool = True
        """Whether a CPU's steps in float32 are built by the C compiler, where there is one (`cc`, or what CC
        names); without it they are torch's operations, which are slower. Nothing on a GPU."""
        fallback: bool = True
        """Whether a model that the decoder does not know goes to `rollout=hf`, instead of being refused."""

        def __post_init__(self) -> None:
            if self.max_slots < 1 or self.prefill_tokens < 1:
                raise ValueError(
                    f"rollout.max_slots={self.max_slots} and rollout.prefill_tokens={self.prefill_tokens} "
                    "must be at least 1"
                )
            if self.kv_memory is not None:
                memory_bytes(self.kv_memory)

    def __init__(self, config: Config, model: Any, decode: Decode, eos_ids: Sequence[int]) -> None:
        """Copy a model's weights, or hand the model on.

        Args:
            config: How much is done at a time.
            model: A transformers causal language model.
            decode: Ids to text.
            eos_ids: Every id that ends a completion.

        Raises:
            ModelError: If the decoder does not know the model and `config.fallback` is off.
        """
        self._engine: Engine | HuggingFace
        reason = unsupported(type(model).__name__, model.config, frozenset(model.state_dict()))
        if reason is None:
            from r1light.rollout.native.engine import Engine

            memory = None if config.kv_memory is None else memory_bytes(config.kv_memory)
            self._engine = Engine(
                model,
                decode,
                eos_ids,
                config.max_slots,
                config.prefill_tokens,
                config.dtype,
                memory,
                config.graphs,
                config.compiled,
            )
        elif config.fallback:
            logger.warning(
                "rollout=native cannot run this model (%s); using rollout=hf, which is slower", reason
            )
            self._engine = HuggingFace(HuggingFace.Config(config.max_slots), model, decode, eos_ids)
        else:
            raise ModelError(f"rollout=native cannot run this model: {reason}; use rollout=hf")

    def generate(self, requests: Iterable[RolloutRequest], params: SamplingParams) -> Iterator[Group]:
        """Yield a group as soon as its last completion ends.

        Raises:
            DataError: At once, if a prompt leaves no room in the model's context, or a completion has none in
                `kv_memory`; names the problem.
            EngineError: If the engine is closed or takes new weights meanwhile, or the weights give no finite
                probabilities.
        """
        return self._engine.generate(requests, params)

    def live(self) -> Live:
        """A run that requests join and leave while it goes on.

        Raises:
            EngineError: If the engine is closed.
        """
        return self._engine.live()

    def load_weights(self, named_tensors: Iterable[tuple[str, Tensor]], version: int) -> None:
        """Copy the policy's weights, by the names of `model.state_dict()`; a tied `lm_head.weight` may lack.

        Raises:
            EngineError: If a name is unknown or missing, or a shape is not the model's.
        """
        self._engine.load_weights(named_tensors, version)

    def abort(self) -> None:
        """End what is being written; the groups still come, with finish reason "abort" where cut short."""
        self._engine.abort()

    @property
    def shares_weights(self) -> bool:
        """Whether the model that was given writes, and no copy of it."""
        return isinstance(self._engine, HuggingFace)

    def free_cache(self) -> None:
        """Let the memory of keys and values go until the next call."""
        if not isinstance(self._engine, HuggingFace):
            self._engine.free_cache()

    def close(self) -> None:
        """Free the cache; groups still being generated raise EngineError."""
        self._engine.close()
