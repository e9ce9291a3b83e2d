r"""Identity of a call by its ancestry.

    key(v) = hash(role, model, sampling, sorted keys of predecessors, replicate index)

Two nodes with equal role, model and predecessor keys are *replicates*: independent samples of one
prompt, told apart by their index 0, 1, 2, ... Everything about reuse follows from the keys: equal
sub-graphs of different candidates make the same calls, and key(sink) names a graph up to
isomorphism.

The index must not depend on how nodes are numbered, so replicates are ordered (1) by what is
built on them, looking only downstream, then (2) by a canonical labelling of the whole graph,
found by colour refinement with individualisation (McKay & Piperno 2014, section 2). Order (1)
comes first because a new node changes it for the ancestors of that node alone.

What holds: relabelling never changes a key. Adding a node keeps the calls of every node that it
does not feed, unless it tells apart replicates that were alike: no rule can keep both, since
{f reads a0}, {g reads a0} and {f reads a0, g reads a1} would need a0 = a1.
"""

import hashlib
from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache

from tts_search.core.graph import Graph, Node

Label = Callable[[Node], Hashable]


def digest(*parts: object) -> str:
    """128-bit name of a tree of plain values."""
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def node_keys(graph: Graph, label: Label | None = None) -> tuple[str, ...]:
    """Key of the call of every node. `label` names a node's settings (default: role and model)."""
    labels = tuple(digest(label(n) if label else (n.role, n.model)) for n in graph.nodes)
    return _node_keys(graph, labels)


def graph_key(graph: Graph, label: Label | None = None) -> str:
    """Name of the graph: equal for isomorphic graphs, different for all others."""
    return node_keys(graph, label)[graph.sink]


@lru_cache(maxsize=4096)
def _node_keys(graph: Graph, labels: tuple[str, ...]) -> tuple[str, ...]:
    up = _unrolled(graph.parents, labels, range(len(labels)))
    down = _unrolled(graph.children, labels, range(len(labels) - 1, -1, -1))
    rank = dict.fromkeys(range(len(labels)), 0)
    if len(set(zip(up, down, strict=True))) < len(labels):
        rank = _canonical_rank(graph, list(zip(up, down, strict=True)))
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


def _unrolled(
    next_to: Sequence[Sequence[int]], labels: Sequence[str], order: Sequence[int]
) -> list[str]:
    """Hash of the tree seen from each node when following `next_to` only."""
    seen = [""] * len(labels)
    for v in order:
        seen[v] = digest(labels[v], sorted(seen[u] for u in next_to[v]))
    return seen


def _canonical_rank(graph: Graph, start: Sequence[Hashable]) -> dict[int, int]:
    """Place of each node in a canonical labelling that refines the colours `start`."""
    colours = _refine(graph, _ranks([repr(c) for c in start]))
    return _search(graph, colours)[1]


def _search(graph: Graph, colours: tuple[int, ...]) -> tuple[object, dict[int, int]]:
    """(certificate, rank) of the least labelling below `colours`; equal iff isomorphic."""
    cell = _first_tie(colours)
    if cell is None:
        order = sorted(range(len(colours)), key=lambda v: colours[v])
        rank = {v: i for i, v in enumerate(order)}
        return sorted((rank[s], rank[d]) for s, d in graph.edges), rank
    best = _search(graph, _individualise(graph, colours, cell[0]))
    for v in cell[1:]:
        split = _individualise(graph, colours, v)
        # One greedy descent that reaches a known certificate proves an automorphism: same subtree.
        if _descend(graph, split) == best[0]:
            continue
        best = min(best, _search(graph, split), key=lambda found: repr(found[0]))
    return best


def _descend(graph: Graph, colours: tuple[int, ...]) -> object:
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
