"""A whole simulated search in a few lines, for the benchmarks that need no real model."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import mkdtemp

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from tts_search.app import Run
from tts_search.archive import Archive
from tts_search.config import register_schema, settings
from tts_search.core.result import Summary
from tts_search.llm.base import LLM, Completion, Request
from tts_search.parts import Parts, assemble
from tts_search.tracking.progress import SilentProgress

CONF = Path(__file__).resolve().parent.parent / "conf"


class Counting:
    """Counts the calls that reach an engine, by whatever way."""

    def __init__(self, inner: LLM) -> None:
        self.inner = inner
        self.calls = 0

    @property
    def identity(self) -> str:
        return self.inner.identity

    async def complete(self, request: Request) -> Completion:
        self.calls += 1
        return await self.inner.complete(request)

    async def aclose(self) -> None:
        await self.inner.aclose()


class Recording:
    """Keeps what is asked and what is replied."""

    def __init__(self, inner: LLM) -> None:
        self.inner = inner
        self.requests: list[Request] = []
        self.replies: list[Completion] = []

    @property
    def identity(self) -> str:
        return self.inner.identity

    @property
    def tokens(self) -> int:
        """Generated."""
        return sum(reply.output_tokens for reply in self.replies)

    async def complete(self, request: Request) -> Completion:
        self.requests.append(request)
        self.replies.append(await self.inner.complete(request))
        return self.replies[-1]

    async def aclose(self) -> None:
        await self.inner.aclose()


def config(*overrides: str) -> DictConfig:
    register_schema()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("config", overrides=["llm=simulated", *overrides])


async def search(composed: DictConfig, **changed: object) -> tuple[Summary, Parts, Archive]:
    """One run; `changed` replaces parts, e.g. llm."""
    parts = assemble(composed)
    parts = Parts(**{**vars(parts), **changed})
    archive = Archive(Path(mkdtemp()) / "archive.jsonl")
    run = Run(parts, settings(composed), composed.space.slots, archive, SilentProgress())
    try:
        return await run.summary(), parts, archive
    finally:
        archive.close()
        await parts.aclose()


def table(title: str, rows: Mapping[str, object]) -> str:
    width = max(map(len, rows))
    return "\n".join([title, *(f"  {name:<{width}}  {value}" for name, value in rows.items())])
