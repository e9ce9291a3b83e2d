"""Retried: a call that failed is tried again, an engine that is dead is not asked again."""

import asyncio
import random

from tts_search.errors import CallFailed, CallRejected, ConfigError, EngineUnavailable
from tts_search.llm.base import LLM, Completion, Request, Sleep, Wrapper
from tts_search.llm.failures import TryLater


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
        if base_s < 0:
            raise ConfigError(f"limits.base_s must be at least 0, but got {base_s}")
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
        if isinstance(error, TryLater) and error.wait_s is not None:
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
