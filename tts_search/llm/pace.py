"""How many calls an endpoint takes at once, found out from what becomes of them."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tts_search.errors import ConfigError

CUT = 0.7  # part of the calls in flight that is left after a refusal
CALM = 8  # answers, beyond its own number, that raise a limit by one: without, a limit of few calls
# would be back at a refusal after each


class Gate:
    """Lets a call in while that makes no more than `limit()` inside, which may change meanwhile.

    First come, first served: no other order was worth having (benchmarks/scheduling.py).
    """

    def __init__(self, limit: Callable[[], float]) -> None:
        self.inside = 0
        self.peak = 0
        self._limit = limit
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def full(self) -> bool:
        return self.inside + 1 > self._limit()

    async def acquire(self) -> None:
        """Wait to be let in. A call that is cancelled meanwhile leaves no trace."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self.admit()
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # let in and cancelled at once
                self.release()
            raise

    def release(self) -> None:
        self.inside -= 1
        self.admit()

    def admit(self) -> None:
        """Let in whom there is room for; to be called when the limit has grown."""
        while self._waiting and not self.full:
            turn = self._waiting.popleft()
            if not turn.done():
                self.inside += 1
                self.peak = max(self.peak, self.inside)
                turn.set_result(None)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        await self.acquire()
        try:
            yield
        finally:
            self.release()


class Pace:
    """A limit between 1 and `most`, where it starts. It falls when the endpoint is overloaded, and
    grows by up to one each time all its calls are answered (AIMD, as TCP's congestion window).

    places  for calls under way, those that wait for their next try included
    turns   for tries: calls at the endpoint. Apart, because calls that have a place may be more
            than a limit that has fallen, and would spend their tries on further refusals
    lowest  the limit has been
    """

    def __init__(self, most: int) -> None:
        if most < 1:
            raise ConfigError(f"limits.concurrency must be at least 1, but got {most}")
        self.most = most
        self.limit = self.lowest = float(most)
        self.cuts = 0
        self.places = Gate(lambda: self.limit)
        self.turns = Gate(lambda: self.limit)

    def refused(self, cuts: int) -> None:
        """A call, begun when there had been `cuts`, was one too many. What was sent before the
        last cut says nothing about the limit since."""
        if cuts < self.cuts:
            return
        self.cuts += 1
        self.limit = max(1.0, min(self.limit, CUT * self.turns.inside))
        self.lowest = min(self.lowest, self.limit)

    def took(self, cuts: int) -> None:
        """A call, begun when there had been `cuts`, was answered in time. That tells something
        only if the limit was reached."""
        if cuts == self.cuts and self.places.full:
            self.limit = min(self.most, self.limit + 1 / (self.limit + CALM))
            self.places.admit()
            self.turns.admit()
