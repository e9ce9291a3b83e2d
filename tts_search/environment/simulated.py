"""The simulated world without the detour through text: a graph on all questions at once.

Same interface, keys, scores, tokens and costs as Environment over the engine of llm/simulated.py.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast

import numpy as np

from tts_search.core.budget import BoundBudget
from tts_search.core.data import Example, Tokens
from tts_search.core.graph import Graph
from tts_search.core.identity import call_keys
from tts_search.core.objective import BoundObjective
from tts_search.core.trial import Evaluation
from tts_search.environment.environment import Evaluated
from tts_search.environment.ledger import CallRecord
from tts_search.simulation.graphs import Played, play
from tts_search.simulation.latents import Questions
from tts_search.simulation.noise import Floats
from tts_search.simulation.world import World

UNCAPPED = 2**31


@dataclass(frozen=True, eq=False)
class SimulatedEnvironment:
    """evaluate(graph, examples) -> Evaluated, in a pretend world. Of the examples only ids matter.

    seed        the run's, as in Executor
    max_tokens  the task's cap on generated tokens
    The metrics of budget and objective must be arithmetic that numpy arrays of tokens go through.
    """

    world: World
    budget: BoundBudget
    seed: int = 0
    max_tokens: int = UNCAPPED
    on_answer: Callable[[], None] | None = None
    objective: BoundObjective = field(default_factory=BoundObjective)
    _questions: Callable[[tuple[str, ...]], Questions] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        prepared = lru_cache(maxsize=64)(lambda ids: Questions(self.world, ids))
        object.__setattr__(self, "_questions", prepared)

    def keys(self, graph: Graph) -> tuple[str, ...]:
        return call_keys(graph, self.budget.pool)

    def key(self, graph: Graph) -> str:
        return self.keys(graph)[graph.sink]

    async def evaluate_many(
        self, graphs: Sequence[Graph], examples: Sequence[Example]
    ) -> list[Evaluated]:
        return [await self.evaluate(graph, examples) for graph in graphs]

    async def evaluate(self, graph: Graph, examples: Sequence[Example]) -> Evaluated:
        return self.score(graph, tuple(e.id for e in examples))

    def score(self, graph: Graph, ids: tuple[str, ...]) -> Evaluated:
        """`evaluate` by the ids of the questions, without an event loop."""
        played = self.play(graph, ids)
        right = tuple(map(tuple, (played.said == 0).astype(float).tolist()))
        asked = [v for v, node in enumerate(graph.nodes) if node.model]
        evaluation = Evaluation(
            questions=ids,
            scores=right[-1],
            costs=_costs(self.budget, graph, played),
            prompt_tokens=int(played.read[asked].sum()) / len(ids),
            output_tokens=int(played.written[asked].sum()) / len(ids),
            calls=float(len(asked)),
            failures=0,
            prices=_costs(self.objective.meter, graph, played) if self.objective.meter else (),
            weight=self.objective.weight,
            node_scores=right,
        )
        if self.on_answer:
            for _ in ids:
                self.on_answer()
        return Evaluated(evaluation, cast(list[CallRecord], _Calls(self._calls, graph, played)))

    def play(self, graph: Graph, ids: tuple[str, ...], seed: int | None = None) -> Played:
        """What every node says on every question, in the run of that seed (default: this one)."""
        run, pool = self.seed if seed is None else seed, self.budget.pool
        keys, questions = self.keys(graph), self._questions(ids)
        return play(self.world, pool, graph, keys, questions, run, self.max_tokens)

    def true_score(self, graph: Graph, questions: int = 20_000, runs: int = 4) -> float:
        """Expected score: mean over a fixed population of questions and the luck of several runs.

        As a figure of the world its standard error is at most 0.0035 (20,000 questions); graphs
        meet the same questions, so differences between them are more precise.
        """
        ids = population(questions)
        scores = [(self.play(graph, ids, -1 - run).said[-1] == 0).mean() for run in range(runs)]
        return float(np.mean(scores))

    def true_price(self, graph: Graph, questions: int = 20_000) -> float:
        """Expected price by the objective's metric; 0 without one."""
        if self.objective.meter is None:
            return 0.0
        played = self.play(graph, population(questions), -1)
        return float(np.mean(_costs(self.objective.meter, graph, played)))

    def _calls(self, graph: Graph, played: Played) -> Iterator[CallRecord]:
        for v, node in enumerate(graph.nodes):
            if not node.model:
                continue
            model, read, written = self.budget.pool[node.model], played.read[v], played.written[v]
            price_in, price_out = model.price_in or 0.0, model.price_out or 0.0
            dollars: Floats = 1e-6 * (price_in * read + price_out * written)
            names, tokens = played.states[v].tolist(), (read + written).tolist()
            yield from map(CallRecord, names, tokens, dollars.tolist())


def _costs(budget: BoundBudget, graph: Graph, played: Played) -> tuple[float, ...]:
    """BoundBudget.measured, all questions at once."""
    costs: Floats = np.zeros(played.said.shape)
    metric, pool = budget.budget.metric, budget.pool
    for v, node in enumerate(graph.nodes):
        if node.model:
            used = Tokens(cast(Any, played.read[v]), cast(Any, played.written[v]))
            costs[v] = metric.call_cost(pool[node.model], used) / budget.unit
    return tuple(metric.combine(graph, question) for question in costs.T.tolist())


@lru_cache(maxsize=4)
def population(size: int) -> tuple[str, ...]:
    """Ids of the questions that true scores are measured on."""
    return tuple(f"population/{i}" for i in range(size))


class _Calls:
    """The calls of an evaluation, written out when a ledger iterates over them and not before."""

    def __init__(
        self,
        listed: Callable[[Graph, Played], Iterator[CallRecord]],
        graph: Graph,
        played: Played,
    ) -> None:
        self._listed, self._graph, self._played = listed, graph, played

    def __iter__(self) -> Iterator[CallRecord]:
        return self._listed(self._graph, self._played)
