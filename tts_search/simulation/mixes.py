"""Random graphs that hold exactly given models: what the published mix accuracies are means of."""

from collections.abc import Sequence

import numpy as np

from tts_search.core.budget import BoundBudget
from tts_search.core.graph import Edge, Graph, Node
from tts_search.core.roles import RoleSpec, opener

_TRIES = 1000


def random_mix(
    rng: np.random.Generator,
    models: Sequence[str],
    roles: Sequence[RoleSpec],
    budget: BoundBudget,
) -> Graph:
    """One node for each of `models`, in random order, within the budget.

    Every node is read by one random later node, so that all reach the sink; further edges are drawn
    with a probability that is itself drawn from [0, 1/2], and kept while the budget admits them. A
    source takes the first role that needs no predecessor, others any role that calls a model.
    Raises ValueError when no such graph fits the budget.
    """
    callers = [role.name for role in roles if role.calls_model]
    first = opener(roles).name
    n = len(models)
    for _ in range(_TRIES):
        order = [models[i] for i in rng.permutation(n)]
        drawn = [callers[i] for i in rng.integers(len(callers), size=n)]
        edges = [(v, int(rng.integers(v + 1, n))) for v in range(n - 1)]
        graph = _seated(order, drawn, first, edges)
        if budget.admits(graph):
            return _denser(rng, graph, order, drawn, first, budget)
    raise ValueError(f"no graph of the models {', '.join(models)} fits {budget.limit:g} units")


def _denser(
    rng: np.random.Generator,
    graph: Graph,
    models: Sequence[str],
    drawn: Sequence[str],
    first: str,
    budget: BoundBudget,
) -> Graph:
    n = len(models)
    pairs = [(i, j) for j in range(n) for i in range(j) if (i, j) not in graph.edges]
    chance = rng.random() / 2
    for index in rng.permutation(len(pairs)):
        if rng.random() < chance:
            more = _seated(models, drawn, first, [*graph.edges, pairs[index]])
            graph = more if budget.admits(more) else graph
    return graph


def _seated(
    models: Sequence[str], drawn: Sequence[str], first: str, edges: Sequence[Edge]
) -> Graph:
    """The drawn roles, but for nodes that read nothing."""
    reading = {dst for _, dst in edges}
    nodes = [
        Node(role if v in reading else first, model)
        for v, (role, model) in enumerate(zip(drawn, models, strict=True))
    ]
    return Graph(tuple(nodes), tuple(edges))
