"""Ways to turn feedback into new probabilities. One of these is what makes a method."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tts_search.agents.base import Agent, Update
from tts_search.core.context import SearchContext
from tts_search.core.distribution import GraphDistribution
from tts_search.core.space import Choices
from tts_search.core.trial import Trial
from tts_search.errors import AgentError
from tts_search.optimizers.feedback import write_feedback

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Step:
    """What an update has to go by.

    current   the probabilities until now
    trials    all that are known, those of the pre-test included
    latest    those since the update before, at least one; as a rule sampled from `current`
    """

    context: SearchContext
    current: GraphDistribution
    trials: Sequence[Trial]
    latest: Sequence[Trial]


class Updater(ABC):
    """feedback -> probabilities. `agent` is whom it asks, if anyone."""

    agent: Agent | None = None

    def start(self, context: SearchContext) -> None:  # noqa: B027 - most keep nothing
        """Forget all earlier searches. Called once before each."""

    @abstractmethod
    async def update(self, step: Step) -> Update: ...


class ReinforceStep(Updater):
    """One plain step up the policy gradient: rate * mean of (reward - baseline) * grad log p (eq.
    of Williams 1992), the baseline being the mean of all rewards so far. Needs no library."""

    def __init__(self, rate: float = 4.0):
        self._rate = rate

    async def update(self, step: Step) -> Update:
        now, count = step.current, len(step.latest)
        baseline = float(np.mean([reward(t) for t in step.trials]))
        edge, role, model = (np.zeros_like(p) for p in (now.edge, now.role, now.model))
        for trial in step.latest:
            gain = (reward(trial) - baseline) / count
            by_edge, by_role, by_model = now.score(raw_point(step.context, trial))
            edge, role, model = (
                edge + gain * by_edge,
                role + gain * by_role,
                model + gain * by_model,
            )
        after = now.step((edge, role, model), self._rate)
        return Update(after, f"REINFORCE step against baseline {baseline:.3f}")


def reward(trial: Trial) -> float:
    """The score; 0, or less if it is, for a graph that broke the budget as measured, for it is
    never recommended."""
    return trial.score if trial.within_budget else min(trial.score, 0.0)


def raw_point(context: SearchContext, trial: Trial) -> Choices:
    """The raw choices that the trial's graph was decoded from, or would be."""
    return trial.proposal.point or context.space.encode(trial.graph)


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

    async def update(self, step: Step) -> Update:
        feedback = write_feedback(
            step.context, step.trials, step.latest, guided=self._guided, remember=self._remember
        )
        assert self.agent
        try:
            return await self.agent.update(step.context, step.current, feedback)
        except AgentError as error:
            _log.warning("agent %s: %s; a REINFORCE step instead", self.agent.name, error)
            plain = await self._fallback.update(step)
            return replace(plain, reason=f"{plain.reason} (agent fell back: {error})")


class Alternate(Updater):
    """A step of `gradient` and a proposal of the agent in turn, the gradient first (MAAO).

    guided, remember   as in AgentUpdate
    models    False: model probabilities stay as they were; edges and roles alone are learned
    """

    def __init__(
        self,
        gradient: Updater,
        agent: Agent,
        guided: bool = False,
        remember: bool = True,
        models: bool = True,
    ):
        self.agent = agent
        self._turns = (gradient, AgentUpdate(agent, guided, remember))
        self._models = models
        self._taken = 0

    def start(self, context: SearchContext) -> None:
        self._taken = 0
        for updater in self._turns:
            updater.start(context)

    async def update(self, step: Step) -> Update:
        updater = self._turns[self._taken % len(self._turns)]
        self._taken += 1
        update = await updater.update(step)
        if self._models:
            return update
        kept = replace(update.distribution, model=step.current.model)
        return replace(update, distribution=kept)
