"""Ways to turn feedback into new probabilities. One of these is what makes a method."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from tts_search.agents.base import Agent, Update
from tts_search.core.context import SearchContext
from tts_search.core.distribution import GraphDistribution
from tts_search.core.trial import Trial
from tts_search.errors import AgentError
from tts_search.optimizers.feedback import write_feedback

_log = logging.getLogger(__name__)


class Updater(ABC):
    """feedback -> probabilities. `latest` are the trials since the update before, at least one.

    `agent` is whom it asks, if anyone.
    """

    agent: Agent | None = None

    @abstractmethod
    async def update(
        self,
        context: SearchContext,
        current: GraphDistribution,
        trials: Sequence[Trial],
        latest: Sequence[Trial],
    ) -> Update: ...


class ReinforceStep(Updater):
    """One step up the policy gradient: rate * mean of (score - baseline) * grad log p (eq. of
    Williams 1992), the baseline being the mean of all scores so far."""

    def __init__(self, rate: float = 4.0):
        self._rate = rate

    async def update(
        self,
        context: SearchContext,
        current: GraphDistribution,
        trials: Sequence[Trial],
        latest: Sequence[Trial],
    ) -> Update:
        baseline = float(np.mean([t.score for t in trials]))
        edge, role, model = (np.zeros_like(p) for p in (current.edge, current.role, current.model))
        for trial in latest:
            gain = (trial.score - baseline) / len(latest)
            by_edge, by_role, by_model = current.score(
                trial.proposal.point or context.space.encode(trial.graph)
            )
            edge, role, model = (
                edge + gain * by_edge,
                role + gain * by_role,
                model + gain * by_model,
            )
        after = current.step((edge, role, model), self._rate)
        return Update(after, f"REINFORCE step against baseline {baseline:.3f}")


class AgentUpdate(Updater):
    """The agent reads the feedback and returns the probabilities, which are then sampled as given.

    guided    tell the agent Insights 2 and 3
    remember  show it the whole archive, not the latest step alone
    An agent without a usable reply is replaced, for that step, by a plain REINFORCE step.
    """

    def __init__(self, agent: Agent, guided: bool = True, remember: bool = True):
        self.agent = agent
        self._guided = guided
        self._remember = remember
        self._fallback = ReinforceStep()

    async def update(
        self,
        context: SearchContext,
        current: GraphDistribution,
        trials: Sequence[Trial],
        latest: Sequence[Trial],
    ) -> Update:
        feedback = write_feedback(
            context, trials, latest, guided=self._guided, remember=self._remember
        )
        assert self.agent
        try:
            return await self.agent.update(context, current, feedback)
        except AgentError as error:
            _log.warning("agent %s: %s; a REINFORCE step instead", self.agent.name, error)
            step = await self._fallback.update(context, current, trials, latest)
            return Update(step.distribution, f"{step.reason} (agent fell back: {error})")
