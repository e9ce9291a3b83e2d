"""A local chat endpoint that misbehaves on request: the first words of a question choose how."""

import asyncio
from collections import Counter
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer


def reply(content: str | None = "4", **changes: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": content, **changes.pop("message", {})}
    choice = {"index": 0, "message": message, "finish_reason": changes.pop("finish", "stop")}
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    body = {"id": "1", "object": "chat.completion", "created": 1, "model": "m"}
    return {**body, "choices": [choice], "usage": usage, **changes}


def refusal(status: int, message: str, headers: Any = None, **fields: Any) -> web.Response:
    error = {"message": message, "type": "error", "param": None, "code": None, **fields}
    return web.json_response({"error": error}, status=status, headers=headers)


async def hang_up(request: web.Request) -> web.StreamResponse:
    """Promise 1,000 bytes, send a few, hang up."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    response.content_type = "application/json"
    await response.prepare(request)
    await response.write(b'{"choices"')
    assert request.transport is not None
    request.transport.close()
    return response


ANSWERS: dict[str, dict[str, Any]] = {
    "ok": reply(),
    "think inline": reply("<think>two and two</think>\n\n4"),
    "think half": reply("two and two</think>4"),
    "think cut": reply("<think>two and", finish="length"),
    "think apart": reply("4", message={"reasoning_content": "two and two"}),
    "nothing": reply(None),
    "no usage": reply("four four", usage=None),
    "no choices": reply(choices=[]),
    "null choices": reply(choices=None),
    "filtered": reply("", finish="content_filter"),
}
REFUSALS: dict[str, tuple[int, str, dict[str, Any]]] = {
    "401": (401, "Incorrect API key provided: sk-secret", {}),
    "403": (403, "no access", {}),
    "402": (402, "Insufficient Balance", {}),
    "quota": (429, "You exceeded your current quota", {"code": "insufficient_quota"}),
    "no model": (404, "The model `m` does not exist.", {}),
    "odd model": (400, "Model Not Exist", {}),
    "parameter": (400, "Unsupported", {"code": "unsupported_parameter", "param": "max_tokens"}),
    "too long": (400, "maximum context length is 2048; key sk-secret", {}),
    "422": (422, "unprocessable", {}),
    "429": (429, "slow down", {}),
    "500": (500, "internal error", {}),
    "503": (503, "overloaded", {}),
}


class Endpoint:
    """`seen` counts requests by question; `bodies` keeps what was sent, `keys` with which key."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self.keys: set[str | None] = set()
        self.connections: set[object] = set()
        self.lists_models = True
        self.dies_after: int | None = None
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/v1/models", self._models)
        self.server = TestServer(app)

    @property
    def url(self) -> str:
        return str(self.server.make_url("/v1"))

    async def _models(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") == "Bearer wrong":
            return refusal(401, "bad key")
        if not self.lists_models:
            return refusal(404, "no such page")
        rows = [{"id": name, "object": "model", "created": 1, "owned_by": "x"} for name in "pq"]
        return web.json_response({"object": "list", "data": rows})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        question = body["messages"][-1]["content"]
        self.seen[question] += 1
        self.bodies.append(body)
        self.keys.add(request.headers.get("Authorization"))
        self.connections.add(request.transport)
        if self.dies_after is not None and self.seen.total() > self.dies_after:
            return self._drop(request)
        return await self._behave(question, request)

    async def _behave(self, question: str, request: web.Request) -> web.StreamResponse:
        if question in REFUSALS:
            status, message, fields = REFUSALS[question]
            return refusal(status, message, **fields)
        match question:
            case "busy once" if self.seen[question] == 1:
                return refusal(429, "slow down", {"Retry-After": "0.2"})
            case "drop" | "die":
                return self._drop(request)
            case "slow":
                await asyncio.sleep(30)
            case "not json":
                return web.Response(text='{"choices": [', content_type="application/json")
            case "html":
                return web.Response(text="<h1>Bad gateway</h1>", content_type="text/html")
            case "half":
                return await hang_up(request)
        return web.json_response(ANSWERS.get(question, reply()))

    def _drop(self, request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()
