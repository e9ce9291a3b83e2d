"""A model's servers as an engine: started when first asked, if they do not run yet."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from tts_search.llm.base import Completion, Request
from tts_search.llm.openai_compatible import OpenAICompatible
from tts_search.serving.lease import Lease

Client = Callable[[str], OpenAICompatible]
Join = Callable[[], Awaitable[list[Lease]]]
Result = TypeVar("Result")


class Started:
    """The servers of a model, started if they do not run yet when first asked; shared with all
    others who ask for the same. The last one is asked: the only one, or the router.

    identity  weights and settings; where it runs does not matter
    """

    def __init__(
        self, identity: str, join: Join, connect: Client, deadline_s: float | None = None
    ) -> None:
        self.identity = identity
        self.deadline_s = deadline_s
        self._join, self._connect = join, connect
        self._joining = asyncio.Lock()
        self._leases: list[Lease] = []
        self._client: OpenAICompatible | None = None

    async def check(self) -> None:
        """Raises EngineUnavailable when one is gone for good, CallFailed while it starts again."""
        client = await self._joined()
        for held in self._leases:
            _ = held.state
        await client.check()

    async def complete(self, request: Request) -> Completion:
        return await (await self._joined()).complete(request)

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client:
            await client.aclose()
        while self._leases:
            self._leases.pop().close()

    async def _joined(self) -> OpenAICompatible:
        async with self._joining:
            if self._client is None:
                self._leases = await self._join()
                self._client = self._connect(self._leases[-1].state.url)
            return self._client


async def side_by_side(tasks: Iterable[Awaitable[Result]]) -> list[Result]:
    """Wait for all, also when one fails; then raises the first error."""
    results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results  # type: ignore[return-value]  # no errors among them
