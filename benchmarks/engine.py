"""Graphs on many questions against the bare engine on the same requests.

python -m benchmarks engine      (embedded engine; about 3 minutes; wants an idle machine)

A 5-node graph on 96 questions: three answer, one fuses, one refines. What the framework adds is
that later nodes must wait for earlier ones, prompts, the cache on disk, and the event loop. The
bare engine is given all requests at once. Each pair starts from fresh engines; pairs alternate.
"""

import asyncio
import statistics
import time
from pathlib import Path
from tempfile import mkdtemp

from benchmarks.engine_raw import raw_tokens_per_second
from benchmarks.stack import Recording, config, table
from tts_search.core.graph import Graph, Node
from tts_search.environment.environment import Environment
from tts_search.environment.profile import measure_profile
from tts_search.llm.base import Request
from tts_search.llm.embedded import EmbeddedLLM
from tts_search.llm.wrappers import wrap
from tts_search.parts import Parts, assemble

MODEL = "smollm2-zero-shot-t0.7"
NODES = (*[Node("assistant", MODEL)] * 3, Node("fuser", MODEL), Node("assistant", MODEL))
GRAPH = Graph(NODES, ((0, 3), (1, 3), (2, 3), (3, 4)))
QUESTIONS, PAIRS = 96, 3


async def _graph() -> tuple[list[Request], float]:
    """Requests of one evaluation, and its tokens per second without loading the engine."""
    engine = Recording(EmbeddedLLM())
    cache = Path(mkdtemp()) / "responses.sqlite"
    parts = assemble(config("llm=embedded", "pool=embedded", "task.max_tokens=64"))
    await parts.llm.aclose()
    llm = wrap(engine, cache_path=cache, concurrency=128, attempts=1)
    parts = Parts(**{**vars(parts), "llm": llm})
    profile, _ = await measure_profile(parts.executor, "assistant", ())
    environment = Environment(parts.executor, parts.budget.bind(parts.pool, profile))
    await engine.inner.complete(_warm_up())
    start = time.perf_counter()
    await environment.evaluate(GRAPH, parts.task.load("search")[:QUESTIONS])
    seconds = time.perf_counter() - start
    await parts.aclose()
    return engine.requests, engine.tokens / seconds


def _warm_up() -> Request:
    """Loads the weights."""
    from tts_search.llm.base import Message

    return Request("smollm2-135m-instruct", (Message("user", "Hello"),), 0.0, 1.0, 1, 0)


def main() -> None:
    ratios: list[float] = []
    rows: dict[str, object] = {}
    for pair in range(PAIRS):
        requests, ours = asyncio.run(_graph())
        tokens, seconds = raw_tokens_per_second(requests)
        ratios.append(ours / (tokens / seconds))
        rows[f"pair {pair + 1}"] = (
            f"graph {ours:.0f}, raw {tokens / seconds:.0f} tokens/s, "
            f"{len(requests)} calls: {ratios[-1]:.2f}"
        )
    rows["median ratio (at least 0.90)"] = f"{statistics.median(ratios):.2f}"
    print(table("5-node graph against the raw engine, same requests", rows))  # noqa: T201
