"""Fixed graphs that every search is compared with."""

from tts_search.core.budget import BoundBudget
from tts_search.core.graph import Graph, Node


def single(role: str, model: str) -> Graph:
    """One call."""
    return Graph((Node(role, model),))


def self_consistency(role: str, vote: str, model: str, samples: int) -> Graph:
    """Majority over independent samples of one model (Wang et al., arXiv 2203.11171)."""
    if samples == 1:
        return single(role, model)
    nodes = (*[Node(role, model)] * samples, Node(vote, None))
    return Graph(nodes, tuple((i, samples) for i in range(samples)))


def widest_self_consistency(
    role: str, vote: str, model: str, budget: BoundBudget, most: int
) -> Graph:
    """With as many samples as the budget admits, `most` at most; at least one."""
    best = single(role, model)
    for samples in range(2, most + 1):
        graph = self_consistency(role, vote, model, samples)
        if not budget.admits(graph):
            break
        best = graph
    return best
