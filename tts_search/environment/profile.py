"""Token profile (A, B) of every model on the task at hand, from a few real calls."""

import asyncio
from collections.abc import Callable, Sequence

from tts_search.core.data import Example, Tokens
from tts_search.core.graph import Graph, Node
from tts_search.core.models import Profile
from tts_search.environment.environment import first_error
from tts_search.environment.executor import Executor, NodeResult
from tts_search.environment.ledger import CallRecord, call_records
from tts_search.errors import EngineUnavailable


async def measure_profile(
    executor: Executor,
    role: str,
    examples: Sequence[Example],
    on_answer: Callable[[], None] = lambda: None,
) -> tuple[Profile, list[CallRecord]]:
    """Mean tokens of one call without predecessors by model; the task's own without examples.

    The calls are ordinary calls: cached, and the same that a single-model graph will make.
    Raises EngineUnavailable when every call of a model fails.
    """
    if not examples:
        return dict.fromkeys(executor.pool.names, executor.task.profile), []
    graphs = {name: Graph((Node(role, name),)) for name in executor.pool.names}
    with first_error():
        async with asyncio.TaskGroup() as group:
            runs = {
                name: [group.create_task(executor.run(graph, e)) for e in examples]
                for name, graph in graphs.items()
            }
            for task in (task for tasks in runs.values() for task in tasks):
                task.add_done_callback(lambda _: on_answer())
    results = {name: [task.result() for task in tasks] for name, tasks in runs.items()}
    calls = [
        call
        for name, answered in results.items()
        for nodes in answered
        for call in call_records(executor.pool, graphs[name], nodes)
    ]
    return {name: _mean(name, [n[-1] for n in nodes]) for name, nodes in results.items()}, calls


def _mean(name: str, results: Sequence[NodeResult]) -> Tokens:
    used = [r.tokens for r in results if r.tokens]
    if not used:
        raise EngineUnavailable(
            f"all {len(results)} first calls of model {name} failed; check that the engine serves "
            f"it, or leave it out of the pool"
        )
    return Tokens(sum(t.prompt for t in used) / len(used), sum(t.output for t in used) / len(used))
