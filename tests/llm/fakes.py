"""Small engines that tests can watch and steer."""

import asyncio
from dataclasses import dataclass, field

from tts_search.llm.base import Completion, Message, Request


def ask(text: str = "2+2?", seed: int = 0, model: str = "m", **settings: object) -> Request:
    values: dict[str, object] = {"temperature": 0.7, "top_p": 1.0, "max_tokens": 64} | settings
    return Request(model, (Message("user", text),), seed=seed, **values)  # type: ignore[arg-type]


@dataclass
class Fake:
    """Answers `text`, waits for `gate` if given, raises the next of `errors` first."""

    text: str = "4"
    identity: str = "fake"
    gate: asyncio.Event | None = None
    errors: list[Exception] = field(default_factory=list)
    calls: int = 0
    running: int = 0
    peak: int = 0
    closed: int = 0

    async def complete(self, _request: Request) -> Completion:
        self.calls += 1
        self.running += 1
        self.peak = max(self.peak, self.running)
        try:
            await (self.gate.wait() if self.gate else asyncio.sleep(0))
            if self.errors:
                raise self.errors.pop(0)
            return Completion(self.text, 11, 7, "stop", 1.5)
        finally:
            self.running -= 1

    async def aclose(self) -> None:
        self.closed += 1
