"""The one interface to language models. A Request is pure data; its digest is the cache key."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol

from tts_search.core.data import CallSite

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Message:
    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Request:
    """One chat completion. `model` is the name the engine serves; `seed` fixes the sample.

    `schema`: a JSON schema, as JSON text, that the reply must satisfy; None for free text.
    `site`: where the call comes from; not part of the request's identity.
    """

    model: str
    messages: tuple[Message, ...]
    temperature: float
    top_p: float
    max_tokens: int
    seed: int
    schema: str | None = None
    site: CallSite | None = field(default=None, compare=False, hash=False, repr=False)

    def digest(self, engine: str) -> str:
        """Content key of this request on the engine of that identity: 32 hex digits."""
        body = (
            engine,
            self.model,
            [(m.role, m.content) for m in self.messages],
            self.temperature,
            self.top_p,
            self.max_tokens,
            self.seed,
            self.schema,
        )
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Completion:
    """What came back. Token counts are the engine's own; `seconds` is wall-clock of this call.

    `cached_tokens`: those of the prompt that the engine did not have to read again, as it says.
    """

    text: str
    prompt_tokens: int
    output_tokens: int
    finish_reason: str = "stop"
    seconds: float = 0.0
    cached_tokens: int = 0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class LLM(Protocol):
    """An engine or a wrapper around one.

    `identity` names what answers (weights, endpoint): two engines that may answer differently
    must differ in it, because it is part of the cache key.

    An engine may have more, which those around it look for:

    check()                whether calls can succeed at all; raises EngineUnavailable, or CallFailed
                           if it may come back
    deadline_s             seconds until a call counts as failed
    cacheable              False: its answers are not kept on disk
    identity_for(request)  what answers this request, where that is not the whole engine: with it in
                           the cache key, answers survive when another endpoint joins the engine
    guarded(guard)         the engine with `guard` applied to each of its endpoints, so that each
                           has limits, retries and patience of its own
    """

    @property
    def identity(self) -> str: ...

    async def complete(self, request: Request) -> Completion:
        """Answer one request. Raises CallFailed (this call) or EngineUnavailable (all calls)."""
        ...

    async def aclose(self) -> None:
        """Release clients, threads and files. Safe to call twice."""
        ...


class Wrapper:
    """An LLM around an LLM. Everything it does not change passes through."""

    def __init__(self, inner: LLM) -> None:
        self.inner = inner

    @property
    def identity(self) -> str:
        return self.inner.identity

    async def aclose(self) -> None:
        await self.inner.aclose()

    async def complete(self, request: Request) -> Completion:
        return await self.inner.complete(request)


def innermost(llm: LLM) -> LLM:
    """The engine inside its wrappers."""
    while hasattr(llm, "inner"):
        llm = llm.inner
    return llm


def identity_for(llm: LLM, request: Request) -> str:
    """Identity of what answers this request."""
    own = getattr(innermost(llm), "identity_for", None)
    return str(own(request)) if own else llm.identity


async def check(llm: LLM) -> None:
    """Whether calls can succeed at all, as far as its engine can tell. Raises EngineUnavailable."""
    own = getattr(innermost(llm), "check", None)
    if own:
        await own()
