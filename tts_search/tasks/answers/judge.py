"""Whether programs run to their end: each asked of the sandbox once."""

import asyncio
import hashlib
from typing import Protocol

from tts_search.tasks.sandbox.execution import Outcome


class Runner(Protocol):
    """A sandbox, as far as a judge needs it."""

    async def run(self, program: str) -> Outcome:
        """Raises ConfigError where programs cannot be run."""
        ...

    async def aclose(self) -> None: ...


class Judge:
    """`await passes(program)`. The same program is run once, also when asked for side by side."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._verdicts: dict[bytes, bool] = {}
        self._running: dict[bytes, asyncio.Task[bool]] = {}

    async def passes(self, program: str) -> bool:
        """ConfigError where programs cannot be run: that is no verdict."""
        key = hashlib.blake2b(program.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        if key not in self._verdicts:
            self._verdicts[key] = await self._shared(key, program)
        return self._verdicts[key]

    async def aclose(self) -> None:
        await self._runner.aclose()

    async def _shared(self, key: bytes, program: str) -> bool:
        """A run goes on when one of those who wait for it is cancelled."""
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(self._run(program))
            task.add_done_callback(lambda _: self._running.pop(key))
        return await asyncio.shield(task)

    async def _run(self, program: str) -> bool:
        return (await self._runner.run(program)).passed
