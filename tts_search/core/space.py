"""The raw search space and its one decode: every optimizer searches through this door.

A point has N slots, numbered so that answers flow upwards and the last slot in use is the sink.
Each slot holds a model (0 = off) and a role; each pair i < j holds an edge bit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tts_search.core.budget import BoundBudget
from tts_search.core.graph import Edge, Graph, Node, induced
from tts_search.core.roles import RoleSpec, opener
from tts_search.errors import BudgetError, ConfigError, GraphError

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Choices:
    """A raw point: model (N,) in 0..M, role (N,) in 0..R-1, edge (N, N), used where i < j."""

    model: Ints
    role: Ints
    edge: Ints


@dataclass(frozen=True, eq=False)
class SearchSpace:
    """`slots` nodes at most, of the pool's models and the given roles, within the budget."""

    slots: int
    roles: tuple[RoleSpec, ...]
    budget: BoundBudget

    def __post_init__(self) -> None:
        if self.slots < 1:
            raise ConfigError(f"space.slots must be at least 1, but got {self.slots}")
        opener(self.roles)
        if not self.budget.affordable():
            raise BudgetError(f"no model of the pool fits the budget of {self.budget.limit:g}")

    @property
    def models(self) -> tuple[str, ...]:
        return self.budget.pool.names

    @property
    def opener(self) -> RoleSpec:
        """The role a node takes when its own needs predecessors that it does not have."""
        return opener(self.roles)

    def decode(self, point: Choices) -> Graph:
        """The graph a point stands for: valid and within budget, whatever the point.

        Grows out from the sink: slots are admitted from the last to the first, each if it has an
        edge to an admitted slot and the graph with it still fits the budget. A node with too few
        predecessors for its role becomes an opener. Votes over a single answer are dissolved.
        """
        active = [int(v) for v in np.flatnonzero(point.model)]
        kept = self._sink(point, active)
        if not kept:  # no slot holds a model that can be paid: the cheapest alone
            return Graph((Node(self.opener.name, self.budget.affordable()[0]),))
        edges: list[Edge] = []
        for slot in reversed([v for v in active if v < kept[-1]]):
            out = [(slot, dst) for dst in kept if point.edge[slot, dst]]
            if out and self.budget.admits(self._build(point, [slot, *kept], [*out, *edges])):
                kept, edges = [slot, *kept], [*out, *edges]
        return self._seat(dissolve_single_votes(self._build(point, kept, edges), self.free_roles))

    def _sink(self, point: Choices, active: Sequence[int]) -> list[int]:
        for slot in reversed(active):
            if self.budget.admits(self._build(point, [slot], [])):
                return [slot]
        return []

    def _build(self, point: Choices, slots: Sequence[int], edges: Sequence[Edge]) -> Graph:
        place = {slot: i for i, slot in enumerate(slots)}
        degree = dict.fromkeys(slots, 0)
        for _, dst in edges:
            degree[dst] += 1
        nodes = tuple(self._node(int(point.role[s]), int(point.model[s]), degree[s]) for s in slots)
        return Graph(nodes, tuple((place[s], place[d]) for s, d in edges))

    def _node(self, role: int, model: int, in_degree: int) -> Node:
        spec = self.roles[role]
        if in_degree < spec.min_parents:
            spec = self.opener
        return Node(spec.name, self.models[model - 1] if spec.calls_model else None)

    def _seat(self, graph: Graph) -> Graph:
        """Roles that lost a predecessor they need, because a vote repeated it, become openers."""
        needs = {r.name: r.min_parents for r in self.roles if r.calls_model}
        nodes = tuple(
            Node(self.opener.name, node.model) if len(up) < needs.get(node.role, 0) else node
            for node, up in zip(graph.nodes, graph.parents, strict=True)
        )
        return graph if nodes == graph.nodes else Graph(nodes, graph.edges)

    @property
    def free_roles(self) -> frozenset[str]:
        """Names of the roles that call no model."""
        return frozenset(r.name for r in self.roles if not r.calls_model)

    def encode(self, graph: Graph) -> Choices:
        """A point that decodes to the graph, its nodes in the last slots. Raises GraphError.

        Exact for every graph that fits and has at most one vote. Decode counts a vote as a call
        until it has a predecessor, so with many votes over few answers, hard at the limit, it may
        leave a node out.
        """
        n = len(graph.nodes)
        if n > self.slots:
            raise GraphError(f"a graph of {n} nodes does not fit space.slots={self.slots}")
        first = self.slots - n
        model = np.zeros(self.slots, dtype=np.int64)
        role = np.zeros(self.slots, dtype=np.int64)
        edge = np.zeros((self.slots, self.slots), dtype=np.int64)
        names = [r.name for r in self.roles]
        cheapest = self.budget.affordable()[0]
        for i, node in enumerate(graph.nodes):
            if node.role not in names or (node.model or cheapest) not in self.models:
                raise GraphError(
                    f"a node must be one of the roles {names} and models {list(self.models)}, "
                    f"but got {node}"
                )
            model[first + i] = 1 + self.models.index(node.model or cheapest)
            role[first + i] = names.index(node.role)
        for src, dst in graph.edges:
            edge[first + src, first + dst] = 1
        return Choices(model, role, edge)


def dissolve_single_votes(graph: Graph, free: frozenset[str]) -> Graph:
    """The graph with every call-free node of one predecessor replaced by that predecessor.

    The vote over one answer is that answer; keeping the node would give one graph two names.
    """
    for v, node in enumerate(graph.nodes):
        if node.role in free and len(graph.parents[v]) == 1:
            (parent,) = graph.parents[v]
            edges = {(parent if s == v else s, d) for s, d in graph.edges if d != v}
            kept = [u for u in range(len(graph.nodes)) if u != v]
            return dissolve_single_votes(induced(graph.nodes, edges, kept), free)
    return graph
