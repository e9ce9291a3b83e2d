"""After the search: which graph is recommended, what it scores on held-out questions, and what
the plain alternatives score for the same budget."""

from collections.abc import Sequence
from dataclasses import dataclass

from tts_search.archive import Candidate
from tts_search.core.data import Example
from tts_search.core.graph import Graph
from tts_search.core.result import Baseline
from tts_search.core.statistics import mean_interval
from tts_search.core.topologies import self_consistency, single, widest_self_consistency
from tts_search.core.trial import Evaluation
from tts_search.environment.environment import Environment
from tts_search.errors import BudgetError
from tts_search.evaluation import Followed
from tts_search.runner import Search

CONTENDERS = 2  # models whose self-consistency is tried
MEASURED = 50  # validation questions it is tried on


@dataclass(frozen=True, eq=False)
class Choice:
    """The recommended graph, its mean scores on the batch (of one that was dropped: as far as it
    came) and on the validation questions (None if the limits left nothing for these), its mean
    measured cost and price over all of them, and the utility that chose it: on validation questions
    if there was one."""

    key: str
    graph: Graph
    search_score: float
    validation_score: float | None
    cost: float
    price: float
    utility: float

    @property
    def place(self) -> tuple[float, float, str]:
        """Sorts the best first."""
        return (-self.utility, self.cost, self.key)

    @property
    def point(self) -> tuple[float, float]:
        """Mean score, on validation questions if there was one, and mean price."""
        score = self.search_score if self.validation_score is None else self.validation_score
        return score, self.price


async def choose(search: Search, examples: Sequence[Example], finalists: int) -> Choice:
    """Score the leaders of the search on validation questions and return the best of them there.

    The search picked its leaders for their scores on the batch, so these are too good to compare
    them by (the winner's curse): validation questions, which no candidate has seen, decide alone.
    A graph whose measured mean cost breaks the budget is passed over, before and after.
    In a race each leader is followed as long as the best one validated so far has not beaten it.
    Who was dropped on the batch may be a finalist all the same: it was shown not to be better by
    the margin, which is not to be worse.
    Where the limits leave no room for any validation, the leader of the batch wins.
    Raises BudgetError if no graph is within the budget.
    """
    budget, bench = search.environment.budget, search.bench()
    best: tuple[Choice, Evaluation] | None = None
    followed = Followed()
    places = finalists
    for leader in search.ranking():
        if not places:
            break
        if not search.affordable([leader.graph], len(examples), trials=0):
            continue
        rival = followed.incumbent(best[0].key, best[1].utilities) if best else None
        (seen,) = await search.policy.evaluate(bench, [leader.graph], examples, rival)
        search.ledger.book(seen.calls)
        if seen.dropped:
            places -= 1
            continue
        followed.add(seen.evaluation.utilities)
        choice = validated(search, leader, seen.evaluation)
        if budget.fits(choice.cost):
            places -= 1
            if best is None or choice.place < best[0].place:
                best = choice, seen.evaluation
    return best[0] if best else unvalidated(search)


def validated(search: Search, leader: Candidate, seen: Evaluation) -> Choice:
    """The leader with its validation; costs and prices are of all its questions."""
    merged = search.archive.merge(leader.key, leader.graph, seen)
    return Choice(
        key=leader.key,
        graph=leader.graph,
        search_score=leader.mean,
        validation_score=seen.mean,
        cost=merged.cost,
        price=merged.price,
        utility=seen.utility,
    )


def as_searched(leader: Candidate) -> Choice:
    """The leader without a validation."""
    return Choice(
        key=leader.key,
        graph=leader.graph,
        search_score=leader.mean,
        validation_score=None,
        cost=leader.cost,
        price=leader.price,
        utility=leader.utility,
    )


def unvalidated(search: Search) -> Choice:
    """The leader of the batch, of all of it if there is one. Raises BudgetError if no graph is
    within the budget."""
    limit = search.environment.budget.limit
    left = sorted(search.ranking(), key=lambda leader: not leader.complete)
    if not left:
        least = search.archive.least_cost()
        raise BudgetError(
            f"the measured mean cost of a graph must be within budget.limit={limit:g}, but the "
            f"cheapest one tried costs {least:.4g}; type budget.limit={least * 1.05:.3g}"
        )
    return as_searched(left[0])


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
        self, validation: Sequence[Example], test: Sequence[Example]
    ) -> tuple[Baseline, ...]:
        """The best single model; and the best self-consistency, of the CONTENDERS best models
        that can be sampled three times or more, as often as the measured budget admits."""
        alone = await self._alone(validation)
        graphs = {"best single model": single(self.opener, alone[0])}
        if self.vote and (sampled := self._sampled(alone, self.vote)):
            tried = [await self._widest(model, self.vote, validation) for model in sampled]
            graphs["self-consistency"] = max(tried, key=lambda pair: pair[1])[0]
        return tuple([await self._score(name, graph, test) for name, graph in graphs.items()])

    async def _alone(self, examples: Sequence[Example]) -> list[str]:
        """Affordable models, best first; those whose measured cost breaks the budget last."""
        budget = self.environment.budget
        models = budget.affordable()
        graphs = [single(self.opener, model) for model in models]
        seen = [e.evaluation for e in await self.environment.evaluate_many(graphs, examples)]
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
        self, model: str, vote: str, examples: Sequence[Example]
    ) -> tuple[Graph, float]:
        """Widest self-consistency with estimated and measured cost within budget; its score."""
        budget = self.environment.budget
        graph = widest_self_consistency(self.opener, vote, model, budget, self.most_samples)
        while True:
            seen = (await self.environment.evaluate(graph, examples[:MEASURED])).evaluation
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
