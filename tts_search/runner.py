"""The search loop: ask -> evaluate -> archive -> tell, until a limit is reached."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from tts_search.archive import Archive, Candidate
from tts_search.core.data import Example
from tts_search.core.graph import Graph
from tts_search.core.trial import Proposal, Spend, Trial
from tts_search.environment.environment import Environment
from tts_search.environment.ledger import Ledger
from tts_search.evaluation import Bench, Followed, Full, Incumbent, Outcome, Policy
from tts_search.forecast.forecast import Forecast
from tts_search.limits import Limits, Need, need
from tts_search.optimizers.base import Optimizer
from tts_search.tracking.base import Tracker
from tts_search.tracking.folding import one_line
from tts_search.tracking.progress import Progress


@dataclass
class Search:
    """One search. `parallel` candidates are tried at a time, all on the questions of `batch`.

    The batch stays the same through the search: candidates are compared on common questions, and
    sub-graphs they share cost nothing. The finals guard against its luck.
    `policy` says how far along the batch a candidate is followed.
    `share` of each limit is spent here; the rest is kept for the finals.
    `forecast` learns from all trials; a race goes by it.
    `told` is called after every step, when the optimizer has heard of it.
    """

    environment: Environment
    optimizer: Optimizer
    archive: Archive
    ledger: Ledger
    limits: Limits
    batch: Sequence[Example]
    parallel: int
    share: float
    tracker: Tracker
    progress: Progress
    policy: Policy = field(default_factory=Full)
    told: Callable[[], None] = lambda: None
    forecast: Forecast | None = None
    steps: int = 0
    best: Trial | None = None
    _waiting: Sequence[Proposal] = ()
    _followed: Followed = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._followed = Followed(self._foresee if self.forecast else None)

    async def run(self) -> str:
        """Search, and say what ended it. Raises EngineUnavailable; the archive keeps all steps."""
        while True:
            stop = self.limits.broken_by(self.spend(), Need(1, 1, 0, 0), self.share)
            if stop:
                return stop
            proposals = self._waiting or await self.optimizer.ask(self._places())
            if not proposals:
                return "optimizer has nothing left to try"
            started = self.affordable([p.graph for p in proposals], len(self.batch), self.share)
            if not started:
                return self._refusal(proposals[0])
            if self.policy.races:  # most cost less than foreseen: the others' turn comes
                self._waiting = proposals[started:]
            self.optimizer.tell(await self._step(proposals[:started]))
            self.told()

    def ranking(self) -> list[Candidate]:
        """Graphs within budget as measured, best first as far as the optimizer can tell."""
        return self.archive.ranking(self.environment.budget.limit, self.optimizer.estimates)

    def spend(self) -> Spend:
        """Used up so far, the agent's own calls included."""
        agent = self.optimizer.agent_usage
        return Spend(
            trials=self.archive.count,
            calls=self.ledger.calls,
            tokens=self.ledger.tokens,
            dollars=self.ledger.dollars,
            agent_calls=agent.calls,
            agent_tokens=agent.tokens,
            agent_dollars=agent.dollars,
        )

    def _places(self) -> int:
        left = self.limits.max_trials
        return self.parallel if left is None else min(self.parallel, left - self.spend().trials)

    def affordable(
        self, graphs: Sequence[Graph], questions: int, share: float = 1.0, trials: int = 1
    ) -> int:
        """How many of these graphs, from the first on, fit the limits together."""
        spend = self.spend()
        for count, graph in enumerate(graphs):
            more = replace(need(graph, questions, self.environment.budget), trials=trials)
            if self.limits.broken_by(spend, more, share):
                return count
            spend = replace(
                spend,
                trials=spend.trials + more.trials,
                calls=spend.calls + more.calls,
                tokens=spend.tokens + int(more.tokens),
                dollars=spend.dollars + more.dollars,
            )
        return len(graphs)

    def bench(self, share: float = 1.0, trials: int = 0) -> Bench:
        """Where graphs are evaluated, within `share` of the limits; each counts as `trials`."""
        affords = partial(self.affordable, share=share, trials=trials)
        return Bench(self.environment, self.ledger, affords)

    def _refusal(self, proposal: Proposal) -> str:
        more = need(proposal.graph, len(self.batch), self.environment.budget)
        return self.limits.broken_by(self.spend(), more, self.share) or ""

    async def _step(self, proposals: Sequence[Proposal]) -> list[Trial]:
        """In a race the first to set a mark runs alone; all others run against it."""
        self.steps += 1
        trials: list[Trial] = []
        while left := proposals[len(trials) :]:
            alone = self.policy.races and self.best is None
            trials += await self._heat(left[:1] if alone else left)
        return trials

    async def _heat(self, proposals: Sequence[Proposal]) -> list[Trial]:
        graphs, bench = [p.graph for p in proposals], self.bench(self.share, trials=1)
        outcomes = await self.policy.evaluate(bench, graphs, self.batch, self._incumbent())
        return [self._record(p, o) for p, o in zip(proposals, outcomes, strict=True)]

    def _incumbent(self) -> Incumbent | None:
        if self.best is None or not self.policy.races:
            return None
        return self._followed.incumbent(self.best.key, self.best.evaluation.utilities)

    def _foresee(self, graph: Graph) -> list[float]:
        """Its utility on each question of the batch, as far as the forecast and estimates tell."""
        assert self.forecast
        price = self.environment.objective.estimate(graph)
        chances = self.forecast.chances(graph, [example.id for example in self.batch])
        return [float(chance) - price for chance in chances]

    def _record(self, proposal: Proposal, seen: Outcome) -> Trial:
        self.ledger.book(seen.calls)
        budget = self.environment.budget
        trial = Trial(
            number=self.archive.count,
            step=self.steps,
            key=self.environment.key(proposal.graph),
            proposal=proposal,
            estimate=budget.estimate(proposal.graph),
            evaluation=seen.evaluation,
            within_budget=budget.fits(seen.evaluation.cost),
            spend=replace(self.spend(), trials=self.archive.count + 1),
            dropped=seen.dropped,
        )
        self.archive.add(trial)
        self.tracker.log_trial(trial)
        if self.forecast:
            self.forecast.add(trial.graph, trial.evaluation)
        if trial.complete:
            self._followed.add(trial.evaluation.utilities)
        better = self.best is None or trial.score > self.best.score
        if trial.complete and trial.within_budget and better:
            self.best = trial
            error = trial.evaluation.standard_error
            self.progress.best(trial.evaluation.mean, error, one_line(trial.graph))
        return trial
