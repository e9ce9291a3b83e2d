"""What every engine needs, written once: bounded concurrency, retries, patience, a stop when dead.

    Cached(Throttled(Retried(Sensed(Patient(engine)))))

Retried is the only layer that retries: it also sees replies that cannot be read, which a client
library takes for success, and it stops all retries once the engine counts as dead. A call keeps
its place in Throttled while it backs off, so a struggling endpoint is asked less, not more.
Sensed tells what the endpoint takes, and Throttled lets in so many.
"""

import asyncio
import logging
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

from tts_search.errors import ConfigError
from tts_search.llm.base import LLM, Completion, Request, Sleep, Wrapper, innermost
from tts_search.llm.cache import Cached
from tts_search.llm.failures import Busy
from tts_search.llm.pace import Pace
from tts_search.llm.patience import Patient
from tts_search.llm.retried import Retried

_log = logging.getLogger(__name__)


class Throttled(Wrapper):
    """At most `limit` calls at once and, if given, at most `per_minute` calls started a minute.

    A Pace is a limit that changes; it is shared with the Sensed inside. Starts are spread evenly:
    with per_minute=60 one call starts every second, without bursts.
    """

    def __init__(
        self,
        inner: LLM,
        limit: int | Pace,
        per_minute: float | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        super().__init__(inner)
        if per_minute is not None and per_minute <= 0:
            raise ConfigError(f"limits.per_minute must be above 0 or null, but got {per_minute}")
        self.pace = limit if isinstance(limit, Pace) else Pace(limit)
        self._gap_s = 60.0 / per_minute if per_minute else 0.0
        self._next_start = 0.0
        self._sleep = sleep
        self._closed = False

    async def complete(self, request: Request) -> Completion:
        async with self.pace.places.held():
            if self._gap_s:
                await self._turn()
            return await self.inner.complete(request)

    async def aclose(self) -> None:
        pace = self.pace
        if pace.cuts and not self._closed:
            _log.info(
                "endpoint %s was overloaded: of up to %d calls at once, %d at most were tried; the "
                "limit fell to %.1f and ended at %.1f",
                self.identity, pace.most, pace.turns.peak, pace.lowest, pace.limit,
            )  # fmt: skip
        self._closed = True
        await super().aclose()

    async def _turn(self) -> None:
        now = asyncio.get_running_loop().time()
        start = max(now, self._next_start)
        self._next_start = start + self._gap_s
        if start > now:
            await self._sleep(start - now)


class Sensed(Wrapper):
    """Tells a Pace what became of each try, and holds tries back that are beyond its limit.

    slow_s  an answer that took longer counts as a refusal if it had to queue, so that queueing
            does not grow until calls are lost to the deadline: if it took over twice the time, for
            its length, of the quickest answer of its model. None never
    """

    def __init__(self, inner: LLM, pace: Pace, slow_s: float | None = None) -> None:
        super().__init__(inner)
        self._pace = pace
        self._slow_s = slow_s
        self._quickest: dict[str, float] = {}

    async def complete(self, request: Request) -> Completion:
        clock, pace = asyncio.get_running_loop().time, self._pace
        async with pace.turns.held():
            cuts, start = pace.cuts, clock()
            try:
                answer = await self.inner.complete(request)
            except Busy:
                pace.refused(cuts)
                raise
            if self._queued(request.model, answer, clock() - start):
                pace.refused(cuts)
            else:
                pace.took(cuts)
            return answer

    def _queued(self, model: str, answer: Completion, seconds: float) -> bool:
        each = seconds / (answer.output_tokens or 1)
        quickest = self._quickest[model] = min(each, self._quickest.get(model, inf))
        return self._slow_s is not None and seconds > self._slow_s and each > 2 * quickest


def guard(
    engine: LLM,
    *,
    concurrency: int = 64,
    attempts: int = 5,
    per_minute: float | None = None,
    dead_after: int = 8,
    base_s: float = 1.0,
    patience_s: float = 0.0,
) -> LLM:
    """Everything but the cache around one endpoint. patience_s=0: it is not waited for.

    An answer is slow when it takes over half of the engine's `deadline_s`, if it has one. Raises
    ConfigError for a limit that makes no sense.
    """
    pace, deadline_s = Pace(concurrency), getattr(innermost(engine), "deadline_s", None)
    inner = Patient(engine, patience_s) if patience_s else engine
    sensed = Sensed(inner, pace, deadline_s and deadline_s / 2)
    retried = Retried(sensed, attempts, dead_after=dead_after, base_s=base_s)
    return Throttled(retried, pace, per_minute)


def wrap(engine: LLM, *, cache_path: str | Path | None, **limits: Any) -> Cached:
    """The full stack around an engine. cache_path=None keeps answers for this process only.

    limits  those that `guard` takes; an engine of several endpoints has each guarded on its own
    """
    own = getattr(engine, "guarded", None)
    guarded = own(partial(guard, **limits)) if own else guard(engine, **limits)
    return Cached(guarded, ":memory:" if cache_path is None else cache_path)
