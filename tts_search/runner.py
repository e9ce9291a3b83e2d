"""The search loop: ask -> evaluate -> archive -> tell, until a limit is reached."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tts_search.archive import Archive
from tts_search.core.data import Example
from tts_search.core.trial import Proposal, Spend, Trial
from tts_search.environment.environment import Environment, Evaluated
from tts_search.environment.ledger import Ledger
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
    `share` of each limit is spent here; the rest is kept for the finals.
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
    steps: int = 0
    best: Trial | None = None

    async def run(self) -> str:
        """Search, and say what ended it. Raises EngineUnavailable; the archive keeps all steps."""
        while True:
            stop = self.limits.broken_by(self.spend(), Need(1, 1, 0, 0), self.share)
            if stop:
                return stop
            proposals = await self.optimizer.ask(self._places())
            if not proposals:
                return "optimizer has nothing left to try"
            started = self._affordable(proposals)
            if not started:
                return self._refusal(proposals[0])
            self.optimizer.tell(await self._step(started))

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

    def _affordable(self, proposals: Sequence[Proposal]) -> list[Proposal]:
        """The first proposals that fit the limits together."""
        started: list[Proposal] = []
        spend = self.spend()
        for proposal in proposals:
            more = self._need(proposal)
            if self.limits.broken_by(spend, more, self.share):
                break
            started.append(proposal)
            spend = replace(
                spend,
                trials=spend.trials + more.trials,
                calls=spend.calls + more.calls,
                tokens=spend.tokens + int(more.tokens),
                dollars=spend.dollars + more.dollars,
            )
        return started

    def _need(self, proposal: Proposal) -> Need:
        return need(proposal.graph, len(self.batch), self.environment.budget)

    def _refusal(self, proposal: Proposal) -> str:
        return self.limits.broken_by(self.spend(), self._need(proposal), self.share) or ""

    async def _step(self, proposals: Sequence[Proposal]) -> list[Trial]:
        graphs = [p.graph for p in proposals]
        evaluated = await self.environment.evaluate_many(graphs, self.batch)
        self.steps += 1
        return [self._record(p, e) for p, e in zip(proposals, evaluated, strict=True)]

    def _record(self, proposal: Proposal, seen: Evaluated) -> Trial:
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
        )
        self.archive.add(trial)
        self.tracker.log_trial(trial)
        if trial.within_budget and (self.best is None or trial.score > self.best.score):
            self.best = trial
            error = trial.evaluation.standard_error
            self.progress.best(trial.score, error, one_line(trial.graph))
        return trial
