"""What every engine needs, written once: bounded concurrency, retries, a stop when it is dead.

    Cached(Throttled(Retried(engine)))

Retried is the only layer that retries: it also sees replies that cannot be read, which a client
library takes for success, and it stops all retries once the engine counts as dead. A call keeps
its place in Throttled while it backs off, so a struggling endpoint is asked less, not more.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

from tts_search.errors import CallFailed, CallRejected, ConfigError, EngineUnavailable
from tts_search.llm.base import LLM, Completion, Request
from tts_search.llm.cache import Cached

Sleep = Callable[[float], Awaitable[None]]


class TryLater(CallFailed):
    """A call failed and the endpoint said how long to wait before the next try, in seconds."""

    def __init__(self, message: str, wait_s: float) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class Wrapper:
    """An LLM around an LLM. Everything it does not change passes through."""

    def __init__(self, inner: LLM) -> None:
        self.inner = inner

    @property
    def identity(self) -> str:
        return self.inner.identity

    async def aclose(self) -> None:
        await self.inner.aclose()


class Throttled(Wrapper):
    """At most `limit` calls at once and, if given, at most `per_minute` calls started a minute.

    Starts are spread evenly: with per_minute=60 one call starts every second, without bursts.
    """

    def __init__(
        self,
        inner: LLM,
        limit: int,
        per_minute: float | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        super().__init__(inner)
        if limit < 1:
            raise ConfigError(f"limits.concurrency must be at least 1, but got {limit}")
        if per_minute is not None and per_minute <= 0:
            raise ConfigError(f"limits.per_minute must be above 0 or null, but got {per_minute}")
        self._places = asyncio.Semaphore(limit)
        self._gap_s = 60.0 / per_minute if per_minute else 0.0
        self._next_start = 0.0
        self._sleep = sleep

    async def complete(self, request: Request) -> Completion:
        async with self._places:
            if self._gap_s:
                await self._turn()
            return await self.inner.complete(request)

    async def _turn(self) -> None:
        now = asyncio.get_running_loop().time()
        start = max(now, self._next_start)
        self._next_start = start + self._gap_s
        if start > now:
            await self._sleep(start - now)


class Retried(Wrapper):
    """Tries a call up to `attempts` times, waiting base_s, 2 base_s, 4 base_s, ... in between.

    Each wait is shortened by up to a half at random, so that calls which failed together do not
    return together; a wait named by the endpoint (TryLater) is kept. Waits beyond max_wait_s
    seconds are not made: the call fails. CallRejected and EngineUnavailable are never retried.

    dead_after  calls in a row that failed for good before the engine counts as dead and every
                further call raises EngineUnavailable; 0 never. A rejection is a sign of life.
    retries     tries made beyond the first of each call, so far
    """

    def __init__(
        self,
        inner: LLM,
        attempts: int = 5,
        *,
        base_s: float = 1.0,
        max_wait_s: float = 60.0,
        dead_after: int = 8,
        rng: random.Random | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        super().__init__(inner)
        if attempts < 1:
            raise ConfigError(f"limits.attempts must be at least 1, but got {attempts}")
        self.retries = 0
        self._attempts = attempts
        self._base_s = base_s
        self._max_wait_s = max_wait_s
        self._dead_after = dead_after
        self._rng = rng or random.Random(0)
        self._sleep = sleep
        self._lost_in_a_row = 0
        self._obituary = ""

    async def complete(self, request: Request) -> Completion:
        for attempt in range(self._attempts):
            if self._obituary:
                raise EngineUnavailable(self._obituary)
            try:
                answer = await self.inner.complete(request)
            except CallRejected:
                self._lost_in_a_row = 0
                raise
            except CallFailed as error:
                wait_s = self._wait(attempt, error)
                if attempt + 1 == self._attempts or wait_s > self._max_wait_s:
                    self._mourn(error)
                    raise
                self.retries += 1
                await self._sleep(wait_s)
            else:
                self._lost_in_a_row = 0
                return answer
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _wait(self, attempt: int, error: CallFailed) -> float:
        if isinstance(error, TryLater):
            return error.wait_s
        wait_s: float = min(self._base_s * 2.0**attempt, self._max_wait_s)
        return wait_s * self._rng.uniform(0.5, 1.0)

    def _mourn(self, error: CallFailed) -> None:
        """Count a call lost for good; raise once there are too many in a row."""
        self._lost_in_a_row += 1
        if self._dead_after and self._lost_in_a_row >= self._dead_after:
            self._obituary = (
                f"endpoint {self.identity} stopped answering: {self._lost_in_a_row} calls in a row "
                f"failed, the last with: {error}. Finished calls are kept; run the same command "
                "again to continue"
            )
            raise EngineUnavailable(self._obituary) from error


def wrap(
    engine: LLM,
    *,
    cache_path: str | Path | None,
    concurrency: int = 64,
    attempts: int = 5,
    per_minute: float | None = None,
    dead_after: int = 8,
) -> Cached:
    """The full stack around an engine. cache_path=None keeps answers for this process only."""
    retried = Retried(engine, attempts, dead_after=dead_after)
    throttled = Throttled(retried, concurrency, per_minute)
    return Cached(throttled, ":memory:" if cache_path is None else cache_path)
