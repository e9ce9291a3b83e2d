"""Cached: every finished call is kept on disk, every call in flight is shared."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from tts_search.errors import CallFailed
from tts_search.llm.base import LLM, Completion, Request, identity_for
from tts_search.llm.store import ResponseStore


@dataclass(slots=True)
class _Flight:
    """One inner call under way and how many callers wait for it."""

    task: asyncio.Task[Completion]
    waiters: int = 0


class Cached:
    """Answers from disk what was asked before, by whatever process; asks `inner` for the rest.

    sent    inner calls really made
    reused  requests answered from disk or by a call already in flight
    failed  inner calls that raised; a failure is never stored, so a later request tries again
    read, known  prompt tokens of the calls sent; those the engine took from its prefix cache

    Stored answers keep the token counts and seconds of the call that made them. A call goes on
    while one caller waits for it and is cancelled with the last one. path=":memory:" keeps
    nothing beyond the process.
    """

    def __init__(self, inner: LLM, path: str | Path, patience_s: float = 30.0) -> None:
        self.inner = inner
        self.store = ResponseStore(path, patience_s)
        self.sent = 0
        self.reused = 0
        self.failed = 0
        self.read = 0
        self.known = 0
        self._flights: dict[str, _Flight] = {}

    @property
    def identity(self) -> str:
        return self.inner.identity

    async def complete(self, request: Request) -> Completion:
        """Raises what `inner` raises, and CacheError when the file cannot be read or written."""
        key = request.digest(identity_for(self.inner, request))
        flight = self._flights.get(key)
        if flight is not None:
            answer = await self._wait(key, flight)
            self.reused += 1
            return answer
        stored = self.store.get(key)
        if stored is not None:
            self.reused += 1
            return stored
        flight = _Flight(asyncio.create_task(self._send(key, request)))
        flight.task.add_done_callback(_note)
        self._flights[key] = flight
        return await self._wait(key, flight)

    async def aclose(self) -> None:
        """Cancel what is in flight, then close the file and the inner engine."""
        tasks = [flight.task for flight in self._flights.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._flights.clear()
        self.store.close()
        await self.inner.aclose()

    async def _send(self, key: str, request: Request) -> Completion:
        self.sent += 1
        try:
            answer = await self.inner.complete(request)
        except Exception:
            self.failed += 1
            raise
        self.read += answer.prompt_tokens
        self.known += answer.cached_tokens
        return self.store.put(key, request, answer)

    async def _wait(self, key: str, flight: _Flight) -> Completion:
        """The answer of a flight. Being cancelled here leaves the flight to the other waiters."""
        flight.waiters += 1
        try:
            await asyncio.wait((flight.task,))
        finally:
            flight.waiters -= 1
            if flight.waiters == 0:
                flight.task.cancel()  # no effect on a finished task
                self._flights.pop(key, None)
        if flight.task.cancelled():
            raise CallFailed("the call was cancelled while others waited for it")
        return flight.task.result()


def _note(task: asyncio.Task[Completion]) -> None:
    """Mark the outcome as seen, so that a failure nobody waits for is not logged as lost."""
    if not task.cancelled():
        task.exception()
