"""A collaboration graph: nodes are (role, model), an edge u -> v lets v read u's answer."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tts_search.errors import GraphError

Edge = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Node:
    """`role` acts, `model` answers; a role that calls no model (a majority vote) has model None."""

    role: str
    model: str | None

    def __str__(self) -> str:
        return f"{self.role}:{self.model}" if self.model else self.role


@dataclass(frozen=True)
class Graph:
    """A DAG whose last node is the sink.

    Edges (src, dst) have src < dst, so a cycle cannot be written. Every node reaches the sink:
    a call whose answer nobody reads cannot be written either. Raises GraphError otherwise.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "edges", tuple(sorted(set(self.edges))))
        if not self.nodes:
            raise GraphError("a graph needs at least one node, but got none")
        for src, dst in self.edges:
            if not 0 <= src < dst < len(self.nodes):
                raise GraphError(
                    f"an edge (src, dst) must hold 0 <= src < dst < {len(self.nodes)}, "
                    f"but got {(src, dst)}; number the nodes in an order answers can flow"
                )
        idle = set(range(len(self.nodes))) - self.ancestors(self.sink) - {self.sink}
        if idle:
            raise GraphError(f"every node must reach the sink, but nodes {sorted(idle)} do not")

    @property
    def sink(self) -> int:
        return len(self.nodes) - 1

    @cached_property
    def parents(self) -> tuple[tuple[int, ...], ...]:
        """Predecessors of each node, ascending."""
        found: list[list[int]] = [[] for _ in self.nodes]
        for src, dst in self.edges:
            found[dst].append(src)
        return tuple(map(tuple, found))

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        found: list[list[int]] = [[] for _ in self.nodes]
        for src, dst in self.edges:
            found[src].append(dst)
        return tuple(map(tuple, found))

    def ancestors(self, node: int) -> set[int]:
        """All nodes whose answers reach `node`, itself not included."""
        seen: set[int] = set()
        stack = list(self.parents[node])
        while stack:
            current = stack.pop()
            if current not in seen:
                seen.add(current)
                stack.extend(self.parents[current])
        return seen

    @cached_property
    def levels(self) -> tuple[int, ...]:
        """Longest path, in edges, from any source to each node."""
        return longest_paths(self.parents)

    @property
    def depth(self) -> int:
        """Nodes on the longest path: 1 for a single node."""
        return 1 + max(self.levels)

    @property
    def width(self) -> int:
        """Most nodes on one level."""
        return max(Counter(self.levels).values())

    @property
    def max_in_degree(self) -> int:
        return max(map(len, self.parents))

    def relabel(self, order: Iterable[int]) -> "Graph":
        """The same graph with node order[i] placed at i; the order must let answers flow."""
        order = tuple(order)
        if sorted(order) != list(range(len(self.nodes))):
            raise GraphError(f"an order must name every node once, but got {order}")
        return induced(self.nodes, self.edges, order)

    def __str__(self) -> str:
        parts = []
        for i, node in enumerate(self.nodes):
            reads = ",".join(map(str, self.parents[i]))
            parts.append(f"{i}={node}" + (f"({reads})" if reads else ""))
        return " ".join(parts)


def graph_to_json(graph: Graph) -> dict[str, Any]:
    """{"nodes": [[role, model or null], ...], "edges": [[src, dst], ...]}."""
    return {
        "nodes": [[n.role, n.model] for n in graph.nodes],
        "edges": [list(e) for e in graph.edges],
    }


def graph_from_json(data: Mapping[str, Any]) -> Graph:
    """The graph that graph_to_json wrote. Raises GraphError when the data holds none."""
    try:
        nodes = tuple(Node(role, model) for role, model in data["nodes"])
        edges = tuple((int(src), int(dst)) for src, dst in data["edges"])
    except (KeyError, TypeError, ValueError) as error:
        raise GraphError(
            f"a graph is written as nodes [[role, model], ...] and edges [[src, dst], ...], but "
            f"reading it met {type(error).__name__}: {error}"
        ) from None
    return Graph(nodes, edges)


def longest_paths(parents: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """Edges on the longest path from any source to each node; predecessors come first."""
    level: list[int] = []
    for up in parents:
        level.append(1 + max((level[p] for p in up), default=-1))
    return tuple(level)


def induced(nodes: Sequence[Node], edges: Iterable[Edge], kept: Sequence[int]) -> Graph:
    """The graph of the kept nodes, in that order, and of the edges among them."""
    place = {old: new for new, old in enumerate(kept)}
    among = tuple((place[s], place[d]) for s, d in edges if s in place and d in place)
    return Graph(tuple(nodes[old] for old in kept), among)
