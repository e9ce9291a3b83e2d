"""Any endpoint with OpenAI's chat completions: OpenAI, DeepSeek, OpenRouter, vLLM, Ollama, ..."""

import asyncio
import json
import logging
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from aiohttp import ClientError, ClientSession

from tts_search.errors import CallFailed, EngineUnavailable, LLMError
from tts_search.llm import openai_errors as errors
from tts_search.llm import openai_http as http
from tts_search.llm import openai_replies as replies
from tts_search.llm.base import Completion, Request
from tts_search.llm.failures import Busy, Lost

_log = logging.getLogger(__name__)


class OpenAICompatible:
    """One client with pooled connections (aiohttp), made at the first call.

    base_url          root of the API, usually ending in /v1; http://USER:PASSWORD@HOST/v1 logs in
    api_key_env       environment variable that holds the key; None where no key is needed
    timeout_s         seconds until a call counts as failed, queueing at the endpoint included
    connect_s         seconds until an endpoint counts as unreachable
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
        max_retries: int = 0,  # ignored: records of earlier runs name it
        max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens",
        json_mode: Literal["json_schema", "json_object", "none"] = "json_schema",
        omit: Sequence[str] = (),
        extra_body: Mapping[str, Any] | None = None,
    ) -> None:
        self._address = http.Address(base_url)
        self.url = self._address.url
        self.estimated = 0
        self.deadline_s = timeout_s
        self._key_env = api_key_env
        self._connect_s = connect_s
        self._max_tokens_field = max_tokens_field
        self._json_mode = json_mode
        self._omit = frozenset(omit)
        self._extra_body = dict(extra_body or {})
        self._client: ClientSession | None = None
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
        reply = await self._ask("/chat/completions", self._body(request), self.deadline_s)
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

    def _body(self, request: Request) -> dict[str, Any]:
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
        return body | self._extra_body

    def _response_format(self, schema: str) -> dict[str, Any]:
        if self._json_mode == "json_object":
            return {"type": "json_object"}
        tree = json.loads(schema)
        # Strict decoding is refused for schemas that leave objects open.
        strict = tree.get("additionalProperties") is False
        form = {"name": "reply", "schema": tree, "strict": strict}
        return {"type": "json_schema", "json_schema": form}

    async def _ask(self, path: str, body: dict[str, Any] | None, timeout_s: float) -> Any:
        """JSON, as a tree; whatever goes wrong comes out as an error of ours."""
        url, client = self._address.at(path), self._connect()
        try:
            async with asyncio.timeout(timeout_s):
                status, headers, content = await http.exchange(client, url, body)
        except ClientError as error:
            lost = errors.from_connection(error, self.url, self._answered, self._hide)
            raise lost from error
        except TimeoutError as error:
            raise Busy(f"endpoint {self.url} took over {timeout_s:g} s") from error
        self._answered = True
        if not 200 <= status < 300:
            text = self._hide(content.decode(errors="replace"))
            model = body.get("model") if body else None
            raise await self._meaning(errors.Refusal.read(status, headers, text), model)
        try:
            return json.loads(content)
        except ValueError as error:
            raise CallFailed(f"endpoint {self.url} sent a reply that is not JSON") from error

    async def _meaning(self, refusal: errors.Refusal, model: str | None) -> LLMError:
        if model is not None and errors.names_no_model(refusal):
            return await self._no_model(model, refusal.status)
        return errors.from_status(refusal, self.url, self._key_fix())

    async def _models(self) -> list[str]:
        rows = replies.field(await self._ask("/models", None, 2 * self._connect_s), "data")
        names = [replies.field(row, "id") for row in rows] if isinstance(rows, list) else []
        return [name for name in names if isinstance(name, str)]

    async def _no_model(self, model: str, code: int) -> EngineUnavailable:
        try:
            served = ", ".join((await self._models())[:20])
        except (CallFailed, EngineUnavailable):
            served = ""
        fix = f"it serves: {served}" if served else "check the model's `served` and llm.base_url"
        return EngineUnavailable(f"endpoint {self.url} has no model {model!r} ({code}); {fix}")

    def _connect(self) -> ClientSession:
        if self._client is None:
            self._client = http.session(self._address, self._key(), self._connect_s)
        return self._client

    def _key(self) -> str | None:
        if self._key_env is None or self._address.login:
            return None
        key = os.environ.get(self._key_env, "").strip()
        if not key or not key.isprintable():
            fault = "holds more than a line" if key else "is not set"
            raise EngineUnavailable(
                f"endpoint {self.url} needs a key, and {self._key_env} {fault}; "
                f"export {self._key_env}=... or set llm.api_key_env=null if it needs none"
            )
        return key

    def _hide(self, text: str) -> str:
        return self._address.hide(text, self._key())

    def _key_fix(self) -> str:
        if self._address.login:
            return "correct USER:PASSWORD in llm.base_url"
        if self._key_env is None:
            return "name the environment variable that holds it: llm.api_key_env=OPENAI_API_KEY"
        return f"put a valid one into the environment: export {self._key_env}=..."
