"""Graphs at an endpoint: all calls that can run do, against one call of a graph after another.

python -m benchmarks endpoint [--latency 0.2] [--graphs 5]   (3 minutes; wants an idle machine)

A mock endpoint in a process of its own answers every call after the same time, however many there
are at once. 64 questions, a fixed graph (8 nodes answer, one fuses) and random ones, through the
project's own OpenAI client, which reaches the endpoint once before the clock starts.

  ours        Environment and Executor, 1024 calls in flight, an empty cache on disk; connections
              are opened under the clock. The fastest of 3 runs, for other work on the machine
              slows it; the other way waits most of the time and runs once
  one by one  a stand-in for the release of arXiv 2511.00086, written from a description of it. As
              described: the nodes of a level run one after another, three questions at a time,
              nothing is cached. Assumed: the three overlap, the next question starts as soon as
              one is done, votes take no time. Left out in its favour: a new HTTP client per call
              and the grading
  ideal       the ratio if neither took anything but latency: calls of the stand-in one after
              another over calls on our critical path
  overhead    our time beyond the latency of the critical path; CPU is our process's, per call

Overhead does not grow with latency: the slower the endpoint, the nearer the ratio to the ideal.
"""

import argparse
import asyncio
import math
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

from aiohttp import web

from benchmarks.forecast import drawn
from benchmarks.stack import config, table
from tts_search.core.data import Example
from tts_search.core.graph import Graph, Node
from tts_search.core.identity import reading_order
from tts_search.core.space import SearchSpace
from tts_search.environment.environment import Environment
from tts_search.environment.executor import Executor
from tts_search.llm.base import LLM, Message, Request
from tts_search.llm.openai_compatible import OpenAICompatible
from tts_search.llm.wrappers import wrap
from tts_search.parts import Parts, assemble

MODEL, WIDTH, QUESTIONS, AT_A_TIME, CONCURRENCY = "llama-3.2-1b", 8, 64, 3, 1024
GOAL, RUNS = 50, 3
STAR = Graph(
    (*[Node("assistant", MODEL)] * WIDTH, Node("fuser", MODEL)),
    tuple((v, WIDTH) for v in range(WIDTH)),
)
WARM_UP = Request(MODEL, (Message("user", "Hello"),), 0.0, 1.0, 1, 0)


class Taken(NamedTuple):
    """Seconds, and our own CPU seconds."""

    wall: float
    cpu: float


@contextmanager
def endpoint(latency: float) -> Iterator[str]:
    """URL of a mock that lives as long as the block."""
    here, there = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(latency, there))
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}/v1"
    finally:
        process.terminate()
        process.join()


def _serve(latency: float, pipe: Connection) -> None:
    async def chat(request: web.Request) -> web.Response:
        await request.read()
        await asyncio.sleep(latency)
        return web.json_response(_reply())

    async def run() -> None:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", chat)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        # All connections come at once: with the usual backlog of 128 some would be tried again
        # a second later.
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=4 * CONCURRENCY)
        await site.start()
        pipe.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(run())


def _reply() -> dict[str, object]:
    message = {"role": "assistant", "content": "The answer is 4."}
    usage = {"prompt_tokens": 40, "completion_tokens": 6, "total_tokens": 46}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = {"id": "1", "object": "chat.completion", "created": 1, "model": MODEL}
    return {**body, "choices": [choice], "usage": usage}


async def ours(url: str, parts: Parts, graph: Graph, examples: Sequence[Example]) -> Taken:
    engine = OpenAICompatible(url)
    cache = Path(mkdtemp()) / "responses.sqlite"
    llm = wrap(engine, cache_path=cache, concurrency=CONCURRENCY)
    executor = Executor(parts.task, parts.roles, parts.pool, llm, seed=0)
    environment = Environment(executor, _space(parts).budget)
    await engine.complete(WARM_UP)
    start, cpu = time.perf_counter(), time.process_time()
    seen = (await environment.evaluate(graph, examples)).evaluation
    taken = Taken(time.perf_counter() - start, time.process_time() - cpu)
    assert not seen.failures, "the endpoint answers every call"
    assert llm.sent == calls(graph) * len(examples), "no call is shared or tried again"
    await llm.aclose()
    return taken


async def one_by_one(url: str, parts: Parts, graph: Graph, examples: Sequence[Example]) -> Taken:
    engine = OpenAICompatible(url)
    executor = Executor(parts.task, parts.roles, parts.pool, wrap(engine, cache_path=None), seed=0)
    places = asyncio.Semaphore(AT_A_TIME)

    async def answer(example: Example) -> None:
        async with places:
            await _nodes_in_turn(executor, engine, graph, example)

    await engine.complete(WARM_UP)
    start, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*map(answer, examples))
    taken = Taken(time.perf_counter() - start, time.process_time() - cpu)
    await engine.aclose()
    return taken


async def _nodes_in_turn(executor: Executor, llm: LLM, graph: Graph, example: Example) -> None:
    """Level by level, and within a level a node starts when the one before it has answered."""
    keys, said = executor.keys(graph), [""] * len(graph.nodes)
    for v in sorted(range(len(graph.nodes)), key=lambda v: graph.levels[v]):
        node, read = graph.nodes[v], [said[p] for p in reading_order(graph, keys, v)]
        role = executor.roles[node.role]
        if node.model is None:
            said[v] = role.combine(read, executor.task.extract)
            continue
        request = executor.request(role, executor.pool[node.model], keys[v], example, read)
        said[v] = (await llm.complete(request)).text


def calls(graph: Graph) -> int:
    return sum(node.model is not None for node in graph.nodes)


def call_depth(graph: Graph) -> int:
    """Calls on the longest path; a vote is none."""
    deep: list[int] = []
    for node, parents in zip(graph.nodes, graph.parents, strict=True):
        deep.append((node.model is not None) + max((deep[p] for p in parents), default=0))
    return max(deep)


def ideal(graph: Graph) -> float:
    """Ratio of the two if calls took nothing but latency."""
    return math.ceil(QUESTIONS / AT_A_TIME) * calls(graph) / call_depth(graph)


def _space(parts: Parts) -> SearchSpace:
    profile = dict.fromkeys(parts.pool.names, parts.task.profile)
    return SearchSpace(WIDTH, parts.role_specs, parts.budget.bind(parts.pool, profile))


async def measured(url: str, latency: float, parts: Parts, graph: Graph) -> str:
    examples = parts.task.load("search")[:QUESTIONS]
    quick = min([await ours(url, parts, graph, examples) for _ in range(RUNS)])
    slow = await one_by_one(url, parts, graph, examples)
    depth, sent = call_depth(graph), calls(graph) * len(examples)
    return (
        f"{calls(graph)} calls, {depth} deep: {slow.wall:5.1f} s one by one, {quick.wall:.2f} s "
        f"ours, ratio {slow.wall / quick.wall:4.1f} (ideal {ideal(graph):3.0f}), overhead "
        f"{quick.wall - depth * latency:.2f} s, CPU {1e3 * quick.cpu / sent:.2f} ms per call"
    )


async def _all(latency: float, count: int) -> None:
    parts = assemble(config("llm=openai", "pool=llama", "budget.limit=18", "cache=null"))
    graphs = {f"8 answers and a fuser (at least {GOAL})": STAR}
    graphs.update((f"random {i}", g) for i, g in enumerate(drawn(_space(parts), count), 1))
    with endpoint(latency) as url:
        rows = {name: await measured(url, latency, parts, g) for name, g in graphs.items()}
    await parts.aclose()
    print(table(f"{QUESTIONS} questions, {latency:g} s a call", rows))  # noqa: T201


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks endpoint")
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--graphs", type=int, default=5)
    chosen = parser.parse_args()
    asyncio.run(_all(chosen.latency, chosen.graphs))
