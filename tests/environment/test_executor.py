"""A node starts the moment its predecessors have answered; equal calls are one call."""

import asyncio
from collections import Counter

import numpy as np
import pytest
from core.strategies import random_graph, random_order, seeds
from hypothesis import given, settings

from tts_search.core.graph import Graph
from tts_search.llm.base import Request
from tts_search.llm.cache import Cached

from .parts import (
    POOL,
    QUESTIONS,
    TASK,
    Engine,
    environment,
    executor,
    graph,
    star,
    timed,
)


def one_second(_: Request) -> float:
    return 1.0


def test_eight_nodes_side_by_side_and_a_sink_take_two_call_times() -> None:
    engine = Engine(seconds=one_second)
    _, seconds = timed(executor(engine).run(star(8), QUESTIONS[0]))
    assert len(engine.asked) == 9
    assert seconds == pytest.approx(2.0)


def test_a_node_waits_for_its_own_predecessors_not_for_its_level() -> None:
    """small -> small beside large, which takes 5 s: the second small starts after 1 s."""
    engine = Engine(seconds=lambda r: 5.0 if r.model == "weights-l" else 1.0)
    shape = graph("small", "large", "small", "fuser:small", edges=[(0, 2), (1, 3), (2, 3)])
    _, seconds = timed(executor(engine).run(shape, QUESTIONS[0]))
    assert engine.began == pytest.approx([0.0, 0.0, 1.0, 5.0])
    assert seconds == pytest.approx(6.0)


def test_questions_do_not_wait_for_each_other() -> None:
    """A chain of two calls: the slow question holds back neither call of the other nineteen."""
    slow = QUESTIONS[0]
    engine = Engine(seconds=lambda r: 50.0 if r.site and r.site.example is slow else 1.0)
    chain = graph("small", "small", edges=[(0, 1)])
    _, seconds = timed(environment(engine).evaluate(chain, QUESTIONS))
    assert sum(began <= 1.0 for began in engine.began) == 20 + 19
    assert seconds == pytest.approx(100.0)


def test_candidates_do_not_wait_for_each_other() -> None:
    engine = Engine(seconds=one_second)
    graphs = [star(n) for n in range(1, 6)]
    _, seconds = timed(environment(Cached(engine, ":memory:")).evaluate_many(graphs, QUESTIONS))
    assert seconds == pytest.approx(2.0)


@given(seed=seeds)
@settings(max_examples=60, deadline=None)
def test_numbering_never_reaches_an_engine(seed: int) -> None:
    """Relabelled, a graph sends the same requests and gets the same answer, word for word."""
    rng = np.random.default_rng(seed)
    shape = random_graph(rng, 6, ("small", "large"), ("assistant", "fuser"))
    if any(n.role == "fuser" and not up for n, up in zip(shape.nodes, shape.parents, strict=True)):
        shape = random_graph(rng, 6, ("small", "large"), ("assistant",))
    other = shape.relabel(random_order(rng, shape))
    engines = Engine(), Engine()
    said = [
        asyncio.run(executor(engine).run(g, QUESTIONS[0]))[-1].text
        for engine, g in zip(engines, (shape, other), strict=True)
    ]
    assert said[0] == said[1]
    assert Counter(engines[0].asked) == Counter(engines[1].asked)


async def test_equal_parts_of_different_candidates_are_asked_once() -> None:
    """A chain, a star and a fusion over the same two samples: 2 + 1 + 1 + 0 calls a question."""
    engine = Engine()
    candidates = [
        star(2, "fuser:large"),
        star(2, "assistant:large"),
        star(2, "vote"),
        graph("small"),
    ]
    await environment(Cached(engine, ":memory:")).evaluate_many(candidates, QUESTIONS[:5])
    assert len(engine.asked) == 4 * 5
    assert len(set(engine.asked)) == 4 * 5


async def test_one_node_more_asks_for_that_node_alone() -> None:
    engine = Engine()
    world = environment(Cached(engine, ":memory:"))
    await world.evaluate(star(3), QUESTIONS[:5])
    before = len(engine.asked)
    refined = graph(*["small"] * 3, "fuser:large", "large", edges=[(0, 3), (1, 3), (2, 3), (3, 4)])
    await world.evaluate(refined, QUESTIONS[:5])
    assert len(engine.asked) - before == 5


async def sent(shape: Graph, seed: int = 0, questions: int = 1) -> list[Request]:
    engine = Engine()
    for example in QUESTIONS[:questions]:
        await executor(engine, seed).run(shape, example)
    return engine.asked


async def test_replicates_are_independent_samples_of_one_prompt() -> None:
    leaves = (await sent(star(4)))[:4]
    assert len({r.messages for r in leaves}) == 1
    assert len({r.seed for r in leaves}) == 4


async def test_questions_and_runs_have_samples_of_their_own() -> None:
    asked = await sent(graph("small"), questions=20)
    assert len({r.seed for r in asked}) == 20
    again, other = await sent(star(4)), await sent(star(4), seed=1)
    assert again == await sent(star(4))
    assert not {r.seed for r in again} & {r.seed for r in other}


async def test_greedy_calls_have_no_seed_so_copies_of_them_are_one_call() -> None:
    engine = Engine()
    copies = star(3, sink="vote", leaf="greedy")
    for seed in (0, 1):
        await environment(Cached(engine, ":memory:"), seed).evaluate(copies, QUESTIONS[:1])
    first, second = engine.asked
    assert first == second
    assert first.seed == 0


async def test_the_prompt_holds_question_instruction_and_all_answers() -> None:
    *leaves, last = await sent(star(3))
    system, user = last.messages
    assert system.content == TASK.instruction
    assert QUESTIONS[0].question in user.content
    assert all(leaf.digest("") in user.content for leaf in leaves)
    assert last.max_tokens == TASK.max_tokens


async def test_a_vote_sends_nothing() -> None:
    engine = Engine()
    results = await executor(engine).run(star(3, "vote"), QUESTIONS[0])
    assert [r.model for r in engine.asked] == [POOL["small"].served] * 3
    assert results[-1].request is None
    assert results[-1].text in [r.text for r in results[:-1]]
