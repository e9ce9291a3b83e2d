"""A graph with its replicates folded: five equal assistants are one group of five."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from tts_search.core.graph import Graph, Node, longest_paths
from tts_search.tracking.words import ranges


@dataclass(frozen=True)
class Group:
    """Nodes of equal role and model that read the same nodes and are read by the same nodes."""

    node: Node
    members: tuple[int, ...]

    @property
    def title(self) -> str:
        """assistant, or 5 × assistant."""
        size = len(self.members)
        return self.node.role if size == 1 else f"{size} × {self.node.role}"

    @property
    def numbers(self) -> str:
        """Numbers of the members in the graph, as in the archive: 0-4."""
        return ranges(list(self.members))


@dataclass(frozen=True)
class Folded:
    """Groups in an order answers can flow; the last is the sink, which is always alone."""

    groups: tuple[Group, ...]
    parents: tuple[tuple[int, ...], ...]

    @property
    def sink(self) -> int:
        return len(self.groups) - 1

    @cached_property
    def levels(self) -> tuple[int, ...]:
        """Longest path, in edges, from any source to each group."""
        return longest_paths(self.parents)

    @cached_property
    def last_reader(self) -> tuple[int, ...]:
        last = list(range(len(self.groups)))
        for v, up in enumerate(self.parents):
            for p in up:
                last[p] = v
        return tuple(last)

    def reads(self, group: int) -> str:
        """Numbers of the nodes that a group reads: 0-4,6."""
        return ranges([m for p in self.parents[group] for m in self.groups[p].members])


def fold(graph: Graph) -> Folded:
    """Members of a group share predecessors and successors, so groups again form a DAG."""
    alike: dict[object, list[int]] = {}
    for v, node in enumerate(graph.nodes):
        alike.setdefault((node, graph.parents[v], graph.children[v]), []).append(v)
    groups = tuple(Group(graph.nodes[m[0]], tuple(m)) for m in alike.values())
    home = {v: i for i, group in enumerate(groups) for v in group.members}
    parents = tuple(tuple(sorted({home[p] for p in graph.parents[g.members[0]]})) for g in groups)
    return Folded(groups, parents)


def one_line(graph: Graph, limit: int = 72) -> str:
    """5 × assistant:few-shot → vote; + between nodes of one level; no models if it gets long."""
    full = _joined(graph, str)
    text = full if len(full) <= limit else _joined(graph, lambda node: node.role)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _joined(graph: Graph, name: Callable[[Node], str]) -> str:
    levels: list[Counter[str]] = [Counter() for _ in range(graph.depth)]
    for node, level in zip(graph.nodes, graph.levels, strict=True):
        levels[level][name(node)] += 1
    return " → ".join(
        " + ".join(f"{n} × {what}" if n > 1 else what for what, n in level.items())
        for level in levels
    )
