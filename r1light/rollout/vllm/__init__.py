"""`rollout=vllm`: vLLM writes, in this process or in servers.

backend: what is asked of either; colocated: in this process; servers, server, client, process: behind HTTP;
guard: who may ask a server; worker_extension: how new weights get in; sync_check: whether they did; engine:
the whole; start: builds it. vLLM is imported only where it runs, and importing this package imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from r1light.core.protocols import Decode
from r1light.core.types import Group, RolloutRequest, SamplingParams
from r1light.rollout.native.room import memory_bytes

if TYPE_CHECKING:
    from torch import Tensor


class Vllm:
    """Generates with vLLM, whose weights are the policy's and are checked to be.

    vLLM draws by its own sampler, seeded by (seed, request key) and the sample's index: a run repeats as far
    as vLLM does, and its draws are not those of the other engines.
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """Where vLLM runs, and how patiently it is waited for."""

        mode: Literal["colocated", "server"] = "colocated"
        """In this process, or behind HTTP."""
        dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
        """Number format of weights and cache; "auto" takes the model's."""
        tolerance: float | None = None
        """The most that a log-probability may differ from the trainer's after new weights, in nats; null is
        0.001 in float32 and 0.5 where either computes in 16 bits."""
        max_slots: int = 256
        """Completions written at a time, in each vLLM."""
        kv_memory: str | None = None
        """Memory for keys and values, such as "4GiB"; null is 1 GiB on a CPU, and on a GPU what `gpu_memory`
        leaves."""
        gpu_memory: float = 0.4
        """The share of the GPU's memory that vLLM may take, weights included; the trainer needs the rest."""
        eager: bool | None = None
        """Whether vLLM runs without compiling, which starts in seconds; null is on a CPU only."""
        servers: int = 1
        """Servers that are started, where `urls` names none."""
        server_args: tuple[str, ...] = ()
        """More options for those, in vLLM's own words, such as --tensor-parallel-size=2."""
        urls: tuple[str, ...] = ()
        """Servers that are there already, such as http://127.0.0.1:8000; docs/vllm.md starts one."""
        api_key_env: str = "R1LIGHT_VLLM_API_KEY"
        """The environment variable with the key of those."""
        weights_dir: str | None = None
        """A folder that the servers read too, for new weights; null is this machine's memory."""
        start_seconds: float = 600.0
        """Wall clock that a server may take to start."""
        request_seconds: float = 1800.0
        """Wall clock that a server may take to answer one request, a group's completions or new weights."""
        retry_seconds: float = 120.0
        """Wall clock for which a server that was given may be away; then the run ends."""
        async_steps: int = 0
        """1 has `stage=grpo` draw an iteration's completions while it learns from the one before."""
        max_restarts: int = 3
        """How often each server that was started may be started again."""

        def __post_init__(self) -> None:
            for name in ("start_seconds", "request_seconds", "retry_seconds", "max_slots", "servers"):
                if getattr(self, name) <= 0:
                    raise ValueError(f"rollout.{name}={getattr(self, name)} must be above 0")
            if self.tolerance is not None and not self.tolerance > 0:
                raise ValueError(f"rollout.tolerance={self.tolerance} must be above 0, or null")
            if not 0 < self.gpu_memory <= 1:
                raise ValueError(f"rollout.gpu_memory={self.gpu_memory} must be in (0, 1]")
            if self.max_restarts < 0:
                raise ValueError(f"rollout.max_restarts={self.max_restarts} must not be negative")
            if self.kv_memory is not None:
                memory_bytes(self.kv_memory)
            self._check_servers()

        def _check_servers(self) -> None:
            if self.async_steps not in (0, 1) or (self.async_steps and self.mode != "server"):
                raise ValueError(
                    f"rollout.async_steps={self.async_steps} must be 0, or 1 with rollout.mode=server"
                )
            if self.urls and self.mode != "server":
                raise ValueError("rollout.urls is for rollout.mode=server")
            for url in self.urls:
                if not url.startswith(("http://", "https://")):
                    raise ValueError(f"rollout.urls: {url!r} must begin with http:// or https://")

    def __init__(self, config: Config, model: Any, decode: Decode, eos_ids: Sequence[int]) -> None:
        """Start vLLM, or find the servers, and give them the model's weights.

        Args:
            config: Where and how.
            model: A transformers causal language model.
            decode: Ids to text.
            eos_ids: Every id that ends a completion.

        Raises:
            ConfigError: vLLM is not installed, or a given server's key is not in the environment.
            WorkerError: A server does not start, or does not answer.
            EngineError: vLLM's log-probabilities are not the model's.
        """
        from r1light.rollout.vllm.start import start

        self._engine = start(config, model, decode, eos_ids)
        self.async_steps = config.async_steps

    def generate(self, requests: Iterable[RolloutRequest], params: SamplingParams) -> Iterator[Group]:
        """See `Engine.generate`."""
        return self._engine.generate(requests, params)

    def load_weights(self, named_tensors: Iterable[tuple[str, Tensor]], version: int) -> None:
        """See `Engine.load_weights`."""
        self._engine.load_weights(named_tensors, version)

    def sleep(self) -> None:
        """See `Engine.sleep`."""
        self._engine.sleep()

    def figures(self) -> dict[str, float]:
        """See `Engine.figures`."""
        return self._engine.figures()

    def close(self) -> None:
        """See `Engine.close`."""
        self._engine.close()
