"""Two verbs and frozen data: ask for proposals, tell what came of them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from tts_search.core.context import SearchContext
from tts_search.core.trial import AgentUsage, Proposal, Trial

__all__ = ["Optimizer", "SearchContext"]


class Optimizer(ABC):
    """A search method. Configured by the constructor, bound to one search by `start`."""

    name: str
    fixed_family = False
    """True: proposes a few graphs of one shape, then ends, whatever else the space holds."""
    fronts = False
    """True: searches for a front where the objective has one; the others are told one figure."""

    def start(self, context: SearchContext) -> None:
        """Called once, before the first ask."""
        self.context = context

    @abstractmethod
    async def ask(self, n: int) -> Sequence[Proposal]:
        """1 to n proposals; async, for an LLM may sit behind it. Empty: nothing left to try."""

    @abstractmethod
    def tell(self, trials: Sequence[Trial]) -> None:
        """Remember evaluated proposals. Telling a trial twice is harmless."""

    @property
    def estimates(self) -> Mapping[str, float]:
        """What the method believes of graphs it was told, by key: their utility on the batch. Those
        it is silent on count with what was measured. Leaders are chosen by these figures."""
        return {}

    @property
    def agent_usage(self) -> AgentUsage:
        """What an agent behind this method has used; nothing if there is none."""
        return AgentUsage()

    async def aclose(self) -> None:  # noqa: B027 - most methods hold nothing
        """Release what the method holds, such as its agent's client."""
