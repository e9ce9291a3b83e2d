import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tts_search.core.graph import Graph, Node, graph_to_json
from tts_search.errors import GraphError

from .strategies import graph_of, random_graph, random_order, seeds, star

DIAMOND = graph_of(["a:m", "a:m", "a:k", "f:m"], [(0, 1), (0, 2), (1, 3), (2, 3)])


def test_a_graph_needs_a_node():
    with pytest.raises(GraphError, match="at least one node"):
        Graph(())


@pytest.mark.parametrize("edge", [(1, 0), (1, 1), (0, 3), (-1, 2)])
def test_an_edge_that_could_close_a_cycle_or_leave_the_graph_cannot_be_written(edge):
    with pytest.raises(GraphError, match=r"0 <= src < dst < 3") as error:
        graph_of(["a:m", "a:m", "f:m"], [(0, 2), (1, 2), edge])
    assert str(edge) in str(error.value)


def test_a_call_nobody_reads_cannot_be_written():
    with pytest.raises(GraphError, match=r"nodes \[0, 1\] do not"):
        graph_of(["a:m", "a:m", "f:m"], [(0, 1)])


def test_order_and_repetition_of_edges_do_not_matter():
    nodes = (Node("a", "m"), Node("a", "m"), Node("f", "m"))
    assert Graph(nodes, ((1, 2), (0, 2), (1, 2))) == Graph(nodes, ((0, 2), (1, 2)))
    assert hash(Graph(nodes, ((1, 2), (0, 2)))) == hash(Graph(nodes, ((0, 2), (1, 2))))


def test_shape_of_a_diamond():
    assert DIAMOND.parents == ((), (0,), (0,), (1, 2))
    assert DIAMOND.children == ((1, 2), (3,), (3,), ())
    assert DIAMOND.ancestors(3) == {0, 1, 2}
    assert DIAMOND.levels == (0, 1, 1, 2)
    assert (DIAMOND.depth, DIAMOND.width, DIAMOND.max_in_degree) == (3, 2, 2)
    assert DIAMOND.sink == 3


def test_shape_of_a_single_node_a_chain_and_a_star():
    single = graph_of(["a:m"], [])
    chain = graph_of(["a:m"] * 4, [(0, 1), (1, 2), (2, 3)])
    assert (single.depth, single.width, single.max_in_degree) == (1, 1, 0)
    assert (chain.depth, chain.width, chain.max_in_degree) == (4, 1, 1)
    assert (star(5).depth, star(5).width, star(5).max_in_degree) == (2, 5, 5)


def test_text_and_json_name_every_node_and_what_it_reads():
    graph = graph_of(["a:m", "a:k", "vote"], [(0, 2), (1, 2)])
    assert str(graph) == "0=a:m 1=a:k 2=vote(0,1)"
    assert graph_to_json(graph) == {
        "nodes": [["a", "m"], ["a", "k"], ["vote", None]],
        "edges": [[0, 2], [1, 2]],
    }


@settings(derandomize=True, deadline=None)
@given(seeds, st.integers(1, 10))
def test_relabelling_moves_nodes_and_keeps_who_reads_whom(seed, size):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, size, models=("m", "k"), density=rng.random())
    order = random_order(rng, graph)
    moved = graph.relabel(order)
    for new, old in enumerate(order):
        assert moved.nodes[new] == graph.nodes[old]
        assert {order[p] for p in moved.parents[new]} == set(graph.parents[old])
    assert (moved.depth, moved.width) == (graph.depth, graph.width)
    assert moved.relabel(np.argsort(order).tolist()) == graph


@settings(derandomize=True, deadline=None)
@given(seeds, st.integers(1, 10))
def test_levels_and_ancestors_agree_with_their_definitions(seed, size):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, size, density=rng.random())
    reach = np.zeros((size, size), dtype=bool)
    for src, dst in graph.edges:
        reach[src, dst] = True
    for via in range(size):
        reach |= np.outer(reach[:, via], reach[via])
    for v in range(size):
        assert graph.ancestors(v) == set(np.flatnonzero(reach[:, v]))
        assert graph.levels[v] == max((graph.levels[p] + 1 for p in graph.parents[v]), default=0)
    assert graph.ancestors(graph.sink) == set(range(size - 1))
