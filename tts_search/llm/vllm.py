"""vLLM servers as one engine: started where they are missing, shared by all runs, or adopted."""

import json
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from tts_search.core.models import ModelSpec
from tts_search.errors import ConfigError, EngineUnavailable
from tts_search.llm.base import LLM, Completion, Request, check
from tts_search.llm.openai_compatible import OpenAICompatible
from tts_search.llm.started import Started, side_by_side
from tts_search.llm.weights import cache_root
from tts_search.serving.cards import Placement
from tts_search.serving.launch import Launch
from tts_search.serving.lease import Lease, lease_all
from tts_search.serving.spec import ServerSpec


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

    Cards are looked at when the first server is wanted, not before: who only reads what a run
    left needs none.
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
        self._missing = launch.servers(missing) if missing else []
        self._engines: dict[str, LLM] = {name: connect(url) for name, url in urls.items()}
        answers = {k: client[k] for k in ("omit", "extra_body", "json_mode") if client.get(k)}
        asked = json.dumps(answers, sort_keys=True)
        for server in self._missing:
            join = partial(self.join, server.served)
            identity = f"{launch.identity(server)} {asked}"
            self._engines[server.served] = Started(identity, join, connect, client.get("timeout_s"))

    @cached_property
    def placements(self) -> list[Placement]:
        """Of the servers that may have to be started. Raises ConfigError for what does not fit."""
        return self.launch.place(self._missing)

    @cached_property
    def specs(self) -> dict[str, list[ServerSpec]]:
        """What is run for each `served`: one server or its replicas."""
        found: dict[str, list[ServerSpec]] = {}
        for placed in self.placements:
            found.setdefault(placed.served, []).append(self.launch.spec(placed))
        return found

    async def join(self, served: str) -> list[Lease]:
        """The servers of a model, up. Raises EngineUnavailable."""
        router = partial(self.launch.router_of, served)
        return await lease_all(self.specs[served], router, servers_root())

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
        await side_by_side(map(check, self._engines.values()))

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
