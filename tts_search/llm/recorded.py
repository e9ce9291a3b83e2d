"""An engine that answers only what was answered before."""

from pathlib import Path

from tts_search.errors import CacheError, CallFailed
from tts_search.llm.base import LLM, Completion, Request, identity_for, innermost
from tts_search.llm.store import ResponseStore


class Recorded:
    """The answers that a run was given, read from its response cache. No model is ever asked.

    identity   of the engine that gave them
    simulated  the pretend engine of a simulated run, which says the same again: it is asked for
               what the cache lacks, and needs no cache at all
    engine     the engine, which is never asked: it names the calls if it has `identity_for`
    """

    def __init__(
        self,
        identity: str,
        cache: Path | None,
        simulated: LLM | None = None,
        engine: LLM | None = None,
    ) -> None:
        self.identity = identity
        named = engine and hasattr(innermost(engine), "identity_for")
        self._names = engine if engine and named else self
        self._simulated = simulated
        if simulated is None:
            _check(cache)
        self._store = ResponseStore(cache) if cache and cache.is_file() else None

    async def complete(self, request: Request) -> Completion:
        """Raises CallFailed for what was never answered, CacheError when the file fails."""
        key = request.digest(identity_for(self._names, request))
        stored = self._store.get(key) if self._store is not None else None
        if stored is not None:
            return stored
        if self._simulated is not None:
            return await self._simulated.complete(request)
        raise CallFailed("not in the cache")

    async def aclose(self) -> None:
        if self._store is not None:
            self._store.close()


def _check(cache: Path | None) -> None:
    """Opening a cache that is not there would make an empty one."""
    if cache is None:
        raise CacheError(
            "what models said is read from the response cache, but this run kept none (cache=null);"
            " run the same command again with cache=PATH"
        )
    if not cache.is_file():
        raise CacheError(
            f"what models said is read from the response cache, but {cache} does not exist; put it "
            "back, or run the same command again to fill it"
        )
