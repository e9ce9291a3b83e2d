"""One decode: whatever the point, a valid graph within budget; and every graph has a point."""

from collections import Counter

import numpy as np
import pytest

from tts_search.budgets.flops import Flops
from tts_search.core.budget import Budget
from tts_search.core.data import Tokens
from tts_search.core.graph import Graph, Node
from tts_search.core.identity import graph_key
from tts_search.core.models import ModelPool, ModelSpec
from tts_search.core.roles import RoleSpec
from tts_search.core.space import Choices, SearchSpace, dissolve_single_votes
from tts_search.errors import BudgetError, ConfigError, GraphError

from .strategies import (
    ROLES,
    graph_of,
    paper_budget,
    random_graph,
    random_point,
    random_space,
    star,
)

BY_NAME = {r.name: r for r in ROLES}
ASSISTANT, FUSER, VOTE = range(3)


def space_of(slots: int, limit: float = 1000) -> SearchSpace:
    """The 1B, 3B, 8B and 70B on MATH: model 1 is the 1B and costs 1 unit a call."""
    return SearchSpace(slots, ROLES, paper_budget(limit))


def point(models: list[int], roles: list[int], edges: list[tuple[int, int]]) -> Choices:
    edge = np.zeros((len(models), len(models)), dtype=np.int64)
    for src, dst in edges:
        edge[src, dst] = 1
    return Choices(np.array(models), np.array(roles), edge)


def assert_valid(space: SearchSpace, graph: Graph) -> None:
    """Checked from the nodes and edges alone, not with the methods that decode uses."""
    size = len(graph.nodes)
    assert 1 <= size <= space.slots
    assert all(0 <= src < dst < size for src, dst in graph.edges)
    assert {src for src, _ in graph.edges} == set(range(size - 1)), "a node nobody reads"
    in_degree = Counter(dst for _, dst in graph.edges)
    costs = []
    for v, node in enumerate(graph.nodes):
        role = BY_NAME[node.role]
        assert in_degree[v] >= role.min_parents, f"{node} lacks predecessors"
        if role.calls_model:
            assert node.model in space.models
            costs.append(space.budget.estimate_call(node.model, in_degree[v]))
        else:
            assert node.model is None
            assert in_degree[v] != 1, "a vote over one answer"
            costs.append(0.0)
    spent = space.budget.budget.metric.combine(graph, costs)
    assert spent <= space.budget.limit * (1 + 1e-9), f"{spent} > {space.budget.limit}"


# --- every point ------------------------------------------------------------------------------


def test_100000_random_points_decode_to_valid_graphs_within_budget_that_encode_to_themselves():
    """1,000 spaces (any pool, metric, scale, limit and 1 to 10 slots) of 100 points each."""
    rng = np.random.default_rng(0)
    shapes: Counter[int] = Counter()
    votes = fusers = 0
    for _ in range(1000):
        space = random_space(rng)
        known: set[Graph] = set()
        for _ in range(100):
            graph = space.decode(random_point(rng, space))
            assert_valid(space, graph)
            if graph not in known:
                known.add(graph)
                again = space.decode(space.encode(graph))
                assert again == graph or graph_key(again) == graph_key(graph), (space, graph)
            shapes[len(graph.nodes)] += 1
            votes += any(n.role == "vote" for n in graph.nodes)
            fusers += any(n.role == "fuser" for n in graph.nodes)
    # The sample is not a sample of single nodes: all sizes and roles occur often.
    assert all(shapes[size] > 500 for size in range(1, 9)), shapes
    assert min(votes, fusers) > 5_000


def test_decode_is_deterministic_and_leaves_the_point_alone():
    rng = np.random.default_rng(1)
    for _ in range(300):
        space = random_space(rng)
        raw = random_point(rng, space)
        before = [part.copy() for part in (raw.model, raw.role, raw.edge)]
        first = space.decode(raw)
        assert space.decode(Choices(*before)) == first == space.decode(raw)
        for part, copy in zip((raw.model, raw.role, raw.edge), before, strict=True):
            assert (part == copy).all()


def test_edge_bits_on_and_below_the_diagonal_mean_nothing():
    rng = np.random.default_rng(2)
    for _ in range(300):
        space = random_space(rng)
        raw = random_point(rng, space)
        clean = Choices(raw.model, raw.role, np.triu(raw.edge, 1))
        assert space.decode(clean) == space.decode(raw)


# --- every graph ------------------------------------------------------------------------------


def test_every_graph_of_at_most_one_vote_that_fits_has_a_point():
    """Not only graphs that came out of decode: any within slots, role needs and budget."""
    rng = np.random.default_rng(3)
    tried = with_vote = 0
    while tried < 3000:
        space = random_space(rng)
        plain = random_graph(
            rng, int(rng.integers(1, space.slots + 1)), space.models, density=rng.random()
        )
        roles = ["fuser" if up and rng.random() < 0.5 else "assistant" for up in plain.parents]
        nodes = [Node(r, n.model) for r, n in zip(roles, plain.nodes, strict=True)]
        if merging := [v for v, up in enumerate(plain.parents) if len(up) > 1]:
            nodes[rng.choice(merging)] = Node("vote", None)
        graph = Graph(tuple(nodes), plain.edges)
        if space.budget.admits(graph):
            tried += 1
            with_vote += bool(merging)
            assert space.decode(space.encode(graph)) == graph
    assert with_vote > 500


@pytest.mark.parametrize("samples", range(2, 9))
def test_self_consistency_has_a_point_at_the_exact_limit(samples):
    graph = star(samples, "assistant:1B", "vote")
    space = space_of(samples + 1, limit=samples)
    assert space.decode(space.encode(graph)) == graph


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        (star(3, "assistant:1B", "fuser:1B"), "4 nodes does not fit space.slots=3"),
        (graph_of(["assistant:2B"], []), "2B"),
        (graph_of(["critic:1B"], []), "critic"),
    ],
)
def test_a_graph_outside_the_space_is_refused_by_name(graph, words):
    with pytest.raises(GraphError, match=words):
        space_of(3).encode(graph)


# --- the rules of decode, one at a time -------------------------------------------------------


def test_nothing_chosen_gives_the_cheapest_model_alone():
    assert space_of(3).decode(point([0, 0, 0], [0, 0, 0], [])) == graph_of(["assistant:1B"], [])


def test_the_last_slot_in_use_is_the_sink_and_slots_that_do_not_reach_it_are_dropped():
    raw = point([1, 2, 1, 3, 0], [ASSISTANT] * 5, [(0, 1), (2, 3), (1, 4)])
    assert space_of(5).decode(raw) == graph_of(["assistant:1B", "assistant:8B"], [(0, 1)])


def test_a_sink_that_does_not_fit_makes_way_for_the_slot_before():
    raw = point([1, 2, 4], [ASSISTANT] * 3, [(0, 1), (1, 2)])
    graph = space_of(3, limit=10).decode(raw)
    assert graph == graph_of(["assistant:1B", "assistant:3B"], [(0, 1)])


def test_growth_stops_for_slots_that_do_not_fit_not_for_those_before_them():
    """Limit 4: vote over 1B, (8B too dear), 1B, 1B."""
    raw = point([1, 1, 3, 1, 1], [ASSISTANT] * 4 + [VOTE], [(i, 4) for i in range(4)])
    assert space_of(5, limit=4).decode(raw) == star(3, "assistant:1B", "vote")


@pytest.mark.parametrize("role", [FUSER, VOTE])
def test_a_role_without_its_predecessors_becomes_an_opener(role):
    raw = point([1, 2], [role, FUSER], [(0, 1)])
    assert space_of(2).decode(raw) == graph_of(["assistant:1B", "fuser:3B"], [(0, 1)])


def test_a_vote_over_one_answer_is_that_answer():
    raw = point([1, 1, 2, 1], [ASSISTANT, ASSISTANT, FUSER, VOTE], [(0, 2), (1, 2), (2, 3)])
    assert space_of(4).decode(raw) == star(2, "assistant:1B", "fuser:3B")


def test_a_chain_of_votes_dissolves_and_merged_answers_are_read_once():
    """The middle vote hears one answer, so it goes; then so does the last, which heard both."""
    graph = graph_of(["assistant:1B", "vote", "vote"], [(0, 1), (0, 2), (1, 2)])
    assert dissolve_single_votes(graph, frozenset({"vote"})) == graph_of(["assistant:1B"], [])


def test_dissolving_votes_keeps_the_needs_of_other_roles():
    """A debate needs two answers; a vote that repeats one of them is not a second one."""
    debate = RoleSpec("debate", 2)
    space = SearchSpace(3, (*ROLES, debate), paper_budget())
    raw = point([1, 1, 1], [ASSISTANT, VOTE, 3], [(0, 1), (0, 2), (1, 2)])
    assert space.decode(raw) == graph_of(["assistant:1B", "assistant:1B"], [(0, 1)])


# --- spaces that cannot be --------------------------------------------------------------------


def test_a_space_needs_a_slot_and_a_role_that_opens():
    with pytest.raises(ConfigError, match=r"space\.slots must be at least 1, but got 0"):
        space_of(0)
    with pytest.raises(ConfigError, match="one role must answer without predecessors"):
        SearchSpace(3, ROLES[1:], paper_budget())


def test_a_pool_of_models_all_beyond_the_limit_is_refused():
    pool = ModelPool((ModelSpec("70B", "s", 70e9, 80, 8192),))
    with pytest.raises(BudgetError, match="70B"):
        Budget(Flops(), 1.0, "absolute").bind(pool, {"70B": Tokens(202, 275)})
