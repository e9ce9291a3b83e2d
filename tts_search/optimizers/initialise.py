"""Where a search starts: what is tried first, and the probabilities it begins with."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence

from tts_search.agents.base import Agent, Mix
from tts_search.core.context import SearchContext
from tts_search.core.distribution import GraphDistribution
from tts_search.core.graph import Graph
from tts_search.core.space import SearchSpace
from tts_search.core.topologies import single
from tts_search.core.trial import Proposal, Trial
from tts_search.errors import AgentError, ConfigError
from tts_search.optimizers.mixes import has_shape, offered_mixes, shaped

_log = logging.getLogger(__name__)


class Initialiser(ABC):
    """pre-test -> first probabilities. `agent` is whom it asks, if anyone."""

    agent: Agent | None = None

    def start(self, context: SearchContext) -> None:  # noqa: B027 - most keep nothing
        """Forget all earlier searches. Called once before each."""

    @abstractmethod
    async def pretest(self, context: SearchContext, trials: Sequence[Trial]) -> Sequence[Proposal]:
        """Graphs to try next, given what came of the ones before; empty when all is known."""

    @abstractmethod
    def distribution(
        self, context: SearchContext, trials: Sequence[Trial]
    ) -> tuple[GraphDistribution, str]:
        """The first probabilities, and why."""


class Uniform(Initialiser):
    """No prior knowledge."""

    async def pretest(
        self,
        context: SearchContext,
        trials: Sequence[Trial],
    ) -> Sequence[Proposal]:
        return []

    def distribution(
        self,
        context: SearchContext,
        trials: Sequence[Trial],
    ) -> tuple[GraphDistribution, str]:
        return GraphDistribution.uniform(context.space), "uniform start"


class MixPretest(Initialiser):
    """Insight 1: single models, then the agent's choice of model mixes, then start at the best.

    mixes   how many mixes the agent may pick
    shapes  how each mix is wired in its pre-test, as the roles at hand allow
    spread  share of the uniform distribution in the first probabilities
    """

    def __init__(
        self,
        agent: Agent,
        mixes: int = 4,
        shapes: Sequence[str] = ("vote", "fuse", "refine"),
        spread: float = 0.3,
    ):
        if not 0 <= spread <= 1:
            raise ConfigError(f"init.spread must lie in [0, 1], but got {spread}")
        self.agent = agent
        self._mixes = mixes
        self._shapes = tuple(shapes)
        self._spread = spread

    def start(self, context: SearchContext) -> None:
        self._stage = 0

    async def pretest(self, context: SearchContext, trials: Sequence[Trial]) -> Sequence[Proposal]:
        self._stage += 1
        if self._stage == 1:
            return self._singles(context)
        return await self._picked(context, trials) if self._stage == 2 else []

    def _singles(self, context: SearchContext) -> list[Proposal]:
        opener = context.space.opener.name
        return [
            Proposal(single(opener, model), f"what {model} scores alone", "single")
            for model in context.space.budget.affordable()
        ]

    async def _picked(self, context: SearchContext, singles: Sequence[Trial]) -> list[Proposal]:
        mixes = offered_mixes(context.space)
        chosen, reason = await self._pick(context, mixes, singles)
        return [
            Proposal(
                _within_budget(context.space, shaped(context.space, mixes[i], shape)),
                f"pre-test {mixes[i]}, {shape}: {reason}",
                "mix",
            )
            for shape in self._shapes
            for i in chosen
            if has_shape(context.space, shape)
        ]

    async def _pick(
        self, context: SearchContext, mixes: Sequence[Mix], singles: Sequence[Trial]
    ) -> tuple[Sequence[int], str]:
        assert self.agent
        try:
            pick = await self.agent.pick_mixes(context, mixes, singles, self._mixes)
        except AgentError as error:
            _log.warning("agent %s: %s; the first mixes instead", self.agent.name, error)
            return range(len(mixes))[: self._mixes], f"agent fell back: {error}"
        return pick.mixes[: self._mixes], pick.reason

    def distribution(
        self, context: SearchContext, trials: Sequence[Trial]
    ) -> tuple[GraphDistribution, str]:
        fit = [t for t in trials if t.within_budget]
        if not fit:
            return GraphDistribution.uniform(context.space), "no pre-test kept the budget"
        best = min(fit, key=lambda t: (-t.score, t.evaluation.cost))
        at_best = GraphDistribution.around(context.space, context.space.encode(best.graph))
        start = at_best.mixed(GraphDistribution.uniform(context.space), self._spread)
        return start, f"start at the best pre-test ({best.score:.3f}: {best.graph})"


def _within_budget(space: SearchSpace, graph: Graph) -> Graph:
    """What decode keeps of it: a mix fits in its cheapest shape, others read more answers."""
    return space.decode(space.encode(graph))
