"""Evaluations a second in the simulated world: arrays at once against text through the executor.

python -m benchmarks simulation
"""

import asyncio
import time
from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.calibrate import ROLES, pool, shipped
from benchmarks.stack import config, table
from tts_search.budgets.dollars import Dollars
from tts_search.budgets.flops import Flops
from tts_search.budgets.latency import Latency
from tts_search.core.budget import BoundBudget, Budget, BudgetMetric
from tts_search.core.graph import Graph, Node
from tts_search.environment.environment import Environment
from tts_search.environment.simulated import SimulatedEnvironment
from tts_search.parts import assemble
from tts_search.simulation.mixes import random_mix

GRAPHS, QUESTIONS, NODES = 1000, 100, 5
WORLD = shipped("math")


def _bound(metric: BudgetMetric) -> BoundBudget:
    profile = {model.name: WORLD.tokens(model.served) for model in pool().models}
    return Budget(metric, 1e9).bind(pool(), profile)


def _graphs(seed: int) -> list[Graph]:
    """All different: of random models, roles and edges."""
    rng, bound, found = np.random.default_rng(seed), _bound(Flops()), set[Graph]()
    while len(found) < GRAPHS:
        found.add(random_mix(rng, list(rng.choice(pool().names, NODES)), ROLES, bound))
    return sorted(found, key=str)


def _rate(run: Callable[[Graph], object], graphs: Sequence[Graph]) -> float:
    """Evaluations a second of CPU."""
    start = time.process_time()
    for graph in graphs:
        run(graph)
    return len(graphs) / (time.process_time() - start)


async def _executor_rate(graphs: Sequence[Graph]) -> float:
    parts = assemble(config("cache=null", f"task.search={QUESTIONS}", "task.digits=2"))
    environment = Environment(parts.executor, parts.budget.bind(pool(), _bound(Flops()).profile))
    examples = parts.task.load("search")
    start = time.process_time()
    for graph in graphs:
        await environment.evaluate(graph, examples)
    taken = time.process_time() - start
    await parts.aclose()
    return len(graphs) / taken


def main() -> None:
    ids = tuple(f"question {i}" for i in range(QUESTIONS))
    graphs, rates = _graphs(0), {}
    for metric in (Flops(), Dollars(), Latency()):
        environment = SimulatedEnvironment(WORLD, _bound(metric))
        environment.score(Graph((Node("assistant", pool().names[0]),)), ids)
        rates[metric.name] = _rate(lambda g: environment.score(g, ids), graphs)  # noqa: B023
    environment = SimulatedEnvironment(WORLD, _bound(Flops()))
    environment.true_score(graphs[0])
    start = time.process_time()
    environment.true_score(graphs[1])
    exact = time.process_time() - start
    slow = asyncio.run(_executor_rate(graphs[:20]))
    rows = {
        **{f"arrays, budget={name}: evaluations/s": f"{r:.0f}" for name, r in rates.items()},
        "text through the executor: evaluations/s": f"{slow:.1f}",
        "ratio (flops)": f"{rates['flops'] / slow:.0f}",
        "true_score, 20,000 questions, 4 runs": f"{exact:.2f} s",
    }
    print(table(f"{NODES}-node graphs, {QUESTIONS} questions, one core", rows))  # noqa: T201


if __name__ == "__main__":
    main()
