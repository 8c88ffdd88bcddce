"""A request's way through the engine: its prompts become a job, and the job's tokens parts of choices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from r1light.core.protocols import Decode
from r1light.core.types import RolloutRequest, SamplingParams
from r1light.rollout.live import Written
from r1light.serving.asked import Asked
from r1light.serving.prompts import Prompt
from r1light.serving.reasoning import Splitter
from r1light.serving.refusal import RefusalError
from r1light.serving.replies import Part, Usage
from r1light.serving.transcript import Transcript
from r1light.serving.worker import Job


def job_of(asked: Asked, prompts: Sequence[Prompt], seed: int, context: int) -> Job:
    """What the engine is to write; draws hang on the seed and the prompt's position in the request alone."""
    params = [
        SamplingParams(
            n=asked.n,
            temperature=asked.temperature,
            top_p=asked.top_p,
            top_k=asked.top_k,
            max_tokens=asked.max_tokens or context - len(prompt.ids),
            stop=asked.stop,
            seed=seed,
        )
        for prompt in prompts
    ]
    requests = [
        RolloutRequest(f"request/{position}", prompt.ids, (0, position))
        for position, prompt in enumerate(prompts)
    ]
    return Job(requests, params, asked.likeliest)


class Answer:
    """The choices of one request, as they are written; choice `prompt * n + sample`.

    Attributes:
        job: What the engine writes.
        usage: Tokens so far.
    """

    def __init__(
        self, job: Job, asked: Asked, prompts: Sequence[Prompt], decode: Decode, *, split: bool
    ) -> None:
        self.job = job
        self.usage = Usage(sum(len(prompt.ids) for prompt in prompts), 0)
        self._n = asked.n
        self._told = asked.likeliest is not None
        choices = [prompt for prompt in prompts for _ in range(asked.n)]
        self._transcripts = [Transcript(decode, asked.stop) for _ in choices]
        self._splitters = [
            Splitter(thinking=prompt.thinking) if split and asked.messages is not None else None
            for prompt in choices
        ]

    def __len__(self) -> int:
        return len(self._transcripts)

    async def parts(self, deadline: float) -> AsyncGenerator[Part, None]:
        """Every part that has become certain, those of a choice in their order.

        Args:
            deadline: On the event loop's clock.

        Raises:
            RefusalError: The deadline has passed, or the engine has given the request up.
        """
        missing = len(self)
        while missing:
            try:
                async with asyncio.timeout_at(deadline):
                    news = await self.job.news()
            except TimeoutError:
                raise RefusalError(
                    504,
                    "the request took longer than this server allows; ask for fewer tokens",
                    code="timeout",
                ) from None
            self.usage = Usage(self.usage.prompt, self.usage.completion + len(news))
            for position, written in news:
                missing -= written.completion is not None
                part = self._part(position * self._n + written.index, written)
                if part.finish or part.text or part.thought or part.tokens:
                    yield part

    async def whole(self, deadline: float) -> list[Part]:
        """Every choice at once.

        Raises:
            RefusalError: See `parts`.
        """
        pieces: list[list[Part]] = [[] for _ in range(len(self))]
        async with aclosing(self.parts(deadline)) as parts:
            async for part in parts:
                pieces[part.index].append(part)
        return [_joined(each) for each in pieces]

    def _part(self, index: int, written: Written) -> Part:
        piece = self._transcripts[index].add(written)
        finish = None if written.completion is None else written.completion.finish_reason
        splitter = self._splitters[index]
        thought, text = None, piece.text
        if splitter is not None:
            thought, text = splitter.add(piece.text, last=finish is not None)
        return Part(index, text, thought, piece.tokens if self._told else None, finish)


def _joined(parts: Sequence[Part]) -> Part:
    last = parts[-1]
    return Part(
        last.index,
        "".join(part.text for part in parts),
        None if last.thought is None else "".join(part.thought or "" for part in parts),
        None if last.tokens is None else [each for part in parts for each in part.tokens or ()],
        last.finish,
    )
