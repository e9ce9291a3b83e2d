"""Graphs as vectors, for statistical models of their scores."""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tts_search.core.budget import BoundBudget
from tts_search.core.graph import Graph

Floats = NDArray[np.float64]
ROUNDS = 2  # how many steps upstream a pattern reaches


@lru_cache(maxsize=4096)
def patterns(graph: Graph) -> Counter[str]:
    """How often each pattern occurs: a node, and with it what it reads, and what these read.

    Weisfeiler-Lehman subtree features (Shervashidze et al. 2011), upstream only, for answers flow
    that way. The sink counts twice: its answer is the graph's.
    """
    names = [f"{node.role}:{node.model}" for node in graph.nodes]
    found = Counter([*names, f"sink {names[graph.sink]}"])
    for _ in range(ROUNDS):
        read = [sorted(names[p] for p in parents) for parents in graph.parents]
        names = [f"{name}<{','.join(above)}>" for name, above in zip(names, read, strict=True)]
        found.update([*names, f"sink {names[graph.sink]}"])
    return found


def shape(graph: Graph, budget: BoundBudget) -> Floats:
    """(7,): width, depth, log calls, largest in-degree, edges a node, readers' share of the calls,
    log of the estimated cost."""
    calls = [v for v, node in enumerate(graph.nodes) if node.model]
    degrees = [len(parents) for parents in graph.parents]
    return np.array(
        [
            graph.width,
            graph.depth,
            np.log(len(calls)),
            max(degrees),
            len(graph.edges) / len(graph.nodes),
            sum(degrees[v] > 0 for v in calls) / len(calls),
            np.log(budget.estimate(graph)),
        ]
    )


def pattern_matrix(graphs: Sequence[Graph], known: dict[str, int]) -> Floats:
    """(n, len(known)): square roots of the counts of known patterns, in rows of length at most 1.

    The inner product of two rows is their likeness: 1 for the same counts, 0 for no shared pattern.
    """
    rows = np.zeros((len(graphs), len(known)))
    for row, graph in zip(rows, graphs, strict=True):
        counts = patterns(graph)
        for pattern, count in counts.items():
            if pattern in known:
                row[known[pattern]] = np.sqrt(count / counts.total())
    return rows
