"""After the search: which graph is recommended, what it scores on held-out questions, and what
the plain alternatives score for the same budget."""

from collections.abc import Sequence
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

MEASURED = 50  # questions on which the cost of self-consistency is measured


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
    """The plain alternatives, chosen on the same questions as the winner, never on the test's.

    most_samples bounds the width of self-consistency where the budget does not.
    """

    environment: Environment
    opener: str
    vote: str | None
    most_samples: int = 64

    async def baselines(
        self, search: Sequence[Example], test: Sequence[Example]
    ) -> tuple[Baseline, ...]:
        """The best single model, and self-consistency: the best model that can be sampled, with
        as many samples as the measured budget admits."""
        alone = await self._alone(search)
        budget = self.environment.budget
        graphs = {"best single model": single(self.opener, alone[0])}
        sampled = next((m for m in alone if budget.pool[m].temperature > 0), None)
        if self.vote and sampled:
            graphs["self-consistency"] = await self._widest(sampled, self.vote, search)
        return tuple([await self._score(name, graph, test) for name, graph in graphs.items()])

    async def _alone(self, search: Sequence[Example]) -> list[str]:
        """Affordable models, best first; those whose measured cost breaks the budget last."""
        budget = self.environment.budget
        models = budget.affordable()
        graphs = [single(self.opener, model) for model in models]
        seen = [e.evaluation for e in await self.environment.evaluate_many(graphs, search)]
        order = sorted(
            range(len(models)), key=lambda i: (not budget.fits(seen[i].cost), -seen[i].mean, i)
        )
        return [models[i] for i in order]

    async def _widest(self, model: str, vote: str, search: Sequence[Example]) -> Graph:
        """Widest self-consistency whose estimated and measured costs are within the budget."""
        budget = self.environment.budget
        graph = widest_self_consistency(self.opener, vote, model, budget, self.most_samples)
        while len(graph.nodes) > 1:
            seen = await self.environment.evaluate(graph, search[:MEASURED])
            if budget.fits(seen.evaluation.cost):
                break
            graph = self_consistency(self.opener, vote, model, len(graph.nodes) - 2)
        return graph

    async def _score(self, name: str, graph: Graph, test: Sequence[Example]) -> Baseline:
        score = (await self.environment.evaluate(graph, test)).evaluation
        return Baseline(
            name=name,
            graph=graph,
            key=self.environment.key(graph),
            score=score.mean,
            ci95=mean_interval(score.scores),
            cost=score.cost,
            n=len(score.scores),
        )
