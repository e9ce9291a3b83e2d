"""Fixed graphs that every search is compared with."""

from tts_search.core.budget import BoundBudget
from tts_search.core.graph import Graph, Node


def single(role: str, model: str) -> Graph:
    """One call."""
    return Graph((Node(role, model),))


def refine_chain(role: str, model: str, length: int) -> Graph:
    """One answer, improved on again and again (Madaan et al., arXiv 2303.17651)."""
    nodes = (Node(role, model),) * length
    return Graph(nodes, tuple((i, i + 1) for i in range(length - 1)))


def star(role: str, model: str, samples: int, sink: Node) -> Graph:
    """Independent samples of one model, all read by the sink."""
    nodes = (*[Node(role, model)] * samples, sink)
    return Graph(nodes, tuple((i, samples) for i in range(samples)))


def tree(role: str, fuser: str, model: str, branches: int, samples: int) -> Graph:
    """A fuser of `branches` fusers, each of which reads samples of its own."""
    leaves, sink = branches * samples, branches * (samples + 1)
    nodes = (*[Node(role, model)] * leaves, *[Node(fuser, model)] * (branches + 1))
    edges = [(i, leaves + i // samples) for i in range(leaves)]
    return Graph(nodes, (*edges, *((leaves + b, sink) for b in range(branches))))


def self_consistency(role: str, vote: str, model: str, samples: int) -> Graph:
    """Majority over independent samples of one model (Wang et al., arXiv 2203.11171)."""
    if samples == 1:
        return single(role, model)
    return star(role, model, samples, Node(vote, None))


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
