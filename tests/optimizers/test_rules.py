"""The rules agent: each move does what its name says, and verdicts are paired and cautious."""

from dataclasses import replace

import numpy as np
import pytest
from core.strategies import random_graph, random_space, seeds
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tts_search.agents import moves
from tts_search.agents.base import Feedback, Mix
from tts_search.agents.rules import MOVES, RulesAgent, clearly_worse, promise
from tts_search.core.distribution import GraphDistribution
from tts_search.core.graph import Graph
from tts_search.core.identity import graph_key
from tts_search.core.space import SearchSpace
from tts_search.core.topologies import self_consistency, single
from tts_search.core.trial import Proposal, Trial

from .worlds import ASSISTANT, FUSER, context, judge, paper_space

SPACE = paper_space(slots=8, limit=200)
NAMES = [name for name, _, _ in MOVES]


def legal_graph(seed: int, space: SearchSpace = SPACE) -> Graph:
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, space.slots + 1))
    roles = [r.name for r in space.roles if r.calls_model]
    graph = moves.legal(random_graph(rng, size, space.models, roles), space)
    assert graph
    return graph


def chain(length: int, model: str = "1B") -> Graph:
    nodes = single("assistant", model).nodes * length
    return Graph(nodes, tuple((i, i + 1) for i in range(length - 1)))


# --- moves ------------------------------------------------------------------------------------


@given(seed=seeds, name=st.sampled_from(NAMES))
@settings(max_examples=200, deadline=None)
def test_any_move_from_any_graph_of_any_space_is_legal_or_none(seed: int, name: str) -> None:
    space = random_space(np.random.default_rng(seed))
    move = next(m for n, m, _ in MOVES if n == name)
    graph = moves.legal(move(legal_graph(seed, space), space), space)
    if graph is not None:
        assert space.budget.admits(graph)
        assert len(graph.nodes) <= space.slots
        assert graph_key(space.decode(space.encode(graph))) == graph_key(graph)


@given(seed=seeds)
@settings(max_examples=100, deadline=None)
def test_wider_adds_one_source(seed: int) -> None:
    graph = legal_graph(seed)
    assume(len(graph.nodes) > 1)
    wide = moves.wider(graph, SPACE)
    assert len(wide.nodes) == len(graph.nodes) + 1
    assert wide.levels.count(0) == graph.levels.count(0) + 1
    assert wide.depth == graph.depth
    assert moves.family(graph) in {n.model for n in wide.nodes}


@given(seed=seeds)
@settings(max_examples=100, deadline=None)
def test_deeper_refines_the_old_sink(seed: int) -> None:
    graph = legal_graph(seed)
    deep = moves.deeper(graph, SPACE)
    assert deep.depth == graph.depth + 1
    assert deep.nodes[:-1] == graph.nodes
    assert deep.parents[deep.sink] == (graph.sink,)


@given(seed=seeds)
@settings(max_examples=100, deadline=None)
def test_narrower_and_shallower_never_grow(seed: int) -> None:
    graph = legal_graph(seed)
    for move in (moves.narrower, moves.shallower):
        less = move(graph)
        assert less == graph or len(less.nodes) < len(graph.nodes)
        assert less.depth <= graph.depth


@pytest.mark.parametrize("samples", [3, 4, 6])
def test_narrower_undoes_wider(samples: int) -> None:
    graph = self_consistency("assistant", "vote", "1B", samples)
    more = self_consistency("assistant", "vote", "1B", samples + 1)
    assert graph_key(moves.wider(graph, SPACE)) == graph_key(more)
    assert graph_key(moves.narrower(more)) == graph_key(graph)


@pytest.mark.parametrize("length", [1, 2, 5])
def test_shallower_undoes_deeper(length: int) -> None:
    assert moves.deeper(chain(length), SPACE) == chain(length + 1)
    assert moves.shallower(chain(length + 1)) == chain(length)


def test_a_single_node_widens_to_three_and_a_vote() -> None:
    want = self_consistency("assistant", "vote", "3B", 3)
    assert moves.wider(single("assistant", "3B"), SPACE) == want


def test_without_vote_it_widens_to_two_and_a_reader() -> None:
    graph = moves.wider(single("assistant", "3B"), paper_space(roles=(ASSISTANT, FUSER)))
    assert [n.role for n in graph.nodes] == ["assistant", "assistant", "fuser"]
    assert graph.parents[2] == (0, 1)


def test_the_most_replicated_source_is_the_one_sampled_again() -> None:
    pair = self_consistency("assistant", "vote", "1B", 2)
    odd = Graph((*single("assistant", "8B").nodes, *pair.nodes), ((0, 3), (1, 3), (2, 3)))
    models = [n.model for n in moves.wider(odd, SPACE).nodes]
    assert (models.count("1B"), models.count("8B")) == (3, 1)
    models = [n.model for n in moves.narrower(odd).nodes]
    assert (models.count("1B"), models.count("8B")) == (1, 1)


@given(seed=seeds)
@settings(max_examples=100, deadline=None)
def test_aligning_renumbers_and_changes_nothing(seed: int) -> None:
    graph = legal_graph(seed)
    assert graph_key(moves.aligned(graph)) == graph_key(graph)


# --- verdicts ---------------------------------------------------------------------------------


def scored(scores: list[float], graph: Graph | None = None, number: int = 0) -> Trial:
    graph = graph or single("assistant", "1B")
    base = judge(context(SPACE), number, Proposal(graph, "why"), 0.0, 1.0)
    n = len(scores)
    seen = replace(
        base.evaluation,
        questions=tuple(f"q{i}" for i in range(n)),
        scores=tuple(scores),
        costs=(1.0,) * n,
    )
    return replace(base, evaluation=seen)


def test_worse_on_every_question_is_clearly_worse() -> None:
    assert clearly_worse(scored([0.0] * 8), scored([1.0] * 8))


def test_as_good_or_better_never_is() -> None:
    assert not clearly_worse(scored([1.0] * 8), scored([1.0] * 8))
    assert not clearly_worse(scored([1.0] * 8), scored([0.0] * 8))


def test_a_difference_within_its_error_is_not_clear() -> None:
    """3 of 8 against 4 of 8, on questions that they mostly disagree on."""
    assert not clearly_worse(scored([1, 1, 1, 0, 0, 0, 0, 0]), scored([0, 0, 0, 0, 1, 1, 1, 1]))


def test_the_same_difference_is_clear_where_all_else_agrees() -> None:
    """Paired: 2 of 8 lost and none won is a mean of 0.25 with an error of 0.16."""
    best = scored([1, 1, 1, 1, 1, 1, 0, 0])
    assert clearly_worse(scored([1, 1, 1, 1, 0, 0, 0, 0]), best)


def test_one_common_question_is_not_enough() -> None:
    assert not clearly_worse(scored([0.0]), scored([1.0] * 8))


# --- decisions --------------------------------------------------------------------------------


async def update(trials: list[Trial], guided: bool = True) -> GraphDistribution:
    current = GraphDistribution.uniform(SPACE)
    feedback = Feedback(trials, trials[-1:], "", guided)
    return (await RulesAgent().update(context(SPACE), current, feedback)).distribution


async def test_the_best_graph_becomes_likelier_than_the_worst() -> None:
    good, bad = self_consistency("assistant", "vote", "3B", 4), chain(5)
    trials = [scored([1.0] * 8, good, 0), scored([0.0] * 8, bad, 1), scored([0.0] * 8, chain(6), 2)]
    after = await update(trials)
    at = [after.log_prob(SPACE.encode(moves.aligned(g))) for g in (good, bad)]
    assert at[0] > at[1]


async def test_over_budget_graphs_teach_nothing() -> None:
    """Whichever graph it was that broke the budget, and however good, the answer is the same."""
    kept = [scored([0.5] * 8, chain(2), 1), scored([0.25] * 8, chain(3), 2)]
    over = [replace(scored([1.0] * 8, chain(n), 0), within_budget=False) for n in (5, 7)]
    one, other = [await update([trial, *kept]) for trial in over]
    assert np.array_equal(one.edge, other.edge)
    assert np.array_equal(one.model, other.model)


async def test_a_direction_that_clearly_hurt_loses_its_mass() -> None:
    """The chain of 3 is best. Once longer ones were tried and were clearly worse, 4 loses mass."""
    best = scored([1.0] * 8, chain(3), 0)
    other = scored([0.9] * 8, self_consistency("assistant", "vote", "1B", 3), 1)
    hurt = [scored([0.0] * 8, chain(n), n) for n in (4, 5)]
    at = SPACE.encode(moves.aligned(chain(4)))
    untried, tried = await update([best, other]), await update([best, other, *hurt])
    assert tried.log_prob(at) < untried.log_prob(at)


async def test_without_guidance_no_move_is_favoured() -> None:
    trials = [scored([1.0] * 8, chain(2), 0), scored([0.5] * 8, chain(1), 1)]
    at = SPACE.encode(moves.aligned(chain(3)))
    guided, plain = await update(trials), await update(trials, guided=False)
    assert guided.log_prob(at) > plain.log_prob(at)


async def test_a_mix_of_every_leading_family_is_picked_best_family_first() -> None:
    mixes = [
        Mix((("1B", 9),)),
        Mix((("8B", 1),)),
        Mix((("3B", 3),)),
        Mix((("1B", 6), ("3B", 1))),
    ]
    alone = [
        scored([s] * 8, single("assistant", m)) for m, s in (("1B", 0.3), ("3B", 0.4), ("8B", 0.9))
    ]
    pick = await RulesAgent().pick_mixes(context(SPACE), mixes, alone, 3)
    assert pick.mixes == (1, 2, 0)
    assert len((await RulesAgent().pick_mixes(context(SPACE), mixes, alone, 1)).mixes) == 1


@given(st.floats(0, 1), st.integers(1, 20))
def test_replicates_promise_more_but_never_above_1(alone: float, count: int) -> None:
    fewer = promise(Mix((("m", count),)), {"m": alone})
    more = promise(Mix((("m", count + 1),)), {"m": alone})
    assert fewer <= more <= 1


def test_blends_promise_less_than_their_best_family() -> None:
    alone = {"a": 0.6, "b": 0.4}
    assert promise(Mix((("a", 3), ("b", 1))), alone) < promise(Mix((("a", 3),)), alone)
