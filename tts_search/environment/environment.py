"""Scores graphs on questions with real calls, and keeps the books of what they used."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tts_search.core.budget import BoundBudget
from tts_search.core.data import Example
from tts_search.core.graph import Graph
from tts_search.core.objective import BoundObjective
from tts_search.core.trial import Evaluation
from tts_search.environment.executor import Executor, NodeResult
from tts_search.environment.ledger import CallRecord, call_records
from tts_search.errors import TTSError


@dataclass(frozen=True, eq=False)
class Evaluated:
    """An evaluation with the calls it is made of, for the ledger."""

    evaluation: Evaluation
    calls: list[CallRecord] = field(repr=False)


@dataclass(frozen=True, eq=False)
class Environment:
    """evaluate(graph, examples) -> Evaluation. All questions and nodes run side by side.

    `on_answer` is called after every question of every graph, for whoever shows progress.
    """

    executor: Executor
    budget: BoundBudget
    on_answer: Callable[[], None] = lambda: None
    objective: BoundObjective = field(default_factory=BoundObjective)

    def key(self, graph: Graph) -> str:
        return self.executor.keys(graph)[graph.sink]

    async def evaluate_many(
        self, graphs: Sequence[Graph], examples: Sequence[Example]
    ) -> list[Evaluated]:
        """Evaluate several graphs at once on the same questions."""
        with first_error():
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self.evaluate(g, examples)) for g in graphs]
        return [task.result() for task in tasks]

    async def evaluate(self, graph: Graph, examples: Sequence[Example]) -> Evaluated:
        """Mean score, cost and tokens over the examples. Raises EngineUnavailable."""
        with first_error():
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._answer(graph, e)) for e in examples]
        answered = [task.result() for task in tasks]
        return self._summarise(graph, examples, answered)

    async def _answer(self, graph: Graph, example: Example) -> tuple[list[float], list[NodeResult]]:
        """Scores and results by node; a failed node scores 0. Equal texts are scored once."""
        results = await self.executor.run(graph, example)
        scores: dict[str, float] = {}
        for result in results:
            if not result.failed and result.text not in scores:
                scores[result.text] = await self.executor.task.score(example, result.text)
        self.on_answer()
        return [0.0 if r.failed else scores[r.text] for r in results], results

    def _summarise(
        self,
        graph: Graph,
        examples: Sequence[Example],
        answered: Sequence[tuple[list[float], list[NodeResult]]],
    ) -> Evaluated:
        n = len(examples)
        nodes = [result for _, results in answered for result in results]
        done = [r.completion for r in nodes if r.completion]
        tokens = [[r.tokens for r in results] for _, results in answered]
        evaluation = Evaluation(
            questions=tuple(e.id for e in examples),
            scores=tuple(scores[-1] for scores, _ in answered),
            costs=tuple(self.budget.measured(graph, used) for used in tokens),
            prompt_tokens=sum(c.prompt_tokens for c in done) / n,
            output_tokens=sum(c.output_tokens for c in done) / n,
            calls=sum(r.request is not None for r in nodes) / n,
            failures=sum(results[-1].failed for _, results in answered),
            prices=self.objective.prices(graph, tokens),
            weight=self.objective.weight,
            node_scores=tuple(zip(*(scores for scores, _ in answered), strict=True)),
        )
        calls = [c for _, rs in answered for c in call_records(self.executor.pool, graph, rs)]
        return Evaluated(evaluation, calls)


@contextmanager
def first_error() -> Iterator[None]:
    """Let the first of a task group's own errors out alone: users read one line, not a tree."""
    try:
        yield
    except* TTSError as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None
