"""How well graphs that were never tried are foreseen from a few that were.

python -m benchmarks forecast [--embedded] [--graphs 160]

Simulated worlds, or with --embedded the small real model on its default task (about 10 minutes on
2 cores, then cached). Half of the random graphs are learned from, first 5, then 10, ...; the others
are foreseen. Correlation with their true score (embedded: with their score on the same questions)

  forecast   of the nodes (tts_search/forecast)
  counts     of a ridge regression on what a graph is made of: the usual surrogate
  own score  of the graphs themselves on the 48 questions, which costs all their calls
"""

import argparse
import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.stack import CONF, config, table
from tts_search.compare.arena import arena_of
from tts_search.compare.plan import Job, Plan
from tts_search.core.data import Example
from tts_search.core.distribution import GraphDistribution
from tts_search.core.graph import Graph
from tts_search.core.identity import graph_key
from tts_search.core.space import SearchSpace
from tts_search.core.trial import Evaluation
from tts_search.environment.environment import Environment
from tts_search.environment.profile import measure_profile
from tts_search.forecast.forecast import Forecast
from tts_search.parts import assemble

WORLDS = ("math", "mmlu", "humaneval", *(f"random-{n}" for n in range(4)))
BUDGETS, QUESTIONS, LEARNED = (18.0, 80.0), 48, (5, 10, 20, 40, 80)
Tried = tuple[Graph, Evaluation]


def drawn(space: SearchSpace, count: int, seed: int = 0) -> list[Graph]:
    rng, found = np.random.default_rng(seed), dict[str, Graph]()
    uniform = GraphDistribution.uniform(space)
    while len(found) < count:
        graph = space.decode(uniform.sample(rng))
        found.setdefault(graph_key(graph), graph)
    return list(found.values())


def by_nodes(space: SearchSpace, tried: Sequence[Tried]) -> Callable[[Graph], float]:
    ahead = Forecast(space, QUESTIONS, np.random.default_rng(0))
    for graph, seen in tried:
        ahead.add(graph, seen)
    return ahead.score


def by_counts(_: SearchSpace, tried: Sequence[Tried]) -> Callable[[Graph], float]:
    """Ridge, the strength chosen by leaving one out."""
    names = sorted({name for graph, _ in tried for name in made_of(graph)})

    def row(graph: Graph) -> list[float]:
        return [made_of(graph)[name] for name in names]

    x, y = np.array([row(g) for g, _ in tried]), np.array([seen.mean for _, seen in tried])
    middle, scale = x.mean(axis=0), x.std(axis=0) + 1e-9
    z, gap = (x - middle) / scale, y - y.mean()

    def left_out(strength: float) -> float:
        hat = z @ np.linalg.solve(z.T @ z + strength * np.eye(len(names)), z.T)
        return float((((gap - hat @ gap) / (1 - np.diag(hat))) ** 2).sum())

    strength = min((0.3, 1.0, 3.0, 10.0, 30.0, 100.0), key=left_out)
    beta = np.linalg.solve(z.T @ z + strength * np.eye(len(names)), z.T @ gap)
    return lambda graph: float((np.array(row(graph)) - middle) / scale @ beta)


def made_of(graph: Graph) -> Counter[str]:
    """Nodes, edges, the sink, width, depth, answers read at most."""
    parts = Counter(map(str, graph.nodes))
    parts.update(f"{graph.nodes[s].role}->{graph.nodes[d].role}" for s, d in graph.edges)
    parts[f"sink {graph.nodes[-1]}"] = 1
    parts.update({"width": graph.width, "depth": graph.depth, "reads": graph.max_in_degree})
    return parts


def correlations(space: SearchSpace, tried: Sequence[Tried], true: Sequence[float]) -> np.ndarray:
    """(LEARNED, ways): of what is foreseen with what is true of the later half."""
    half = len(tried) // 2
    aim = true[half:]
    rows = []
    for count in LEARNED:
        ways = [way(space, tried[: min(count, half)]) for way in (by_nodes, by_counts)]
        foreseen = [[way(graph) for graph, _ in tried[half:]] for way in ways]
        own = [seen.mean for _, seen in tried[half:]]
        rows.append([np.corrcoef(values, aim)[0, 1] for values in (*foreseen, own)])
    return np.array(rows)


def simulated(count: int) -> None:
    plan = Plan(CONF, ("random",), WORLDS, BUDGETS, 1)
    found = []
    for job in plan.jobs():
        arena = arena_of(plan, job)
        where = arena.environment(job.block)
        ids = tuple(f"{job.block}/{i}" for i in range(QUESTIONS))
        tried = [(g, where.score(g, ids).evaluation) for g in drawn(arena.space, count)]
        true = [arena.place.truth.score(graph) for graph, _ in tried]
        found.append(correlations(arena.space, tried, true))
        print(table(_title(job), _rows(found[-1])))  # noqa: T201
    print(table("mean over worlds and budgets (simulated)", _rows(np.mean(found, axis=0))))  # noqa: T201


async def embedded(count: int) -> None:
    composed = config("llm=embedded", "optimizer=random")
    parts = assemble(composed)
    try:
        batch: Sequence[Example] = parts.task.load("search")[:QUESTIONS]
        profile, _ = await measure_profile(parts.executor, "assistant", batch[:8])
        space = SearchSpace(
            composed.space.slots, parts.role_specs, parts.budget.bind(parts.pool, profile)
        )
        where, tried = Environment(parts.executor, space.budget), []
        for graph in drawn(space, count):
            tried.append((graph, (await where.evaluate(graph, batch)).evaluation))
    finally:
        await parts.aclose()
    true = [seen.mean for _, seen in tried]
    print(table(f"{parts.llm.identity}, {count} graphs", _rows(correlations(space, tried, true))))  # noqa: T201


def _title(job: Job) -> str:
    return f"{job.world}, {job.budget:g} units (simulated)"


def _rows(found: np.ndarray) -> dict[str, object]:
    return {
        f"after {count} graphs": f"forecast {nodes:.2f}, counts {counts:.2f}, own score {own:.2f}"
        for count, (nodes, counts, own) in zip(LEARNED, found.tolist(), strict=True)
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks forecast")
    parser.add_argument("--embedded", action="store_true")
    parser.add_argument("--graphs", type=int, default=160)
    chosen = parser.parse_args()
    if chosen.embedded:
        asyncio.run(embedded(chosen.graphs))
    else:
        simulated(chosen.graphs)
