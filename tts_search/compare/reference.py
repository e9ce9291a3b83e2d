"""The best that is known of a world and budget, by a search that may ask what no method may.

It measures on a thousand questions, for nothing, and confirms by what is true: an evolution from
the plain topologies and random graphs, for every weighing of score and price that the objective
calls for. "Best known" is the better of it and of all methods' runs.
"""

from collections.abc import Callable, Iterable

import numpy as np

from tts_search.compare.arena import Arena
from tts_search.core.distribution import GraphDistribution
from tts_search.core.front import Chebyshev, Point
from tts_search.core.graph import Graph
from tts_search.core.roles import vote
from tts_search.core.space import Choices, SearchSpace
from tts_search.core.topologies import single, widest_self_consistency

QUESTIONS = tuple(f"reference/{i}" for i in range(1000))
START, PARENTS, GENERATIONS, CHILDREN, CONFIRMED = 300, 16, 12, 64, 16
WEIGHTS = (0.1, 0.3, 0.5, 0.7, 0.9)  # of the score, where there is a front

Figure = Callable[[Point], float]


def reference(arena: Arena) -> tuple[float, list[Graph]]:
    """True worth, and the graph, or the graphs of a front."""
    evolution = _Evolution(arena)
    graphs = [g for figure in evolution.figures() for g in evolution.best(figure, CONFIRMED)]
    if arena.objective.front:
        return arena.worth(graphs), graphs
    best = max(graphs, key=lambda graph: arena.worth([graph]))
    return arena.worth([best]), [best]


class _Evolution:
    """found: (score, price) of every graph met, by key."""

    def __init__(self, arena: Arena) -> None:
        self._space, self._rng = arena.space, np.random.default_rng(0)
        self._objective, self._environment = arena.objective, arena.environment(0)
        self.found: dict[str, tuple[Point, Graph]] = {}
        uniform = GraphDistribution.uniform(self._space)
        self._measure(_plain(self._space))
        self._measure(self._space.decode(uniform.sample(self._rng)) for _ in range(START))
        for figure in self.figures():
            for _ in range(GENERATIONS):
                parents = [self._space.encode(graph) for graph in self.best(figure, PARENTS)]
                chosen = self._rng.integers(len(parents), size=CHILDREN)
                points = [_mutant(self._rng, self._space, parents[i]) for i in chosen]
                self._measure(map(self._space.decode, points))

    def figures(self) -> list[Figure]:
        """What is maximised; for a front, several ways to weigh its two objectives."""
        weight = self._objective.weight
        if not self._objective.front:
            return [lambda point: point[0] - weight * point[1]]
        points = [point for point, _ in self.found.values()]
        return [Chebyshev.over(points, weight) for weight in WEIGHTS]

    def best(self, figure: Figure, count: int) -> list[Graph]:
        order = sorted(self.found, key=lambda key: (-figure(self.found[key][0]), key))
        return [self.found[key][1] for key in order[:count]]

    def _measure(self, graphs: Iterable[Graph]) -> None:
        for graph in graphs:
            key = self._environment.key(graph)
            if key not in self.found:
                seen = self._environment.score(graph, QUESTIONS).evaluation
                self.found[key] = (seen.mean, seen.price), graph


def _plain(space: SearchSpace) -> list[Graph]:
    """Every model alone and, where there is a vote, in the widest self-consistency."""
    free, opener = vote(space.roles), space.opener.name
    models = space.budget.affordable()
    graphs = [single(opener, model) for model in models]
    if free and space.slots > 2:
        most = space.slots - 1
        graphs += [
            widest_self_consistency(opener, free.name, m, space.budget, most) for m in models
        ]
    return graphs


def _mutant(rng: np.random.Generator, space: SearchSpace, point: Choices) -> Choices:
    """One or two slots drawn anew, and of their edges each with chance 1/4."""
    model, role, edge = point.model.copy(), point.role.copy(), point.edge.copy()
    for slot in rng.integers(space.slots, size=rng.integers(1, 3)):
        model[slot] = rng.integers(len(space.models) + 1)
        role[slot] = rng.integers(len(space.roles))
        for line in (edge[slot], edge[:, slot]):
            anew = rng.random(space.slots) < 0.25
            line[anew] = rng.integers(2, size=int(anew.sum()))
    return Choices(model, role, edge)
