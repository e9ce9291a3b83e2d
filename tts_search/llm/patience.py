"""Patient: an endpoint that went away is waited for, once for all calls."""

import asyncio
import logging
from math import inf

from tts_search.errors import CallFailed, ConfigError, EngineUnavailable
from tts_search.llm.base import LLM, Completion, Request, Wrapper, check
from tts_search.llm.failures import Lost

_log = logging.getLogger(__name__)
FIRST_S, LONGEST_S, GROWTH = 0.5, 5.0, 1.5  # between two questions whether it is back


class Patient(Wrapper):
    """A call that is Lost fails only when the endpoint answers again, so that its next try finds
    it there. All calls that were lost wait together, while one of them asks.

    patience_s  seconds until EngineUnavailable is raised instead; at once if `check` raises it
    """

    def __init__(self, inner: LLM, patience_s: float) -> None:
        super().__init__(inner)
        if patience_s < 0:
            raise ConfigError(f"limits.patience_s must be at least 0, but got {patience_s}")
        self._patience_s = patience_s
        self._asking = asyncio.Lock()
        self._known_at = -inf
        self._obituary = ""

    async def complete(self, request: Request) -> Completion:
        try:
            return await self.inner.complete(request)
        except Lost as error:
            await self._back(error)
            raise

    async def _back(self, error: Lost) -> None:
        """Wait until the endpoint answers. Raises EngineUnavailable when it will not."""
        clock = asyncio.get_running_loop().time
        lost_at = clock()
        async with self._asking:
            if self._known_at < lost_at:  # else another call found out since
                self._obituary = await self._ask(error, lost_at)
                self._known_at = clock()
        if self._obituary:
            raise EngineUnavailable(self._obituary) from error

    async def _ask(self, error: Lost, lost_at: float) -> str:
        """Ask until it answers; then "", else what is to be said of it."""
        clock, wait_s, told = asyncio.get_running_loop().time, FIRST_S, False
        while True:
            try:
                await check(self.inner)
                break
            except EngineUnavailable as gone:
                return self._words(f"{error}; then: {gone}", clock() - lost_at)
            except CallFailed:
                left_s = lost_at + self._patience_s - clock()
            if left_s <= 0:
                return self._words(str(error), clock() - lost_at)
            if not told:
                _log.warning("%s; waiting for it, up to %g s", error, self._patience_s)
                told = True
            await asyncio.sleep(min(wait_s, left_s))
            wait_s = min(GROWTH * wait_s, LONGEST_S)
        if told:
            _log.info("endpoint %s is back after %.0f s", self.identity, clock() - lost_at)
        return ""

    def _words(self, what: str, waited_s: float) -> str:
        return (
            f"{what}; waited {waited_s:.0f} s for it (llm.limits.patience_s={self._patience_s:g}). "
            "Finished calls and the archive are kept; run the same command again to continue"
        )
