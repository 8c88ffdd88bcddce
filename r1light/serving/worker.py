"""The thread that the engine runs in, and how requests on the event loop speak with it."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from r1light.core.errors import DataError
from r1light.core.types import RolloutRequest, SamplingParams
from r1light.rollout.live import Live, Written
from r1light.serving.refusal import RefusalError

_log = logging.getLogger(__name__)

Order = tuple[Literal["join", "leave", "end"], "Job | None"]


class Job:
    """A request's prompts, on their way through the engine.

    Attributes:
        requests: A prompt each.
        params: How each is completed.
        likeliest: How many likeliest tokens are told; None for no log-probabilities.
    """

    def __init__(
        self, requests: Sequence[RolloutRequest], params: Sequence[SamplingParams], likeliest: int | None
    ) -> None:
        self.requests = requests
        self.params = params
        self.likeliest = likeliest
        self._loop = asyncio.get_running_loop()
        self._news: asyncio.Queue[Sequence[tuple[int, Written]] | RefusalError] = asyncio.Queue()

    async def news(self) -> Sequence[tuple[int, Written]]:
        """What was written since: (position of the prompt, token).

        Raises:
            RefusalError: The engine has given the request up.
        """
        news = await self._news.get()
        if isinstance(news, RefusalError):
            raise news
        return news

    def tell(self, news: Sequence[tuple[int, Written]] | RefusalError) -> None:
        """Put news, from any thread."""
        with suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(self._news.put_nowait, news)


@dataclass(slots=True)
class _Place:
    """Whose prompt a ticket is, which of them, and how many of its completions have not ended."""

    job: Job
    position: int
    missing: int


class Worker:
    """Steps a live engine while it has something to write; sleeps while it has not.

    Attributes:
        failure: What ended the engine, if it did not end as it was told to.
    """

    def __init__(self, live: Live) -> None:
        self.failure: BaseException | None = None
        self._live = live
        self._orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
        self._places: dict[int, _Place] = {}
        self._thread = threading.Thread(target=self._run, name="r1light-engine", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Have a job written."""
        self._orders.put(("join", job))
        if self.failure is not None:  # nobody reads orders any more
            job.tell(_failed(self.failure))

    def give_up(self, job: Job) -> None:
        """Have a job's place freed; one that has ended is left alone."""
        self._orders.put(("leave", job))

    def close(self, seconds: float) -> bool:
        """End the thread; returns whether it has ended within `seconds`."""
        self._orders.put(("end", None))
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while self._obey():
                self._hand_out(self._live.step())
        except BaseException as error:
            self.failure = error
            _log.debug("the engine's thread has ended", exc_info=True)
            for job in {place.job for place in self._places.values()}:
                job.tell(_failed(error))
            self._refuse_rest(error)

    def _obey(self) -> bool:
        """Follow all orders that wait, and wait for one if there is nothing to do; False ends."""
        while True:
            try:
                kind, job = self._orders.get(block=not self._live.busy)
            except queue.Empty:
                return True
            if job is None:
                return False
            if kind == "join":
                self._join(job)
            else:
                self._leave(job)

    def _join(self, job: Job) -> None:
        for position, (request, params) in enumerate(zip(job.requests, job.params, strict=True)):
            try:
                ticket = self._live.join(request, params, job.likeliest)
            except DataError as error:
                self._leave(job)
                job.tell(RefusalError(400, str(error)))
                return
            self._places[ticket] = _Place(job, position, params.n)

    def _leave(self, job: Job) -> None:
        for ticket in [ticket for ticket, place in self._places.items() if place.job is job]:
            self._live.leave(ticket)
            del self._places[ticket]

    def _hand_out(self, written: Sequence[Written]) -> None:
        news: dict[Job, list[tuple[int, Written]]] = {}
        for each in written:
            place = self._places[each.ticket]
            news.setdefault(place.job, []).append((place.position, each))
            place.missing -= each.completion is not None
            if not place.missing:
                del self._places[each.ticket]
        for job, its in news.items():
            job.tell(its)

    def _refuse_rest(self, error: BaseException) -> None:
        with suppress(queue.Empty):
            while True:
                kind, job = self._orders.get_nowait()
                if kind == "join" and job is not None:
                    job.tell(_failed(error))


def _failed(error: BaseException) -> RefusalError:
    return RefusalError(500, f"the engine has failed: {type(error).__name__}", code="engine_failed")
