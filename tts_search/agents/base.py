"""What the optimising agent is asked: to pick model mixes, and to update the probabilities."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tts_search.core.context import SearchContext
from tts_search.core.distribution import GraphDistribution
from tts_search.core.trial import AgentUsage, Trial

__all__ = ["Agent", "AgentUsage", "Feedback", "Mix", "Pick", "SearchContext", "Update"]


@dataclass(frozen=True)
class Mix:
    """How many nodes of each model a graph may hold within the budget (Insight 1)."""

    counts: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        return " + ".join(f"{count}x{model}" for model, count in self.counts)

    @property
    def size(self) -> int:
        return sum(count for _, count in self.counts)


@dataclass(frozen=True, eq=False)
class Feedback:
    """The archive as the agent reads it: the trials and the same in words (textual gradient).

    `latest` are the trials of the last step; `guided` is False in ablations without Insights 2, 3.
    """

    trials: Sequence[Trial]
    latest: Sequence[Trial]
    text: str
    guided: bool = True


@dataclass(frozen=True)
class Pick:
    """Indices of the chosen mixes, best first, and why."""

    mixes: tuple[int, ...]
    reason: str


@dataclass(frozen=True, eq=False)
class Update:
    """The probabilities to sample from next, and why."""

    distribution: GraphDistribution
    reason: str
    notes: tuple[str, ...] = field(default=())


class Agent(Protocol):
    """Decides; never evaluates. Raises AgentError when it cannot give a usable decision."""

    name: str

    @property
    def usage(self) -> AgentUsage: ...

    async def pick_mixes(
        self, context: SearchContext, mixes: Sequence[Mix], singles: Sequence[Trial], count: int
    ) -> Pick:
        """At most `count` mixes worth a pre-test. `singles`: trials of one model alone, if any."""
        ...

    async def update(
        self, context: SearchContext, current: GraphDistribution, feedback: Feedback
    ) -> Update: ...

    async def aclose(self) -> None: ...
