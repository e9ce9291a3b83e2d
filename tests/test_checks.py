"""What would make every answer worthless is found before a call is paid for."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from omegaconf import DictConfig

from tts_search.app import Run
from tts_search.archive import Archive
from tts_search.config import settings
from tts_search.errors import ConfigError
from tts_search.llm.base import Completion, Request
from tts_search.llm.cache import Cached
from tts_search.parts import assemble
from tts_search.tasks.sandbox import bubblewrap
from tts_search.tracking.progress import SilentProgress


class Untouched:
    """An engine that nobody may ask."""

    identity = "untouched"

    async def complete(self, request: Request) -> Completion:
        raise AssertionError(f"a call was made: {request}")

    async def aclose(self) -> None:
        pass


async def test_without_a_sandbox_code_is_not_even_asked_for(
    compose: Callable[..., DictConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> str:
        raise ConfigError("no bubblewrap; `apt-get install bubblewrap`")

    monkeypatch.setattr(bubblewrap, "find", missing)
    config = compose("task=humaneval", "llm=simulated", "cache=null")
    parts = replace(assemble(config), llm=Cached(Untouched(), ":memory:"))
    run = Run(parts, settings(config), config.space.slots, Archive(), SilentProgress())
    with pytest.raises(ConfigError, match="apt-get install bubblewrap"):
        await run.summary()
    await parts.aclose()
