"""CPU that the framework takes for a model call, and memory over 10,000 trials.

python -m benchmarks overhead
"""

import asyncio
import resource
import time
from pathlib import Path
from tempfile import mkdtemp

from benchmarks.stack import config, search, table
from tts_search.core.graph import Graph, Node
from tts_search.environment.environment import Environment
from tts_search.environment.profile import measure_profile
from tts_search.llm.base import innermost
from tts_search.parts import assemble

TRIALS = 10_000
GRAPH = Graph(
    (Node("assistant", "sim-1b"),) * 4 + (Node("fuser", "sim-3b"),),
    ((0, 4), (1, 4), (2, 4), (3, 4)),
)


async def _cpu() -> dict[str, object]:
    """A 5-node graph on 400 questions, every call new and written to the cache on disk."""
    cache = Path(mkdtemp()) / "responses.sqlite"
    parts = assemble(config(f"cache={cache}", "task.search=400", "task.digits=2"))
    profile, _ = await measure_profile(parts.executor, "assistant", ())
    environment = Environment(parts.executor, parts.budget.bind(parts.pool, profile))
    examples = parts.task.load("search")
    start = time.process_time()
    await environment.evaluate(GRAPH, examples)
    whole, calls = time.process_time() - start, parts.llm.sent
    engine = innermost(parts.llm)
    requests = [r.request for e in examples[:100] for r in await parts.executor.run(GRAPH, e)]
    start = time.process_time()
    for request in requests:
        if request:
            await engine.complete(request)
    bare = (time.process_time() - start) / len(requests)
    await parts.aclose()
    return {
        "calls": calls,
        "CPU of the simulated engine per call": f"{bare * 1e3:.3f} ms",
        "CPU of the framework per call (at most 1 ms)": f"{(whole / calls - bare) * 1e3:.3f} ms",
    }


async def _memory() -> dict[str, object]:
    """Peak memory of the process at a tenth of the trials and at the end."""
    seen: dict[int, float] = {}

    class Watch:
        def start(self, run_info: object) -> None: ...

        def log_trial(self, trial: object) -> None:
            number = trial.number + 1  # type: ignore[attr-defined]
            if number in (TRIALS // 10, TRIALS):
                seen[number] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

        def finish(self, summary: object, files: object = ()) -> None: ...

    composed = config(
        "optimizer=random",
        f"cache={Path(mkdtemp()) / 'responses.sqlite'}",
        f"search.max_trials={TRIALS}",
        "search.batch=4",
        "task.search=4",
        "task.test=4",
        "search.finalists=1",
        "search.max_tokens=null",
        "search.parallel=16",
    )
    await search(composed, tracker=Watch())
    early, late = seen[TRIALS // 10], seen[TRIALS]
    return {
        f"after {TRIALS // 10} trials": f"{early:.0f} MB",
        f"after {TRIALS} trials": f"{late:.0f} MB",
        "ratio": f"{late / early:.3f}",
        "growth per trial": f"{(late - early) * 1024 / (TRIALS * 0.9):.2f} KB",
    }


def main() -> None:
    print(table("framework CPU, simulated engine", asyncio.run(_cpu())))  # noqa: T201
    print(table("memory of a random search", asyncio.run(_memory())))  # noqa: T201
