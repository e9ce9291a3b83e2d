r"""Identity of a call by its ancestry.

    key(v) = hash(role, model, sampling, sorted keys of predecessors, replicate index)

Two nodes with equal role, model and predecessor keys are *replicates*: independent samples of one
prompt, told apart by their index 0, 1, 2, ... Everything about reuse follows from the keys: equal
sub-graphs of different candidates make the same calls, and key(sink) names a graph up to
isomorphism.

The index must not depend on how nodes are numbered, so replicates are ordered (1) by what is
built on them, looking only downstream, then (2) by a canonical labelling of the whole graph,
found by colour refinement with individualisation (McKay & Piperno 2014, section 2). Order (1)
comes first because a new node changes it for the ancestors of that node alone. It compares shapes,
not hashes of shapes, so that a new sink on top leaves it as it was; and it puts the tallest first,
because the new node then mostly leaves the first one first (tests/core/test_identity.py measures).

What holds: relabelling never changes a key. A new sink that reads the old one changes no key. Any
other new node keeps the calls of every node that it does not feed, except where it changes which
replicates there are, or which of them comes first, in the ancestry of that call. No rule can do
without an exception: {f reads a0}, {g reads a0} and {f reads a0, g reads a1} would need a0 = a1.
"""

import hashlib
from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache

from tts_search.core.graph import Edge, Graph, Node
from tts_search.core.models import ModelPool

Label = Callable[[Node], Hashable]


def digest(*parts: object) -> str:
    """128-bit name of a tree of plain values."""
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def node_keys(graph: Graph, label: Label | None = None) -> tuple[str, ...]:
    """Key of the call of every node. `label` names a node's settings (default: role and model)."""
    labels = tuple(digest(label(n) if label else (n.role, n.model)) for n in graph.nodes)
    return _node_keys(graph, labels)


def call_keys(graph: Graph, pool: ModelPool) -> tuple[str, ...]:
    """Key of the call of every node, where a model is as the pool has it served and sampled."""

    def settings(node: Node) -> Hashable:
        return (node.role, pool[node.model].sampling if node.model else None)

    return node_keys(graph, settings)


def reading_order(graph: Graph, keys: Sequence[str], node: int) -> tuple[int, ...]:
    """Predecessors of a node in the order in which it reads them: by key, so that the prompt does
    not depend on how nodes are numbered."""
    return tuple(sorted(graph.parents[node], key=lambda parent: keys[parent]))


def graph_key(graph: Graph, label: Label | None = None) -> str:
    """Name of the graph: equal for isomorphic graphs, different for all others."""
    return node_keys(graph, label)[graph.sink]


@lru_cache(maxsize=512)
def _node_keys(graph: Graph, labels: tuple[str, ...]) -> tuple[str, ...]:
    up = _upstream(graph, labels)
    down = _downstream(graph, labels)
    start = list(zip(down, up, strict=True))
    rank = dict.fromkeys(range(len(labels)), 0)
    if len(set(start)) < len(labels):
        rank = _search(graph, _refine(graph, _ranks(start)))[1]
    keys = [""] * len(labels)
    for twins in _in_waves(graph):
        for base, members in _replicates(graph, labels, keys, twins).items():
            members.sort(key=lambda v: (down[v], rank[v]))
            for index, v in enumerate(members):
                keys[v] = digest(base, index)
    return tuple(keys)


def _in_waves(graph: Graph) -> list[list[int]]:
    """Nodes by level: replicates share a level, and predecessors come before."""
    waves: list[list[int]] = [[] for _ in range(graph.depth)]
    for v, level in enumerate(graph.levels):
        waves[level].append(v)
    return waves


def _replicates(
    graph: Graph, labels: Sequence[str], keys: Sequence[str], nodes: Sequence[int]
) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for v in nodes:
        base = digest(labels[v], sorted(keys[p] for p in graph.parents[v]))
        groups.setdefault(base, []).append(v)
    return groups


def _upstream(graph: Graph, labels: Sequence[str]) -> list[str]:
    """Hash of the tree of answers that each node stands on."""
    seen: list[str] = []
    for label, up in zip(labels, graph.parents, strict=True):
        seen.append(digest(label, sorted(seen[p] for p in up)))
    return seen


def _downstream(graph: Graph, labels: Sequence[str]) -> list[tuple[int, int]]:
    """Place of each node in the order of the trees built on them: tallest first, label, readers.

    Two trees compare alike in every graph that holds both, and under any common new sink.
    """
    height = [0] * len(labels)
    for src, dst in reversed(graph.edges):
        height[src] = max(height[src], height[dst] + 1)
    place = [(0, 0)] * len(labels)
    for level in range(max(height) + 1):
        nodes = [v for v, h in enumerate(height) if h == level]
        shapes = [(labels[v], tuple(sorted(place[c] for c in graph.children[v]))) for v in nodes]
        for v, i in zip(nodes, _ranks(shapes), strict=True):
            place[v] = (-level, i)
    return place


def _search(graph: Graph, colours: tuple[int, ...]) -> tuple[list[Edge], dict[int, int]]:
    """(certificate, rank) of the least labelling below `colours`; equal iff isomorphic."""
    cell = _first_tie(colours)
    if cell is None:
        order = sorted(range(len(colours)), key=lambda v: colours[v])
        rank = {v: i for i, v in enumerate(order)}
        return sorted((rank[s], rank[d]) for s, d in graph.edges), rank
    best = _search(graph, _individualise(graph, colours, cell[0]))
    tried = [cell[0]]
    for v in cell[1:]:
        if any(_twins(graph, u, v) for u in tried):
            continue
        tried.append(v)
        split = _individualise(graph, colours, v)
        # One greedy descent that reaches a known certificate proves an automorphism: same subtree.
        if _descend(graph, split) == best[0]:
            continue
        best = min(best, _search(graph, split), key=lambda found: found[0])
    return best


def _twins(graph: Graph, u: int, v: int) -> bool:
    """Of one colour and with the same neighbours: swapping them changes nothing."""
    return graph.parents[u] == graph.parents[v] and graph.children[u] == graph.children[v]


def _descend(graph: Graph, colours: tuple[int, ...]) -> list[Edge]:
    while (cell := _first_tie(colours)) is not None:
        colours = _individualise(graph, colours, cell[0])
    return _search(graph, colours)[0]


def _first_tie(colours: tuple[int, ...]) -> list[int] | None:
    cells: dict[int, list[int]] = {}
    for v, colour in enumerate(colours):
        cells.setdefault(colour, []).append(v)
    return next((cells[c] for c in sorted(cells) if len(cells[c]) > 1), None)


def _individualise(graph: Graph, colours: tuple[int, ...], node: int) -> tuple[int, ...]:
    split = [(c, v != node) for v, c in enumerate(colours)]
    return _refine(graph, _ranks(split))


def _refine(graph: Graph, colours: tuple[int, ...]) -> tuple[int, ...]:
    """Split colours by the colours around each node until nothing changes."""
    while True:
        seen = [
            (
                c,
                tuple(sorted(colours[p] for p in graph.parents[v])),
                tuple(sorted(colours[s] for s in graph.children[v])),
            )
            for v, c in enumerate(colours)
        ]
        finer = _ranks(seen)
        if len(set(finer)) == len(set(colours)):
            return finer
        colours = finer


def _ranks(values: Sequence[object]) -> tuple[int, ...]:
    place = {value: i for i, value in enumerate(sorted(set(values)))}  # type: ignore[type-var]
    return tuple(place[value] for value in values)
