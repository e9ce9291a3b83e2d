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

CONTENDERS = 2  # models whose self-consistency is tried
MEASURED = 50  # search questions it is tried on


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
    return min(left, key=lambda c: c.place)


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
        """The best single model; and the best self-consistency, of the CONTENDERS best models
        that can be sampled three times or more, as often as the measured budget admits."""
        alone = await self._alone(search)
        graphs = {"best single model": single(self.opener, alone[0])}
        if self.vote and (sampled := self._sampled(alone, self.vote)):
            tried = [await self._widest(model, self.vote, search) for model in sampled]
            graphs["self-consistency"] = max(tried, key=lambda pair: pair[1])[0]
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

    def _sampled(self, alone: Sequence[str], vote: str) -> list[str]:
        """Of models in order of merit those that a vote can be taken over; else the best."""
        budget = self.environment.budget
        able = [model for model in alone if budget.pool[model].temperature > 0]
        wide = [m for m in able if budget.admits(self_consistency(self.opener, vote, m, 3))]
        return wide[:CONTENDERS] or able[:1]

    async def _widest(
        self, model: str, vote: str, search: Sequence[Example]
    ) -> tuple[Graph, float]:
        """Widest self-consistency with estimated and measured cost within budget; its score."""
        budget = self.environment.budget
        graph = widest_self_consistency(self.opener, vote, model, budget, self.most_samples)
        while True:
            seen = (await self.environment.evaluate(graph, search[:MEASURED])).evaluation
            if budget.fits(seen.cost) or len(graph.nodes) == 1:
                return graph, seen.mean
            graph = self_consistency(self.opener, vote, model, len(graph.nodes) - 2)

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
