"""Candidates are followed until they are beaten. docs/racing.md"""

from collections.abc import Iterator, Sequence
from math import isinf

from tts_search.core.context import SearchContext
from tts_search.core.data import Example
from tts_search.core.graph import Graph
from tts_search.core.sequential import evidence, expected_mean
from tts_search.core.trial import Dropped, Evaluation, joined
from tts_search.errors import ConfigError
from tts_search.evaluation import Bench, Full, Incumbent, Outcome, Policy
from tts_search.forecast.forecast import Forecast


class Racing(Policy):
    """Candidates answer the batch in blocks, side by side, each until it is beaten by the incumbent
    as it was when they set out.

    first   questions of the first block
    growth  how many times larger every further block is, at least 1
    alpha   chance, at most, that a candidate is dropped which on the whole batch would be ahead of
            the incumbent by `margin` or more (0: at least as good)
    """

    races = True

    def __init__(
        self, first: int = 4, growth: float = 1.1, alpha: float = 0.4, margin: float = 0.03
    ):
        _need("first", first, first >= 1, "at least 1", 4)
        _need("growth", growth, growth >= 1, "at least 1", 1.1)
        _need("alpha", alpha, 0 < alpha < 1, "between 0 and 1", 0.4)
        _need("margin", margin, 0 <= margin < 1, "at least 0 and below 1", 0.03)
        self._first = first
        self._growth = growth
        self._alpha = alpha
        self._margin = margin

    def forecast(self, context: SearchContext) -> Forecast | None:
        return Forecast(context.space, context.batch, context.rng("racing"))

    async def evaluate(
        self,
        bench: Bench,
        graphs: Sequence[Graph],
        batch: Sequence[Example],
        incumbent: Incumbent | None,
    ) -> list[Outcome]:
        if incumbent is None:
            return await Full().evaluate(bench, graphs, batch, None)
        racers = [_Racer(graph, incumbent) for graph in graphs]
        running = racers
        for number, block in enumerate(self.blocks(batch)):
            if number:  # the first was foreseen with the whole batch
                running = _with_means(bench, running, len(block))
            if not running:
                break
            seen = await bench.environment.evaluate_many([r.graph for r in running], block)
            for racer, more in zip(running, seen, strict=True):
                bench.ledger.book(more.calls)
                racer.add(more.evaluation, self._alpha, self._margin)
            running = [racer for racer in running if not racer.stopped]
        return [racer.outcome() for racer in racers]

    def blocks(self, batch: Sequence[Example]) -> Iterator[Sequence[Example]]:
        start, size = 0, float(self._first)
        while start < len(batch):
            yield batch[start : start + int(size)]
            start, size = start + int(size), size * self._growth


class _Racer:
    """A candidate on its way through the batch."""

    def __init__(self, graph: Graph, incumbent: Incumbent):
        self.graph = graph
        self.stopped = ""
        self._incumbent = incumbent
        self._forecast = incumbent.forecast_of(graph)
        self._parts: list[Evaluation] = []

    def add(self, seen: Evaluation, alpha: float, margin: float) -> None:
        """One more block; after it the candidate may be beaten."""
        self._parts.append(seen)
        scores, rival = joined(self._parts).utilities, self._incumbent
        if len(scores) < len(self._forecast):
            against = evidence(scores, self._forecast, rival.mean + margin)
            if against >= 1 / alpha:
                self.stopped = "out of reach" if isinf(against) else f"beaten, {against:.3g} to 1"

    def outcome(self) -> Outcome:
        seen = joined(self._parts)
        if not self.stopped:
            return Outcome(seen)
        rival = self._incumbent
        estimate = min(expected_mean(seen.utilities, self._forecast), rival.mean)
        why = Dropped(self.stopped, rival.key, len(self._forecast), estimate)
        return Outcome(seen, dropped=why)


def _with_means(bench: Bench, running: list[_Racer], questions: int) -> list[_Racer]:
    """Who may answer that many questions more; for the others the race is over."""
    able = bench.affords([racer.graph for racer in running], questions)
    for racer in running[able:]:
        racer.stopped = "limits of the search"
    return running[:able]


def _need(name: str, value: float, holds: bool, rule: str, instead: float) -> None:
    if not holds:
        raise ConfigError(
            f"evaluation.{name} must be {rule}, but got {value:g}; "
            f"type evaluation.{name}={instead:g}"
        )
