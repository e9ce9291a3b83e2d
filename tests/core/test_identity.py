"""A call is named by its ancestry: what relabelling, growth and symmetry may do to the names."""

from collections.abc import Iterator
from itertools import combinations, compress, permutations, product
from time import perf_counter

import numpy as np
import pytest

from tts_search.core.graph import Edge, Graph, Node
from tts_search.core.identity import graph_key, node_keys

from .strategies import graph_of, paper_budget, random_graph, random_order, star

# --- shapes -----------------------------------------------------------------------------------


def joined(*parts: tuple[int, list[Edge]]) -> Graph:
    """Disjoint unlabelled parts (size, edges) whose last nodes all feed one sink."""
    size, edges = 0, []
    for n, inner in parts:
        edges += [(size + s, size + d) for s, d in inner]
        size += n
    heard = {s for s, _ in edges}
    edges += [(v, size) for v in range(size) if v not in heard]
    return graph_of(["a:1B"] * size + ["f:1B"], edges)


def chain(length: int) -> tuple[int, list[Edge]]:
    return length, [(i, i + 1) for i in range(length - 1)]


def crown(k: int, *steps: int) -> tuple[int, list[Edge]]:
    """k answers, k readers; reader i + s reads answer i. Steps (0, 1) make the cycle of 2k."""
    return 2 * k, sorted({(i, k + (i + s) % k) for i in range(k) for s in steps})


SYMMETRIC = {
    "star 11": joined(*[chain(1)] * 11),
    "5 chains of 2": joined(*[chain(2)] * 5),
    "3 chains of 3": joined(*[chain(3)] * 3),
    "C8": joined(crown(4, 0, 1)),
    "2 C4": joined(crown(2, 0, 1), crown(2, 0, 1)),
    "C10": joined(crown(5, 0, 1)),
    "C6 + C4": joined(crown(3, 0, 1), crown(2, 0, 1)),
    "K5,5": joined(crown(5, 0, 1, 2, 3, 4)),
    "K5,5 less a matching": joined(crown(5, 0, 1, 2, 3)),
    "3-regular on 5 + 5": joined(crown(5, 0, 1, 3)),
    "star 4 + 2 chains of 3": joined(*[chain(1)] * 4, *[chain(3)] * 2),
}
LARGE = {
    **SYMMETRIC,
    "C12": joined(crown(6, 0, 1)),
    "C8 + C4": joined(crown(4, 0, 1), crown(2, 0, 1)),
    "3 C4": joined(*[crown(2, 0, 1)] * 3),
    "2 C6": joined(*[crown(3, 0, 1)] * 2),
    "K6,6": joined(crown(6, 0, 1, 2, 3, 4, 5)),
}


def random_graphs(seed: int, count: int, largest: int = 10) -> list[Graph]:
    """One to two models, one to two roles, sparse to dense."""
    rng = np.random.default_rng(seed)
    return [
        random_graph(
            rng,
            int(rng.integers(1, largest + 1)),
            models=("1B", "3B")[: rng.integers(1, 3)],
            roles=("a", "f")[: rng.integers(1, 3)],
            density=rng.random(),
        )
        for _ in range(count)
    ]


# --- a key does not depend on the numbering ---------------------------------------------------


def assert_same_after_relabelling(graph: Graph, rng: np.random.Generator) -> None:
    bound = paper_budget()
    moved = graph.relabel(random_order(rng, graph))
    assert graph_key(moved) == graph_key(graph), graph
    assert sorted(node_keys(moved)) == sorted(node_keys(graph)), graph
    assert bound.estimate(moved) == pytest.approx(bound.estimate(graph), rel=1e-12)


def test_relabelling_changes_neither_keys_nor_cost_of_random_graphs():
    rng = np.random.default_rng(1)
    for graph in random_graphs(seed=1, count=4000):
        assert_same_after_relabelling(graph, rng)


@pytest.mark.parametrize("name", SYMMETRIC)
def test_relabelling_changes_neither_keys_nor_cost_of_symmetric_graphs(name):
    rng = np.random.default_rng(2)
    for _ in range(100):
        assert_same_after_relabelling(SYMMETRIC[name], rng)


def test_relabelling_keeps_the_keys_of_symmetric_graphs_with_one_blemish():
    """One more edge or another model somewhere breaks the symmetry for some nodes only."""
    rng = np.random.default_rng(3)
    for graph in SYMMETRIC.values():
        for _ in range(30):
            nodes, edges = list(graph.nodes), list(graph.edges)
            if rng.random() < 0.5:
                nodes[rng.integers(len(nodes))] = Node("a", "3B")
            s, d = sorted(rng.choice(len(nodes), 2, replace=False).tolist())
            assert_same_after_relabelling(Graph(tuple(nodes), (*edges, (s, d))), rng)


def test_relabelling_keeps_each_call_with_what_it_reads():
    """Not only the bag of keys: key(v) goes with the keys of the predecessors of v."""
    rng = np.random.default_rng(4)
    for graph in random_graphs(seed=4, count=1000):
        assert calls(graph.relabel(random_order(rng, graph))) == calls(graph)


def calls(graph: Graph) -> dict[str, tuple[Node, frozenset[str]]]:
    keys = node_keys(graph)
    return {
        keys[v]: (graph.nodes[v], frozenset(keys[p] for p in graph.parents[v]))
        for v in range(len(keys))
    }


# --- different graphs have different keys -----------------------------------------------------


def all_graphs(size: int, models: str) -> Iterator[Graph]:
    """Every DAG on `size` numbered nodes that all reach the last, with every labelling."""
    pairs = list(combinations(range(size), 2))
    for bits in product((False, True), repeat=len(pairs)):
        edges = tuple(compress(pairs, bits))
        if {src for src, _ in edges} == set(range(size - 1)):
            for names in product(models, repeat=size):
                yield Graph(tuple(Node("a", m) for m in names), edges)


def canonical(graph: Graph) -> tuple[object, ...]:
    """Brute force: the least writing of the graph over all numberings that keep the sink last."""
    sink, models = graph.sink, [node.model for node in graph.nodes]
    writings = []
    for place in permutations(range(sink)):
        at = (*place, sink)
        names = [""] * len(at)
        for v, new in enumerate(at):
            names[new] = models[v]
        writings.append((tuple(names), tuple(sorted((at[s], at[d]) for s, d in graph.edges))))
    return min(writings)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_equal_keys_mean_isomorphic_on_all_small_graphs_of_two_models(size):
    """10,080 numbered graphs at size 5: one key for each class, one class for each key."""
    count_classes(size, "mk")


@pytest.mark.parametrize(
    ("size", "classes"), [(1, 1), (2, 1), (3, 3), (4, 16), (5, 164), (6, 3341)]
)
def test_as_many_keys_as_there_are_unlabelled_acyclic_graphs_with_one_sink(size, classes):
    assert count_classes(size, "m") == classes


def count_classes(size: int, models: str) -> int:
    pairs = {(graph_key(g), canonical(g)) for g in all_graphs(size, models)}
    assert len({key for key, _ in pairs}) == len({form for _, form in pairs}) == len(pairs)
    return len(pairs)


def test_graphs_that_colour_refinement_alone_cannot_tell_apart_have_different_keys():
    assert graph_key(SYMMETRIC["C8"]) != graph_key(SYMMETRIC["2 C4"])
    keys = {graph_key(g) for g in LARGE.values()}
    assert len(keys) == len(LARGE)


def test_both_cycles_feeding_one_sink_have_one_key_however_numbered():
    """C8 and 2 C4 side by side: 16 nodes alike to refinement, in two orbits."""
    rng = np.random.default_rng(5)
    graph = joined(crown(4, 0, 1), crown(2, 0, 1), crown(2, 0, 1))
    assert len({graph_key(graph.relabel(random_order(rng, graph))) for _ in range(20)}) == 1
    assert graph_key(graph) != graph_key(joined(*[crown(4, 0, 1)] * 2))
    assert graph_key(graph) != graph_key(joined(*[crown(2, 0, 1)] * 4))


def test_the_label_decides_which_nodes_are_alike():
    graph = graph_of(["a:m", "a:k", "f:m"], [(0, 2), (1, 2)])
    other = graph_of(["a:m", "a:m", "f:m"], [(0, 2), (1, 2)])
    assert graph_key(graph) != graph_key(other)
    assert graph_key(graph, label=lambda n: n.role) == graph_key(other, label=lambda n: n.role)


# --- replicates -------------------------------------------------------------------------------


def test_no_two_nodes_of_a_graph_share_a_key():
    for graph in [*random_graphs(seed=6, count=3000), *LARGE.values()]:
        assert len(set(node_keys(graph))) == len(graph.nodes), graph


def test_nine_samples_of_one_prompt_are_nine_calls():
    assert len(set(node_keys(star(9)))) == 10


# --- growth -----------------------------------------------------------------------------------


def keys_without(graph: Graph, *dropped: int) -> set[str]:
    keys = node_keys(graph)
    return {keys[v] for v in range(len(keys)) if v not in dropped}


@pytest.mark.parametrize("leaves", range(1, 10))
def test_one_more_sample_in_a_star_keeps_the_samples(leaves):
    assert keys_without(star(leaves), leaves) < keys_without(star(leaves + 1), leaves + 1)


@pytest.mark.parametrize("leaves", range(1, 10))
def test_a_branch_of_another_model_keeps_the_samples(leaves):
    edges = [(i, leaves + 1) for i in range(leaves + 1)]
    wider = graph_of(["a:m"] * leaves + ["a:k", "f:m"], edges)
    assert keys_without(star(leaves), leaves) < keys_without(wider, leaves + 1)


@pytest.mark.parametrize("leaves", range(1, 10))
def test_a_refiner_on_one_sample_of_a_star_keeps_every_sample(leaves):
    refined = graph_of(
        ["a:m"] * leaves + ["a:m", "f:m"],
        [*((i, leaves + 1) for i in range(1, leaves)), (0, leaves), (leaves, leaves + 1)],
    )
    assert keys_without(star(leaves), leaves) == keys_without(refined, leaves, leaves + 1)


@pytest.mark.parametrize("length", range(1, 9))
def test_a_longer_chain_starts_with_the_calls_of_the_shorter(length):
    short = graph_of(["a:m"] * length, chain(length)[1])
    long = graph_of(["a:m"] * (length + 1), chain(length + 1)[1])
    assert node_keys(long)[:length] == node_keys(short)


def test_a_new_sink_that_reads_the_old_one_changes_no_key():
    """So a whole graph keeps its calls inside a larger one, whatever its symmetries."""
    for graph in [*random_graphs(seed=7, count=2000), *LARGE.values()]:
        n = len(graph.nodes)
        for role in ("a", "z"):
            taller = Graph((*graph.nodes, Node(role, "3B")), (*graph.edges, (n - 1, n)))
            assert set(node_keys(taller)[:n]) == set(node_keys(graph)), graph
            assert node_keys(taller)[n - 1] == graph_key(graph)


def test_keeping_every_call_is_impossible():
    """f reads a; g reads a; f reads a and g reads a': no choice of the replicate serves all three.

    Both small graphs hold the one call of a. In the large graph f or g reads the other sample.
    """
    reads_f = graph_of(["a:m", "r:f"], [(0, 1)])
    reads_g = graph_of(["a:m", "r:g"], [(0, 1)])
    both = graph_of(["a:m", "a:m", "r:f", "r:g", "s:m"], [(0, 2), (1, 3), (2, 4), (3, 4)])
    assert node_keys(reads_f)[0] == node_keys(reads_g)[0]
    kept = {graph_key(reads_f), graph_key(reads_g)} & set(node_keys(both))
    assert len(kept) == 1


def grown(rng: np.random.Generator, graph: Graph, node: Node) -> tuple[Graph, list[int]]:
    """The graph with one node more, anywhere, and where the old nodes are now."""
    size, density = len(graph.nodes), rng.random()
    at = int(rng.integers(size + 1))
    reads = {u for u in range(at) if rng.random() < density}
    feeds = {v for v in range(at, size) if rng.random() < density}
    if at == size:
        reads.add(graph.sink)
    elif not feeds:
        feeds.add(int(rng.integers(at, size)))
    now = [v + (v >= at) for v in range(size)]
    edges = [(now[s], now[d]) for s, d in graph.edges]
    edges += [(u, at) for u in reads] + [(at, now[v]) for v in feeds]
    return Graph((*graph.nodes[:at], node, *graph.nodes[at:]), tuple(edges)), now


def growths(seed: int, count: int) -> Iterator[tuple[Graph, Graph, list[int], list[int]]]:
    """(before, after, new place of each old node, old nodes that the new one does not feed)."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        size = int(rng.integers(1, 8))
        before = random_graph(rng, size, models=("m", "k"), density=rng.random())
        after, now = grown(rng, before, Node("a", ("m", "k")[rng.integers(2)]))
        (new,) = set(range(size + 1)) - set(now)
        yield before, after, now, [v for v in range(size) if new not in after.ancestors(now[v])]


def replicates(graph: Graph, v: int) -> list[int]:
    alike = (graph.nodes[v], graph.parents[v])
    return [u for u in range(len(graph.nodes)) if (graph.nodes[u], graph.parents[u]) == alike]


def readers(graph: Graph, v: int) -> tuple[object, ...]:
    return str(graph.nodes[v]), tuple(sorted(readers(graph, c) for c in graph.children[v]))


def untouched(before: Graph, after: Graph, now: list[int], v: int) -> bool:
    """The replicates of v are the same, and nothing tells them apart now that did not before.

    Either they are twins (the same nodes read them) before and after, or the new node is built on
    none of them, and those on which equal trees are built are twins.
    """
    old, new = replicates(before, v), replicates(after, now[v])
    if [now[u] for u in old] != new:
        return False
    if len({before.children[u] for u in old}) == len({after.children[u] for u in new}) == 1:
        return True
    trees = [readers(before, u) for u in old]
    if trees != [readers(after, u) for u in new]:
        return False
    return all(
        before.children[u] == before.children[w]
        and after.children[now[u]] == after.children[now[w]]
        for (u, s), (w, t) in combinations(zip(old, trees, strict=True), 2)
        if s == t
    )


def test_a_new_node_keeps_every_call_whose_ancestry_has_only_untouched_replicates():
    """Exact: such a call keeps its key (a twin may take the key of its twin)."""
    covered = total = 0
    for before, after, now, unfed in growths(seed=8, count=3000):
        old, new = node_keys(before), node_keys(after)
        for v in unfed:
            total += 1
            if all(untouched(before, after, now, u) for u in [v, *before.ancestors(v)]):
                covered += 1
                assert new[now[v]] in {old[u] for u in replicates(before, v)}, (before, after)
    assert covered / total > 0.6  # the statement is about most calls, not about a few


def test_a_new_node_mostly_keeps_all_calls_that_it_does_not_feed():
    """Unconditional, so not always: measured over additions of one node to graphs of 1-7 nodes.

    Measured on 20,000 (seed 0): 98.5% of calls kept; 96.8% of additions keep every call; in 92.7%
    nothing outside the new node's readers, itself aside, is a new call. With 3,000 additions the
    standard errors are below 0.5 points, so bounds 2 points (over 4 standard errors) lower raise
    a false alarm in fewer than 1 of 10,000 other seeds; this seed is fixed.
    """
    calls_kept = calls_all = all_kept = none_new = 0
    count = 3000
    for before, after, now, unfed in growths(seed=9, count=count):
        old, new = node_keys(before), node_keys(after)
        kept = {old[v] for v in unfed} & set(new)
        calls_kept += len(kept)
        calls_all += len(unfed)
        all_kept += len(kept) == len(unfed)
        none_new += {new[now[v]] for v in unfed} <= set(old)
    assert calls_kept / calls_all > 0.965
    assert all_kept / count > 0.948
    assert none_new / count > 0.907


# --- speed ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LARGE)
def test_symmetric_graphs_of_up_to_thirteen_nodes_take_less_than_50_ms(name):
    """Best of three, so that a busy machine does not decide."""
    times = []
    for attempt in range(3):  # a new label each time: no cached keys
        start = perf_counter()
        node_keys(LARGE[name], label=lambda n, a=attempt: (n.role, n.model, "timed", a))
        times.append(perf_counter() - start)
    assert min(times) < 0.05
