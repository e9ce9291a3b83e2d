"""An endpoint that answers arithmetic by the content of a request, and fails some tries of it."""

import asyncio
import hashlib
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from endpoint import hang_up, refusal, reply

from tts_search.tasks.expressions import solve

KINDS = ("500", "429", "429 with a wait", "stall", "cut", "garbage", "no choices")
SKILL = {"1b": 40, "3b": 55, "8b": 70, "70b": 85}  # percent of requests answered right


def draw(*parts: object, below: int) -> int:
    """The same for the same parts, as if drawn evenly from 0 to below - 1."""
    name = json.dumps(parts, sort_keys=True).encode()
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest()) % below


@dataclass
class Faulty:
    """What a request is answered depends on nothing but itself; whether a try of it fails, on the
    number of that try too.

    share     percent of tries that fail
    hopeless  percent of requests that fail at every try
    stall_s   of a reply that is late

    tries, faults  by request, and by kind
    """

    stall_s: float
    share: int = 0
    hopeless: int = 0
    tries: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    first: int = 0

    def __post_init__(self) -> None:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._chat)
        self.server = TestServer(app)

    @property
    def url(self) -> str:
        return str(self.server.make_url("/v1"))

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        name = json.dumps(body, sort_keys=True)
        self.tries[name] += 1
        fault = self._fault(name)
        if fault is None:
            return web.json_response(_answer(body))
        self.faults[fault] += 1
        self.first += self.tries[name] == 1
        return await self._fail(fault, request)

    def _fault(self, name: str) -> str | None:
        lost = draw(name, "hopeless", below=100) < self.hopeless
        if lost or draw(name, self.tries[name], below=100) < self.share:
            return KINDS[draw(name, self.tries[name], "kind", below=len(KINDS))]
        return None

    async def _fail(self, fault: str, request: web.Request) -> web.StreamResponse:
        match fault:
            case "500":
                return refusal(500, "internal error")
            case "429":
                return refusal(429, "slow down")
            case "429 with a wait":
                return refusal(429, "slow down", {"Retry-After": "0.05"})
            case "stall":
                await asyncio.sleep(self.stall_s)
                return web.json_response(reply("late"))
            case "cut":
                return await hang_up(request)
            case "garbage":
                return web.Response(text='{"choices": [', content_type="application/json")
        return web.json_response(reply(choices=[]))


def _answer(body: dict[str, Any]) -> dict[str, Any]:
    asked = re.search(r"What is ([^?]+)\?", body["messages"][-1]["content"])
    assert asked
    right = draw(body, "right", below=100) < SKILL[body["model"]]
    number = int(solve(asked[1].replace(" ", ""))[0]) + (not right)
    prompt = sum(len(m["content"]) for m in body["messages"]) // 4
    usage = {"prompt_tokens": prompt, "completion_tokens": 6 + draw(body, "length", below=5)}
    return reply(f"The answer is {number}.", usage={**usage, "total_tokens": 0})
