"""Any endpoint with OpenAI's chat completions: OpenAI, DeepSeek, OpenRouter, vLLM, Ollama, ..."""

import asyncio
import json
import logging
import os
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit, urlunsplit

from tts_search.errors import CallFailed, EngineUnavailable
from tts_search.llm import openai_errors as errors
from tts_search.llm import openai_replies as replies
from tts_search.llm.base import Completion, Request
from tts_search.llm.failures import Busy, Lost

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_log = logging.getLogger(__name__)


class OpenAICompatible:
    """One client with pooled connections (aiohttp), made at the first call.

    base_url          root of the API, usually ending in /v1
    api_key_env       environment variable that holds the key; None where no key is needed
    timeout_s         seconds until a call counts as failed, queueing at the endpoint included
    connect_s         seconds until an endpoint counts as unreachable
    max_retries       the client library's own retries. 0, because Retried retries: it also sees
                      unreadable replies, and retrying in two layers multiplies the waits
    max_tokens_field  max_completion_tokens for endpoints that refuse max_tokens
    json_mode         how a schema is asked for; endpoints without json_schema take json_object
                      (any JSON) or none (the prompt alone asks)
    omit              parameters not to send, e.g. [temperature, top_p] for reasoning models
    extra_body        further fields of the request, e.g. {chat_template_kwargs: {thinking: false}}

    Thinking (text before </think>, or a field of its own) is cut from the text and counted in
    full in the tokens. Where a reply says nothing of tokens they are taken as one per 4
    characters, the run's log says so once, and `estimated` counts such replies.
    """

    def __init__(
        self,
        base_url: str,
        api_key_env: str | None = None,
        *,
        timeout_s: float = 120.0,
        connect_s: float = 5.0,
        max_retries: int = 0,
        max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens",
        json_mode: Literal["json_schema", "json_object", "none"] = "json_schema",
        omit: Sequence[str] = (),
        extra_body: Mapping[str, Any] | None = None,
    ) -> None:
        self.url = _without_credentials(base_url)
        self.estimated = 0
        self.deadline_s = timeout_s
        self._base_url = base_url
        self._key_env = api_key_env
        self._connect_s = connect_s
        self._max_retries = max_retries
        self._max_tokens_field = max_tokens_field
        self._json_mode = json_mode
        self._omit = frozenset(omit)
        self._extra_body = dict(extra_body or {})
        self._client: AsyncOpenAI | None = None
        self._answered = False

    @property
    def identity(self) -> str:
        """The URL, and those settings that change what it answers."""
        mode = "" if self._json_mode == "json_schema" else self._json_mode
        changes = [sorted(self._omit), self._extra_body, mode]
        return self.url + (f" {json.dumps(changes, sort_keys=True)}" if any(changes) else "")

    async def check(self) -> None:
        """Ask for the list of models. Raises EngineUnavailable if nothing answers or no key fits,
        Lost if nothing answers any more.

        Endpoints without such a list pass.
        """
        try:
            await self._models()
        except Lost:
            raise
        except CallFailed as error:
            _log.debug("no list of models: %s", error)

    async def complete(self, request: Request) -> Completion:
        start = time.perf_counter()
        reply = await self._guarded(self._create(request), request.model, self.deadline_s)
        answer, counted = replies.read(reply, request, self.url, time.perf_counter() - start)
        if not counted:
            if not self.estimated:
                _log.warning("endpoint %s reports no tokens: 4 characters taken as 1", self.url)
            self.estimated += 1
        return answer

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _create(self, request: Request) -> Any:
        body = {
            "model": request.model,
            "messages": [{"role": m.role, "content": m.content} for m in request.messages],
            "temperature": request.temperature,
            "top_p": request.top_p,
            "seed": request.seed,
            self._max_tokens_field: request.max_tokens,
        }
        if request.schema is not None and self._json_mode != "none":
            body["response_format"] = self._response_format(request.schema)
        body = {name: value for name, value in body.items() if name not in self._omit}
        create: Any = self._connect().chat.completions.create
        return await create(**body, extra_body=self._extra_body or None)

    def _response_format(self, schema: str) -> dict[str, Any]:
        if self._json_mode == "json_object":
            return {"type": "json_object"}
        tree = json.loads(schema)
        # Strict decoding is refused for schemas that leave objects open.
        strict = tree.get("additionalProperties") is False
        form = {"name": "reply", "schema": tree, "strict": strict}
        return {"type": "json_schema", "json_schema": form}

    async def _guarded(self, call: Any, model: str | None, timeout_s: float) -> Any:
        """Await a call of the client; whatever goes wrong comes out as an error of ours."""
        import openai

        try:
            # The client's own timeout starts anew with every byte that arrives.
            async with asyncio.timeout(timeout_s):
                reply = await call
        except openai.APIStatusError as error:
            self._answered = True
            if model is not None and errors.names_no_model(error):
                raise await self._no_model(model, error.status_code) from error
            raise errors.from_status(error, self.url, self._key_env, self._key()) from None
        except openai.APIConnectionError as error:
            raise errors.from_connection(error, self.url, self._answered) from error
        except TimeoutError as error:
            raise Busy(f"endpoint {self.url} took over {timeout_s:g} s") from error
        except (openai.OpenAIError, ValueError) as error:
            self._answered = True
            raise CallFailed(f"endpoint {self.url} sent a reply that is not JSON") from error
        self._answered = True
        return reply

    async def _models(self) -> list[str]:
        async def ask() -> list[str]:
            page = await self._connect().models.list()
            return [str(model.id) for model in getattr(page, "data", None) or []]

        return list(await self._guarded(ask(), None, 2 * self._connect_s))

    async def _no_model(self, model: str, code: int) -> EngineUnavailable:
        try:
            served = ", ".join((await self._models())[:20])
        except (CallFailed, EngineUnavailable):
            served = ""
        fix = f"it serves: {served}" if served else "check the model's `served` and llm.base_url"
        return EngineUnavailable(f"endpoint {self.url} has no model {model!r} ({code}); {fix}")

    def _connect(self) -> "AsyncOpenAI":
        if self._client is None:
            from openai import AsyncOpenAI, DefaultAioHttpClient, Timeout

            timeout = Timeout(self.deadline_s, connect=self._connect_s)
            self._client = AsyncOpenAI(
                api_key=self._key(),
                base_url=self._base_url,
                timeout=timeout,
                max_retries=self._max_retries,
                http_client=DefaultAioHttpClient(timeout=timeout),
            )
        return self._client

    def _key(self) -> str:
        if self._key_env is None:
            return "none"
        key = os.environ.get(self._key_env, "").strip()
        if not key:
            raise EngineUnavailable(
                f"endpoint {self.url} needs a key, and {self._key_env} is not set; "
                f"export {self._key_env}=... or set llm.api_key_env=null if it needs none"
            )
        return key


def _without_credentials(url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
