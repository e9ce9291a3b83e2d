"""The one loop of REINFORCE, Agent-REINFORCE, TextGrad and MAAO: sample -> feedback -> update.

What tells them apart are the two parts: how the probabilities start, how feedback changes them.
"""

import logging
from collections.abc import Mapping, Sequence

from tts_search.agents.base import Agent
from tts_search.core.context import SearchContext
from tts_search.core.distribution import GraphDistribution
from tts_search.core.trial import AgentUsage, Proposal, Trial
from tts_search.errors import ConfigError
from tts_search.optimizers.base import Optimizer
from tts_search.optimizers.foresight import Foresight
from tts_search.optimizers.initialise import Initialiser
from tts_search.optimizers.sampling import Sampler
from tts_search.optimizers.scalarise import Scalariser
from tts_search.optimizers.update import Step, Updater

MEMORY = 500  # best trials kept once there are twice as many
_log = logging.getLogger(__name__)


class SampleFeedbackUpdate(Optimizer):
    """Samples `samples` graphs between updates of the probabilities; with foresight, many more, of
    which the `samples` most promising are tried.

    When the probabilities hold no graph that is not already scored, a `widen` share of the
    uniform distribution is mixed in, then it alone is sampled; when that is dry too, the space is.
    Where score and price are to make a front, each update weighs the two anew.
    """

    fronts = True

    def __init__(
        self,
        name: str,
        init: Initialiser,
        update: Updater,
        samples: int = 4,
        widen: float = 0.3,
        foresight: Foresight | None = None,
    ):
        if samples < 1:
            raise ConfigError(f"optimizer.samples must be at least 1, but got {samples}")
        self.name = name
        self._init = init
        self._updater = update
        self._samples = samples
        self._widen = widen
        self._foresight = foresight

    def start(self, context: SearchContext) -> None:
        super().start(context)
        self._init.start(context)
        self._updater.start(context)
        if self._foresight:
            self._foresight.start(context, self.name)
        self._sampler = Sampler(context)
        self._weighed = Scalariser(context, self.name)
        self._known: list[Trial] = []
        self._latest: list[Trial] = []
        self._heard = -1
        self._queue: list[Proposal] = []
        self._distribution: GraphDistribution | None = None
        self._reason = ""

    @property
    def distribution(self) -> GraphDistribution | None:
        """What is sampled from now; None during the pre-test."""
        return self._distribution

    @property
    def agent_usage(self) -> AgentUsage:
        used = [agent.usage for agent in self._agents()]
        return AgentUsage(
            sum(u.calls for u in used), sum(u.tokens for u in used), sum(u.dollars for u in used)
        )

    async def aclose(self) -> None:
        for agent in self._agents():
            await agent.aclose()

    def _agents(self) -> list[Agent]:
        """Initialisation and update may share one."""
        asked = {id(a): a for a in (self._init.agent, self._updater.agent) if a}
        return list(asked.values())

    async def ask(self, n: int) -> Sequence[Proposal]:
        if not self._queue:
            self._queue = list(await self._next())
        asked, self._queue = self._queue[:n], self._queue[n:]
        return asked

    def tell(self, trials: Sequence[Trial]) -> None:
        new = [t for t in trials if t.number > self._heard]
        self._heard = max([self._heard, *(t.number for t in new)])
        self._known = [*self._known, *new]  # others may hold the old one
        self._latest = [*self._latest, *new]
        if len(self._known) > 2 * MEMORY:
            best = sorted(self._known, key=lambda t: -t.score)[:MEMORY]
            self._known = sorted(best, key=lambda t: t.number)
        if new and self._foresight:
            self._foresight.tell(new, self._known)

    @property
    def estimates(self) -> Mapping[str, float]:
        return self._foresight.estimates if self._foresight else {}

    async def _next(self) -> Sequence[Proposal]:
        while self._distribution is None:
            pretest = await self._init.pretest(self.context, self._known)
            if not pretest:
                self._distribution, self._reason = self._init.distribution(
                    self.context, self._known
                )
                self._latest = []
                return self._draw(self._reason)
            new = [p for p in pretest if self._sampler.is_new(p.graph)]
            if new:
                return new
        if self._latest:
            await self._update(self._distribution)
        return self._draw(self._reason)

    async def _update(self, current: GraphDistribution) -> None:
        latest, self._latest = self._latest, []
        self._weighed.draw(self._known)
        known, latest = self._weighed(self._known), self._weighed(latest)
        update = await self._updater.update(Step(self.context, current, known, latest))
        self._distribution = update.distribution
        self._reason = update.reason + self._weighed.words
        _log.info("update after %d trials: %s", self._heard + 1, update.reason)
        for note in update.notes:
            _log.info("agent: %s", note)

    def _draw(self, reason: str) -> Sequence[Proposal]:
        assert self._distribution is not None
        drawn: Sequence[Proposal] = ()
        if self._foresight:
            drawn = self._foresight.choose(
                self._distribution, self._sampler, self._samples, reason, self._weighed.value
            )
        drawn = drawn or self._sampler.draw(self._distribution, self._samples, reason)
        uniform = GraphDistribution.uniform(self.context.space)
        for share in (self._widen, 1.0):
            if drawn:
                break
            wider = self._distribution.mixed(uniform, share)
            note = f"no new graph left; {share:g} of uniform mixed in ({reason})"
            drawn = self._sampler.draw(wider, self._samples, note, "widened")
        return drawn
