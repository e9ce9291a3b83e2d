"""A simulated world to learn from: graphs, what their nodes score, and what is true of them."""

from collections.abc import Sequence

import numpy as np
from core.strategies import ROLES
from simulation.parts import budget, world

from tts_search.core.distribution import GraphDistribution
from tts_search.core.graph import Graph
from tts_search.core.space import SearchSpace
from tts_search.core.trial import Evaluation
from tts_search.environment.simulated import SimulatedEnvironment
from tts_search.forecast.forecast import Forecast

BATCH = 48
IDS = tuple(f"q{i}" for i in range(BATCH))


def place(task: str, limit: float = 18, seed: int = 0) -> tuple[SearchSpace, SimulatedEnvironment]:
    bound = budget(task, limit=limit)
    return SearchSpace(8, ROLES, bound), SimulatedEnvironment(world(task), bound, seed)


def graphs(space: SearchSpace, count: int, seed: int = 0) -> list[Graph]:
    rng, found = np.random.default_rng(seed), dict[Graph, None]()
    uniform = GraphDistribution.uniform(space)
    while len(found) < count:
        found[space.decode(uniform.sample(rng))] = None
    return list(found)


def seen(where: SimulatedEnvironment, graph: Graph, ids: Sequence[str] = IDS) -> Evaluation:
    return where.score(graph, tuple(ids)).evaluation


def forecast(space: SearchSpace, seed: int = 0) -> Forecast:
    return Forecast(space, BATCH, np.random.default_rng(seed))
