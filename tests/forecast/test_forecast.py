"""What graphs that were never tried would score. Random tests have fixed seeds; where a tolerance
is about chance, the measured values are given beside it."""

from dataclasses import replace

import numpy as np
import pytest

from tts_search.core.graph import Graph, Node
from tts_search.core.trial import joined
from tts_search.forecast.outcomes import Outcomes

from .parts import BATCH, IDS, forecast, graphs, place, seen


@pytest.mark.parametrize("task", ["math", "mmlu", "humaneval"])
def test_unseen_graphs_are_foreseen_from_few(task: str) -> None:
    """Correlation with the true scores of 80 graphs after 20 others: 0.68, 0.78 and 0.77. The 80
    graphs' own scores on the 48 questions, correlate 0.84, 0.94 and 0.84."""
    space, where = place(task)
    tried = graphs(space, 100)
    ahead = forecast(space)
    for graph in tried[:20]:
        ahead.add(graph, seen(where, graph))
    foreseen = [ahead.score(graph) for graph in tried[20:]]
    true = [where.true_score(graph, 2000, 1) for graph in tried[20:]]
    assert np.corrcoef(foreseen, true)[0, 1] > 0.5


def test_before_anything_is_seen_all_is_even_odds() -> None:
    space, _ = place("math")
    ahead = forecast(space)
    assert not ahead.informed
    single = Graph((Node("assistant", "1b"),))
    assert ahead.score(single) == pytest.approx(0.5, abs=0.05)  # 768 draws: 0.018 is one sigma


def test_every_call_counts_once_whatever_graphs_share_it() -> None:
    space, where = place("math")
    one = Graph((Node("assistant", "1b"), Node("assistant", "1b")), ((0, 1),))
    more = Graph((*one.nodes, Node("fuser", "3b")), ((0, 1), (1, 2)))
    outcomes = Outcomes(space.budget, BATCH)
    outcomes.add(one, seen(where, one))
    assert len(outcomes) == 2
    outcomes.add(more, seen(where, more))
    outcomes.add(one, seen(where, one))
    assert len(outcomes) == 3
    by_node = {(c.node, len(c.right)): c.scores for c in outcomes.grouped()}
    assert by_node[Node("assistant", "1b"), 0].shape == (1, BATCH)
    last = seen(where, more).node_scores[-1]
    np.testing.assert_array_equal(by_node[Node("fuser", "3b"), 1][0], last)


def test_what_a_node_read_stands_beside_what_it_said() -> None:
    space, where = place("math")
    sources = tuple(Node("assistant", "1b") for _ in range(3))
    star = Graph((*sources, Node("fuser", "1b")), tuple((i, 3) for i in range(3)))
    outcomes = Outcomes(space.budget, BATCH)
    outcomes.add(star, seen(where, star))
    (fused,) = [c for c in outcomes.grouped() if c.node.role == "fuser"]
    assert fused.right.shape == (3, 1, BATCH)
    said = np.array(seen(where, star).node_scores)
    np.testing.assert_array_equal(fused.right[:, 0].sum(axis=0), said[:3].sum(axis=0))


def test_parts_of_a_batch_add_up_to_the_whole() -> None:
    """A race: some candidates stop early, and their calls may be finished by others."""
    space, where = place("math")
    tried = graphs(space, 6)
    whole, parts = forecast(space), forecast(space)
    first, rest = IDS[:16], IDS[16:]
    for graph in tried:
        whole.add(graph, seen(where, graph))
        parts.add(graph, seen(where, graph, first))
    short = parts.score(tried[0])
    for graph in tried:
        parts.add(graph, seen(where, graph, rest))
    other = graphs(space, 12, seed=1)
    expected = [whole.score(graph) for graph in other]
    assert [parts.score(graph) for graph in other] == pytest.approx(expected, abs=0.01)
    assert short != parts.score(tried[0])


def test_the_order_of_telling_and_telling_twice_change_nothing_to_speak_of() -> None:
    space, where = place("mmlu")
    tried = graphs(space, 12)
    one, other = forecast(space), forecast(space)
    for graph in tried:
        one.add(graph, seen(where, graph))
    for graph in [*tried[::-1], *tried]:
        other.add(graph, seen(where, graph))
        other.score(graph)  # learns in between
    for graph in graphs(space, 20, seed=2):
        assert one.score(graph) == pytest.approx(other.score(graph), abs=0.01)


def test_what_does_not_say_how_its_nodes_did_teaches_nothing() -> None:
    space, where = place("math")
    ahead, (graph,) = forecast(space), graphs(space, 1)
    ahead.add(graph, replace(seen(where, graph), node_scores=()))
    assert not ahead.informed


def test_questions_beyond_the_batch_are_passed_over() -> None:
    space, where = place("math")
    ahead, tried = forecast(space), graphs(space, 4)
    beyond = tuple(f"other{i}" for i in range(8))
    for graph in tried:
        ahead.add(graph, joined([seen(where, graph), seen(where, graph, beyond)]))
    plain = forecast(space)
    for graph in tried:
        plain.add(graph, seen(where, graph))
    assert ahead.score(tried[0]) == plain.score(tried[0])


def test_chances_are_those_of_the_questions_named() -> None:
    space, where = place("math")
    ahead, tried = forecast(space), graphs(space, 8)
    for graph in tried:
        ahead.add(graph, seen(where, graph))
    every = ahead.chances(tried[0], IDS)
    assert every.mean() == pytest.approx(ahead.score(tried[0]))
    np.testing.assert_array_equal(ahead.chances(tried[0], IDS[5:9]), every[5:9])
    hard = np.array(seen(where, tried[0]).scores) == 0
    assert every[hard].mean() < every[~hard].mean(), "questions differ"
