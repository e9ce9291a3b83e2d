"""After the search: which graph is recommended, what it scores on held-out questions, and what
the plain alternatives score for the same budget."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tts_search.archive import Candidate
from tts_search.core.data import Example
from tts_search.core.graph import Graph
from tts_search.core.result import Baseline
from tts_search.core.statistics import mean_interval
from tts_search.core.topologies import self_consistency, single, widest_self_consistency
from tts_search.environment.environment import Environment
from tts_search.errors import BudgetError
from tts_search.limits import need
from tts_search.runner import Search


async def choose(search: Search, examples: Sequence[Example], finalists: int) -> Candidate:
    """Re-score the leaders on the whole search split and return the best of them.

    A graph whose measured mean cost breaks the budget is passed over, before and after the
    re-scoring. Where the limits leave no room for any re-scoring, the leader of the batch wins.
    Raises BudgetError if no graph is within the budget.
    """
    limit = search.environment.budget.limit
    confirmed: list[Candidate] = []
    for leader in search.archive.ranking(limit):
        if len(confirmed) == finalists:
            break
        more = replace(need(leader.graph, len(examples), search.environment.budget), trials=0)
        if search.limits.broken_by(search.spend(), more):
            continue
        seen = await search.environment.evaluate(leader.graph, examples)
        search.ledger.book(seen.calls)
        candidate = search.archive.merge(leader.key, leader.graph, seen.evaluation)
        if search.environment.budget.fits(candidate.cost):
            confirmed.append(candidate)
    left = confirmed or search.archive.ranking(limit)
    if not left:
        least = search.archive.least_cost()
        raise BudgetError(
            f"the measured mean cost of a graph must be within budget.limit={limit:g}, but the "
            f"cheapest one tried costs {least:.4g}; type budget.limit={least * 1.05:.3g}"
        )
    return min(left, key=lambda c: (-c.mean, c.cost, c.key))


@dataclass(frozen=True, eq=False)
class Contest:
    """The plain alternatives: chosen on the search batch, never on the test questions.

    most_samples bounds the width of self-consistency where the budget does not.
    """

    environment: Environment
    opener: str
    vote: str | None
    most_samples: int = 64

    async def baselines(
        self, batch: Sequence[Example], test: Sequence[Example]
    ) -> tuple[Baseline, ...]:
        """Best single model and best self-consistency within the same measured budget."""
        fields = {"best single model": list(self._singles())}
        if self.vote:
            fields["self-consistency"] = [
                await self._within_measured(model, batch) for model in self._sampled()
            ]
        return tuple(
            [
                await self._best(name, graphs, batch, test)
                for name, graphs in fields.items()
                if graphs
            ]
        )

    def _singles(self) -> Iterator[Graph]:
        for model in self.environment.budget.affordable():
            yield single(self.opener, model)

    def _sampled(self) -> list[str]:
        """Models that give different answers when asked twice."""
        budget = self.environment.budget
        return [m for m in budget.affordable() if budget.pool[m].temperature > 0]

    async def _within_measured(self, model: str, batch: Sequence[Example]) -> Graph:
        """Widest self-consistency whose measured cost, too, is within the budget."""
        budget = self.environment.budget
        assert self.vote
        graph = widest_self_consistency(self.opener, self.vote, model, budget, self.most_samples)
        while len(graph.nodes) > 1:
            seen = await self.environment.evaluate(graph, batch)
            if budget.fits(seen.evaluation.cost):
                break
            graph = self_consistency(self.opener, self.vote, model, len(graph.nodes) - 2)
        return graph

    async def _best(
        self, name: str, graphs: Sequence[Graph], batch: Sequence[Example], test: Sequence[Example]
    ) -> Baseline:
        tried = [e.evaluation for e in await self.environment.evaluate_many(graphs, batch)]
        fits = self.environment.budget.fits
        best = max(range(len(graphs)), key=lambda i: (fits(tried[i].cost), tried[i].mean, -i))
        score = (await self.environment.evaluate(graphs[best], test)).evaluation
        return Baseline(
            name=name,
            graph=graphs[best],
            key=self.environment.key(graphs[best]),
            score=score.mean,
            ci95=mean_interval(score.scores),
            cost=score.cost,
            n=len(score.scores),
        )
