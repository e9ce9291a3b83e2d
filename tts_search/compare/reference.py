"""The best graph known of a world and budget, by a search that may ask what no method may.

It scores on a thousand questions, for nothing, and confirms on the true score: an evolution from
the plain topologies and random graphs. "Best known" is the better of it and of all methods' runs.
"""

from collections.abc import Iterable

import numpy as np

from tts_search.compare.arena import Arena
from tts_search.core.distribution import GraphDistribution
from tts_search.core.graph import Graph
from tts_search.core.roles import vote
from tts_search.core.space import Choices, SearchSpace
from tts_search.core.topologies import single, widest_self_consistency

QUESTIONS = tuple(f"reference/{i}" for i in range(1000))
START, PARENTS, GENERATIONS, CHILDREN, CONFIRMED = 300, 16, 12, 64, 16


def reference(arena: Arena) -> tuple[float, Graph]:
    """True score in [0, 1], and the graph."""
    space, rng = arena.space, np.random.default_rng(0)
    environment = arena.environment(0)
    found: dict[str, tuple[float, Graph]] = {}

    def score(graphs: Iterable[Graph]) -> None:
        for graph in graphs:
            key = environment.key(graph)
            if key not in found:
                right = environment.play(graph, QUESTIONS).said[-1] == 0
                found[key] = (float(right.mean()), graph)

    def best(count: int) -> list[Graph]:
        return [found[k][1] for k in sorted(found, key=lambda k: (-found[k][0], k))[:count]]

    uniform = GraphDistribution.uniform(space)
    score([*_plain(space), *(space.decode(uniform.sample(rng)) for _ in range(START))])
    for _ in range(GENERATIONS):
        parents = [space.encode(graph) for graph in best(PARENTS)]
        chosen = rng.integers(len(parents), size=CHILDREN)
        score([space.decode(_mutant(rng, space, parents[i])) for i in chosen])
    return max(((arena.place.true_score(g), g) for g in best(CONFIRMED)), key=lambda pair: pair[0])


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
