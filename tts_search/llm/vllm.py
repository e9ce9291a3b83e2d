"""vLLM servers as one engine: started where they are missing, shared by all runs, or adopted."""

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tts_search.core.models import ModelSpec
from tts_search.errors import ConfigError, EngineUnavailable
from tts_search.llm.base import LLM, Completion, Request, check
from tts_search.llm.openai_compatible import OpenAICompatible
from tts_search.llm.weights import cache_root
from tts_search.serving.launch import Launch
from tts_search.serving.lease import Lease, lease
from tts_search.serving.spec import ServerSpec

Client = Callable[[str], OpenAICompatible]


def servers_root() -> Path:
    """Where servers and their logs are found, by every process."""
    return cache_root() / "servers"


class VLLM:
    """One endpoint for each `served` name of the pool.

    models    of the pool, by name
    launch    how a missing server is started
    base_url  servers that run already: one URL for all (a proxy, a router), or URLs by `served`;
              the others are started
    client    settings of OpenAICompatible, the same for all

    specs, placements  of the servers that may have to be started
    """

    def __init__(
        self,
        models: Mapping[str, ModelSpec],
        launch: Launch,
        base_url: str | Mapping[str, str] | None = None,
        **client: Any,
    ) -> None:
        served = list(dict.fromkeys(model.served for model in models.values()))
        urls = dict.fromkeys(served, base_url) if isinstance(base_url, str) else base_url or {}
        for name in urls:
            if name not in served:
                raise ConfigError(
                    f"llm.base_url names {name}, which no model of the pool is served as; "
                    f"there are {', '.join(served)}"
                )

        def connect(url: str) -> OpenAICompatible:
            return OpenAICompatible(url, **client)

        missing = [model for model in models.values() if model.served not in urls]
        self.launch = launch
        self.placements = launch.placements(missing) if missing else []
        self.specs = [launch.spec(placed) for placed in self.placements]
        self._engines: dict[str, LLM] = {name: connect(url) for name, url in urls.items()}
        answers = {k: client[k] for k in ("omit", "extra_body", "json_mode") if client.get(k)}
        asked = json.dumps(answers, sort_keys=True), client.get("timeout_s")
        self._engines |= {spec.served: Started(spec, connect, *asked) for spec in self.specs}

    @property
    def identity(self) -> str:
        return "vllm: " + ", ".join(self._engines)

    def identity_for(self, request: Request) -> str:
        """Of the endpoint alone: another model in the pool does not make its answers unknown."""
        return self._engine(request).identity

    def guarded(self, guard: Callable[[LLM], LLM]) -> LLM:
        """Each endpoint has limits, retries and patience of its own."""
        self._engines = {name: guard(engine) for name, engine in self._engines.items()}
        return self

    async def check(self) -> None:
        """All servers up: those that are missing are started, side by side."""
        checks = map(check, self._engines.values())
        results = await asyncio.gather(*checks, return_exceptions=True)
        for error in results:
            if isinstance(error, BaseException):
                raise error

    async def complete(self, request: Request) -> Completion:
        return await self._engine(request).complete(request)

    async def aclose(self) -> None:
        for engine in self._engines.values():
            await engine.aclose()

    def _engine(self, request: Request) -> LLM:
        if request.model not in self._engines:
            raise EngineUnavailable(
                f"no server of the pool answers to {request.model!r}; there are "
                f"{', '.join(self._engines)}"
            )
        return self._engines[request.model]


class Started:
    """A server that is started if it does not run yet, when first asked; shared with all others
    who ask for the same. settings: those of its client that change what it answers."""

    def __init__(
        self, spec: ServerSpec, connect: Client, settings: str, deadline_s: float | None = None
    ) -> None:
        self.spec = spec
        self._settings = settings
        self.deadline_s = deadline_s
        self._connect = connect
        self._joining = asyncio.Lock()
        self._lease: Lease | None = None
        self._client: OpenAICompatible | None = None

    @property
    def identity(self) -> str:
        """Weights and settings; where it runs does not matter."""
        return f"{self.spec.identity} {self._settings}"

    async def check(self) -> None:
        """Raises EngineUnavailable when it is gone for good, CallFailed while it starts again."""
        client = await self._joined()
        assert self._lease
        _ = self._lease.state
        await client.check()

    async def complete(self, request: Request) -> Completion:
        return await (await self._joined()).complete(request)

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client:
            await client.aclose()
        if self._lease:
            self._lease.close()
            self._lease = None

    async def _joined(self) -> OpenAICompatible:
        async with self._joining:
            if self._client is None:
                self._lease = await lease(self.spec, servers_root())
                self._client = self._connect((await self._lease.up()).url)
            return self._client
