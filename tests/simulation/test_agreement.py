"""Text through the executor and arrays all at once are one world: not a score or token differs."""

import numpy as np
import pytest
from core.strategies import METRICS
from environment.parts import ROLES, TASK

from simulation.parts import POOL, WORLDS, budget, plain, random_graph, single, star, world
from tts_search.core.graph import Graph, Node
from tts_search.environment.environment import Environment
from tts_search.environment.executor import Executor
from tts_search.environment.ledger import Ledger
from tts_search.environment.simulated import SimulatedEnvironment
from tts_search.llm.simulated import SimulatedLLM
from tts_search.llm.wrappers import wrap

QUESTIONS = TASK.load("search")


def both(task="math", metric=None, seed=0, cache=None):
    """The two environments of one world, run and metric."""
    bound = budget(task, metric=metric)
    engine = SimulatedLLM(plain(task), speaker=TASK)
    executor = Executor(TASK, ROLES, POOL, wrap(engine, cache_path=cache), seed)
    fast = SimulatedEnvironment(world(task), bound, seed, max_tokens=TASK.max_tokens)
    return Environment(executor, bound), fast


@pytest.mark.parametrize("task", WORLDS)
async def test_every_question_of_every_graph_scores_costs_and_counts_the_same(task):
    rng = np.random.default_rng(0)
    slow, fast = both(task)
    seen = set()
    for number in range(60):
        graph = random_graph(rng, 1 + number % 8)
        want, got = await slow.evaluate(graph, QUESTIONS), await fast.evaluate(graph, QUESTIONS)
        assert got.evaluation == want.evaluation, graph
        assert fast.key(graph) == slow.key(graph)
        seen |= {(node.role, node.model) for node in graph.nodes}
    assert len(seen) == 2 * len(POOL) + 1  # every role with every model


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.name)
async def test_every_metric_counts_the_same(metric):
    rng = np.random.default_rng(1)
    slow, fast = both(metric=metric)
    for graph in (random_graph(rng, 6) for _ in range(10)):
        want, got = await slow.evaluate(graph, QUESTIONS), await fast.evaluate(graph, QUESTIONS)
        assert got.evaluation.costs == want.evaluation.costs


async def test_the_ledger_counts_distinct_calls_the_same():
    """Graphs share sub-graphs, and greedy replicates are one call."""
    rng = np.random.default_rng(2)
    environments = both()
    graphs = [random_graph(rng, 5) for _ in range(12)]
    graphs += [single("1b"), star("1b", 2), star("1b", 3), star("3b-greedy", 3)]
    books = []
    for environment in environments:
        ledger = Ledger()
        for seen in await environment.evaluate_many(graphs, QUESTIONS):
            ledger.book(seen.calls)
        books.append((ledger.calls, ledger.tokens, pytest.approx(ledger.dollars)))
    assert books[0] == books[1]


async def test_runs_differ_but_for_greedy_calls():
    for graph, same in ((single("3b"), False), (single("3b-greedy"), True)):
        for environments in zip(both(seed=0), both(seed=1), strict=True):
            first, second = [await e.evaluate(graph, QUESTIONS) for e in environments]
            assert (first.evaluation == second.evaluation) == same


async def test_replicates_of_a_greedy_call_say_the_same():
    _, fast = both()
    ids = tuple(e.id for e in QUESTIONS)
    greedy, sampled = (fast.play(star(m, 3), ids) for m in ("3b-greedy", "3b"))
    assert (greedy.said[:3] == greedy.said[0]).all()
    assert (greedy.states[:3] == greedy.states[0]).all()
    assert not (sampled.said[:3] == sampled.said[0]).all()


async def test_a_cache_written_by_another_process_is_understood(tmp_path):
    """A fresh engine reads texts it has not written itself."""
    rng = np.random.default_rng(3)
    graph = random_graph(rng, 7)
    first, fast = both(cache=tmp_path / "c.sqlite")
    again, _ = both(cache=tmp_path / "c.sqlite")
    want = (await first.evaluate(graph, QUESTIONS)).evaluation
    assert (await again.evaluate(graph, QUESTIONS)).evaluation == want
    top = len(graph.nodes)
    deeper = Graph((*graph.nodes, Node("assistant", "1b")), (*graph.edges, (top - 1, top)))
    want = (await fast.evaluate(deeper, QUESTIONS)).evaluation
    assert (await again.evaluate(deeper, QUESTIONS)).evaluation == want
