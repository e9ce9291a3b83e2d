"""Random graphs, pools, spaces and points, each from a seed, so a failure can be replayed."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from hypothesis import strategies as st

from tts_search.budgets.dollars import Dollars
from tts_search.budgets.flops import Flops
from tts_search.budgets.latency import Latency
from tts_search.budgets.tokens import TokenCount
from tts_search.core.budget import BoundBudget, Budget
from tts_search.core.data import Tokens
from tts_search.core.graph import Edge, Graph, Node
from tts_search.core.models import ModelPool, ModelSpec, Profile
from tts_search.core.roles import RoleSpec
from tts_search.core.space import Choices, SearchSpace

ROLES = (RoleSpec("assistant"), RoleSpec("fuser", 1), RoleSpec("vote", 1, calls_model=False))
METRICS = (Flops(), Dollars(), Latency(), TokenCount())

PAPER_POOL = ModelPool(
    (
        ModelSpec("1B", "llama-1b", 1e9, 16, 2048),
        ModelSpec("3B", "llama-3b", 3e9, 28, 3072),
        ModelSpec("8B", "llama-8b", 8e9, 32, 4096),
        ModelSpec("70B", "llama-70b", 70e9, 80, 8192),
    )
)
MATH = {name: Tokens(202, 275) for name in PAPER_POOL.names}

seeds = st.integers(0, 2**32 - 1)


def graph_of(nodes: Sequence[str], edges: Sequence[Edge]) -> Graph:
    """Nodes written "role:model", or "role" for a role that calls no model."""
    parts = [n.partition(":") for n in nodes]
    return Graph(tuple(Node(role, model or None) for role, _, model in parts), tuple(edges))


def star(leaves: int, leaf: str = "a:m", sink: str = "f:m") -> Graph:
    return graph_of([leaf] * leaves + [sink], [(i, leaves) for i in range(leaves)])


def random_graph(
    rng: np.random.Generator,
    size: int,
    models: Sequence[str] = ("m",),
    roles: Sequence[str] = ("a",),
    density: float = 0.5,
) -> Graph:
    """Any DAG of `size` nodes in which all reach the sink; few labels make many replicates."""
    edges = [(i, j) for j in range(size) for i in range(j) if rng.random() < density]
    heard = {src for src, _ in edges}
    edges += [(i, int(rng.integers(i + 1, size))) for i in range(size - 1) if i not in heard]
    names = list(product(roles, models))
    return Graph(tuple(Node(*names[k]) for k in rng.integers(len(names), size=size)), tuple(edges))


def random_order(rng: np.random.Generator, graph: Graph) -> list[int]:
    """A random order of the nodes in which answers flow; the sink stays last."""
    waiting = {v: len(up) for v, up in enumerate(graph.parents)}
    order: list[int] = []
    while waiting:
        ready = [v for v, missing in waiting.items() if missing == 0]
        v = ready[int(rng.integers(len(ready)))]
        del waiting[v]
        order.append(v)
        for child in graph.children[v]:
            waiting[child] -= 1
    return order


def random_pool(rng: np.random.Generator, size: int) -> ModelPool:
    def model(i: int) -> ModelSpec:
        return ModelSpec(
            name=f"m{i}",
            served=f"served-{i}",
            params=float(10 ** rng.uniform(8, 11)),
            layers=int(rng.integers(8, 96)),
            hidden=int(rng.integers(512, 12288)),
            price_in=float(10 ** rng.uniform(-2, 1)),
            price_out=float(10 ** rng.uniform(-2, 1.5)),
            prefill_tps=float(10 ** rng.uniform(2, 5)),
            decode_tps=float(10 ** rng.uniform(0.5, 3)),
        )

    return ModelPool(tuple(model(i) for i in range(size)))


def random_profile(rng: np.random.Generator, pool: ModelPool) -> Profile:
    return {
        name: Tokens(float(rng.uniform(10, 2000)), float(rng.uniform(1, 1500))) for name in pool
    }


def random_space(rng: np.random.Generator, slots: int | None = None) -> SearchSpace:
    """A space with any metric, scale, pool, profile and a limit from one call to very many."""
    pool = random_pool(rng, int(rng.integers(1, 5)))
    profile = random_profile(rng, pool)
    metric = METRICS[rng.integers(len(METRICS))]
    limit = float(10 ** rng.uniform(0, 3))
    if rng.random() < 0.5:
        budget = Budget(metric, limit)
    else:
        cheapest = min(metric.call_cost(m, profile[m.name]) for m in pool.models)
        budget = Budget(metric, limit * cheapest, "absolute")
    return SearchSpace(slots or int(rng.integers(1, 11)), ROLES, budget.bind(pool, profile))


def random_point(rng: np.random.Generator, space: SearchSpace) -> Choices:
    """Slots from mostly off to all on, edges from almost none to almost all."""
    n = space.slots
    return Choices(
        np.where(rng.random(n) < rng.random(), 0, rng.integers(1, len(space.models) + 1, n)),
        rng.integers(0, len(space.roles), n),
        (rng.random((n, n)) < rng.random()).astype(np.int64),
    )


def paper_budget(limit: float = 18) -> BoundBudget:
    return Budget(Flops(), limit).bind(PAPER_POOL, MATH)
