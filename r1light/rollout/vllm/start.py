"""Starts vLLM for a model: its configuration on disk, options by device, the backend, the engine."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from r1light.core.protocols import Decode
from r1light.rollout.native.room import memory_bytes
from r1light.rollout.vllm.engine import Engine
from r1light.rollout.vllm.process import check_installed

if TYPE_CHECKING:
    from r1light.rollout.vllm import Vllm
    from r1light.rollout.vllm.backend import Backend

CPU_KV_MEMORY = "1GiB"
BATCH_TOKENS = 8192
"""Prompt tokens read at a time on a CPU."""
FULL_TOLERANCE, HALF_TOLERANCE = 1e-3, 0.5
"""Of log-probabilities in nats: both sides in float32, or one of them in 16 bits."""


def start(config: Vllm.Config, model: Any, decode: Decode, eos_ids: Sequence[int]) -> Engine:
    """The engine of a configuration; see `Vllm`."""
    context = int(model.config.get_text_config().max_position_embeddings)
    ours = str(model.dtype).removeprefix("torch.")
    dtype = ours if config.dtype == "auto" else config.dtype
    default = FULL_TOLERANCE if {ours, dtype} == {"float32"} else HALF_TOLERANCE
    options = llm_options(config, dtype, context, cuda=model.device.type == "cuda")
    backend = _backend(config, model, options)
    try:
        return Engine(backend, model, decode, eos_ids, context=context, tolerance=config.tolerance or default)
    except BaseException:
        backend.close()
        raise


def llm_options(config: Vllm.Config, dtype: str, context: int, *, cuda: bool) -> dict[str, Any]:
    """The engine arguments that both modes give vLLM."""
    kv_memory = config.kv_memory or (None if cuda else CPU_KV_MEMORY)
    options: dict[str, Any] = {
        "dtype": dtype,
        "load_format": "dummy",  # the weights come from the policy
        "skip_tokenizer_init": True,
        "logprobs_mode": "processed_logprobs",
        "max_model_len": context,
        "max_num_seqs": config.max_slots,
        "enforce_eager": not cuda if config.eager is None else config.eager,
        "generation_config": "vllm",
    }
    if cuda:
        options["gpu_memory_utilization"] = config.gpu_memory
    else:  # a seeded request whose prompt is read in parts is an error of vLLM's there
        options |= {"enable_chunked_prefill": False, "max_num_batched_tokens": max(context, BATCH_TOKENS)}
    if kv_memory is not None:
        options["kv_cache_memory_bytes"] = memory_bytes(kv_memory)
    return options


def _backend(config: Vllm.Config, model: Any, options: dict[str, Any]) -> Backend:
    if not config.urls:
        check_installed("rollout=vllm", "rollout=native")
    if config.mode == "server":
        from r1light.rollout.vllm.servers import Servers

        return Servers.start(config, model.config, options)
    from r1light.rollout.vllm.colocated import Colocated

    with tempfile.TemporaryDirectory(prefix="r1light-vllm-") as directory:
        model.config.save_pretrained(Path(directory))
        return Colocated.start(directory, options, cuda=model.device.type == "cuda")
