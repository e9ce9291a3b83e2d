"""Small edits of a graph along width and depth, the directions of Insights 2 and 3."""

from collections import Counter
from collections.abc import Sequence

from tts_search.core.graph import Edge, Graph, Node, induced
from tts_search.core.roles import vote
from tts_search.core.space import SearchSpace
from tts_search.core.topologies import self_consistency
from tts_search.errors import GraphError


def family(graph: Graph) -> str:
    """The model most nodes use; the first in the graph on ties."""
    return Counter(n.model for n in graph.nodes if n.model).most_common(1)[0][0]


def wider(graph: Graph, space: SearchSpace) -> Graph:
    """One more sample of the most replicated source; three and a vote from a single node."""
    if len(graph.nodes) == 1:
        free = vote(space.roles)
        reader = next((r.name for r in space.roles if r.min_parents), space.opener.name)
        model = family(graph)
        if free:
            return self_consistency(space.opener.name, free.name, model, 3)
        return Graph((*graph.nodes, *graph.nodes, Node(reader, model)), ((0, 2), (1, 2)))
    source = _common_source(graph)
    readers = graph.children[source]
    edges = [(s + 1, d + 1) for s, d in graph.edges] + [(0, d + 1) for d in readers]
    return Graph((graph.nodes[source], *graph.nodes), tuple(edges))


def narrower(graph: Graph) -> Graph:
    """One sample less of the most replicated source."""
    if len(graph.nodes) == 1:
        return graph
    return _without(graph, _common_source(graph), bridge=False)


def deeper(graph: Graph, space: SearchSpace) -> Graph:
    """The sink's answer is refined once more: graphs grow out from the sink."""
    last = Node(space.opener.name, family(graph))
    return Graph((*graph.nodes, last), (*graph.edges, (graph.sink, len(graph.nodes))))


def shallower(graph: Graph) -> Graph:
    """One middle node, or else a refining sink, taken out; its readers read its predecessors."""
    middle = [v for v in range(graph.sink) if graph.parents[v]]
    if middle:
        return _without(graph, middle[-1], bridge=True)
    if len(graph.parents[graph.sink]) == 1:
        return _without(graph, graph.sink, bridge=False)
    return graph


def aligned(graph: Graph) -> Graph:
    """Nodes ordered by distance from the sink, then name, so that like nodes share slots."""
    height = [0] * len(graph.nodes)
    for v in reversed(range(len(graph.nodes))):
        height[v] = 1 + max((height[c] for c in graph.children[v]), default=-1)
    order = sorted(range(len(graph.nodes)), key=lambda v: (-height[v], str(graph.nodes[v]), v))
    return graph.relabel(order)


def legal(graph: Graph, space: SearchSpace) -> Graph | None:
    """The graph as the space admits it; None if it has too many nodes."""
    try:
        return aligned(space.decode(space.encode(aligned(graph))))
    except GraphError:
        return None


def _common_source(graph: Graph) -> int:
    sources = [v for v in range(len(graph.nodes)) if not graph.parents[v]]
    counts = Counter((graph.nodes[v], graph.children[v]) for v in sources)
    return max(sources, key=lambda v: counts[graph.nodes[v], graph.children[v]])


def _without(graph: Graph, node: int, bridge: bool) -> Graph:
    """`bridge` connects the predecessors to the readers. Nodes nobody reads go as well."""
    edges = {e for e in graph.edges if node not in e}
    if bridge:
        edges |= {(p, c) for p in graph.parents[node] for c in graph.children[node]}
    return _reaching_sink([v for v in range(len(graph.nodes)) if v != node], edges, graph)


def _reaching_sink(kept: Sequence[int], edges: set[Edge], graph: Graph) -> Graph:
    sink = kept[-1]
    reach = {sink}
    for v in reversed(kept):
        if any(s == v and d in reach for s, d in edges):
            reach.add(v)
    return induced(graph.nodes, edges, [v for v in kept if v in reach])
