"""Who was right where: every call once, whatever graphs share it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tts_search.core.budget import BoundBudget
from tts_search.core.graph import Graph, Node
from tts_search.core.identity import call_keys
from tts_search.core.statistics import Floats
from tts_search.core.trial import Evaluation
from tts_search.forecast.reading import loads


@dataclass(frozen=True, eq=False)
class Calls:
    """Calls of one node, each reading as many answers (k) as the others.

    right  (k, calls, n) scores of the answers read; NaN where not known
    load   (calls, 1) how much each reads
    scores (calls, n) of their own answers; NaN where not known
    """

    node: Node
    right: Floats
    load: Floats
    scores: Floats


@dataclass(frozen=True, eq=False)
class _Call:
    node: Node
    reads: Sequence[str]
    load: float
    scores: Floats


class Outcomes:
    """Scores of all nodes of the graphs told, on the first `size` questions met."""

    def __init__(self, budget: BoundBudget, size: int) -> None:
        self._budget, self._size = budget, size
        self._places: dict[str, int] = {}
        self._calls: dict[str, _Call] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def add(self, graph: Graph, seen: Evaluation) -> None:
        """Nothing where the evaluation does not say what each node scored."""
        places = self.places(seen.questions)
        kept = [i for i, place in enumerate(places) if place < self._size]
        keys, load = call_keys(graph, self._budget.pool), loads(graph, self._budget)
        for v, scores in enumerate(seen.node_scores):
            if keys[v] not in self._calls:
                reads = [keys[p] for p in graph.parents[v]]
                row = np.full(self._size, np.nan)
                self._calls[keys[v]] = _Call(graph.nodes[v], reads, load[v], row)
            row = self._calls[keys[v]].scores
            row[[places[i] for i in kept]] = [scores[i] for i in kept]

    def places(self, questions: Sequence[str]) -> list[int]:
        """Columns of the questions, in the order in which they were first met."""
        return [self._places.setdefault(question, len(self._places)) for question in questions]

    def grouped(self) -> Iterator[Calls]:
        """All calls, by node and number of answers read."""
        groups: dict[tuple[Node, int], list[_Call]] = {}
        for call in self._calls.values():
            groups.setdefault((call.node, len(call.reads)), []).append(call)
        for (node, count), calls in groups.items():
            read = [[self._calls[c.reads[i]].scores for c in calls] for i in range(count)]
            yield Calls(
                node,
                np.array(read).reshape(count, len(calls), self._size),
                np.array([[c.load] for c in calls]),
                np.array([c.scores for c in calls]),
            )
