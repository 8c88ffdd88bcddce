"""`rollout.mode=colocated`: vLLM in this process, on the trainer's device."""

from __future__ import annotations

import os
import random
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy
import torch

from r1light.rollout.vllm.backend import Ask, Check, Drawn
from r1light.rollout.vllm.worker_extension import EXTENSION

if TYPE_CHECKING:
    from torch import Tensor

ENVIRONMENT = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # the engine's core here too, so that it takes tensors as they are
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",  # the threads of this process are the trainer's
}
"""What vLLM reads when it is imported; what the user has set stands."""


class Colocated:
    """A vLLM over the directory of a model's configuration, whose weights come by `load`."""

    def __init__(self, llm: Any, *, sleeps: bool) -> None:
        """Take an engine.

        Args:
            llm: A `vllm.LLM`, or what acts like one.
            sleeps: Whether it can give its memory back.
        """
        self._llm = llm
        self._sleeps = sleeps
        self._asleep = False
        self._names = count()

    @classmethod
    def start(cls, directory: str, options: Mapping[str, Any], *, cuda: bool) -> Colocated:
        """Start vLLM in this process, and leave the process as it was.

        Args:
            directory: Holds the model's config.json.
            options: Of `vllm.LLM`.
            cuda: Whether it computes on a GPU.
        """
        for name, value in ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        with _undisturbed():
            from vllm import LLM

            llm = LLM(
                model=directory, worker_extension_cls=EXTENSION, enable_sleep_mode=cuda, seed=0, **options
            )
        return cls(llm, sleeps=cuda)

    def draw(self, asks: Sequence[Ask]) -> Iterator[tuple[int, Sequence[Drawn]]]:
        """See `Backend.draw`."""
        self._wake()
        engine = self._llm.llm_engine
        places = {f"r1light-{next(self._names)}": place for place in range(len(asks))}
        for name, place in places.items():
            ask = asks[place]
            engine.add_request(name, {"prompt_token_ids": list(ask.prompt_ids)}, _params(ask))
        try:
            while engine.has_unfinished_requests():
                with torch.random.fork_rng(devices=[]):  # on a CPU a step also draws from torch's own
                    outputs = engine.step()
                for output in outputs:
                    if output.finished:
                        yield places.pop(output.request_id), [_drawn(each) for each in output.outputs]
        finally:
            if places:
                engine.abort_request(list(places))

    def load(self, weights: Iterable[tuple[str, Tensor]], check: Check) -> None:
        """See `Backend.load`."""
        self._wake()
        self._llm.collective_rpc("r1light_load", args=([(name, each.detach()) for name, each in weights],))
        self._llm.reset_prefix_cache()
        found = dict(self.draw(check.asks))
        check([found[place] for place in range(len(check.asks))])

    def sleep(self) -> None:
        """Move the weights to the host's memory and let the cache's go; on a CPU nothing."""
        if self._sleeps and not self._asleep:
            self._llm.sleep(level=1)
            self._asleep = True

    def figures(self) -> Mapping[str, float]:
        """Nothing is counted."""
        return {}

    def close(self) -> None:
        """See `Backend.close`."""
        if self._llm is None:
            return
        llm, self._llm = self._llm, None
        llm.llm_engine.engine_core.shutdown()

    def _wake(self) -> None:
        if self._asleep:
            self._llm.wake_up()
            self._asleep = False


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Starting vLLM seeds every generator of the process, and sets its number of threads."""
    states = random.getstate(), numpy.random.get_state()
    set_threads, threads = torch.set_num_threads, torch.get_num_threads()
    try:
        with torch.random.fork_rng(), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of what vLLM looks at in torch as it is imported
            yield
    finally:
        random.setstate(states[0])
        numpy.random.set_state(states[1])
        torch.set_num_threads = set_threads  # on a CPU vLLM puts one in its place that does nothing
        torch.set_num_threads(threads)


def _params(ask: Ask) -> Any:
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    return SamplingParams(
        n=ask.n,
        temperature=ask.temperature,
        top_p=ask.top_p,
        top_k=ask.top_k,
        max_tokens=ask.max_tokens,
        seed=ask.seed,
        stop_token_ids=list(ask.stop_ids),
        ignore_eos=True,  # the ids that end a completion are ours to say
        logprobs=0,
        detokenize=False,
        output_kind=RequestOutputKind.FINAL_ONLY,
    )


def _drawn(output: Any) -> Drawn:
    """Of each position, the log-probability of the token that was taken."""
    ids = list(output.token_ids)
    return Drawn(ids, [step[token].logprob for step, token in zip(output.logprobs, ids, strict=True)])
