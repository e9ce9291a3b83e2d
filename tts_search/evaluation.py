"""How far a candidate is followed along its questions: what all ways to decide that share, and the
plainest of them. tts_search/racing.py is the other."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tts_search.core.context import SearchContext
from tts_search.core.data import Example
from tts_search.core.graph import Graph
from tts_search.core.trial import Dropped, Evaluation
from tts_search.environment.environment import Environment
from tts_search.environment.ledger import CallRecord, Ledger
from tts_search.forecast.forecast import Forecast


@dataclass(frozen=True, eq=False)
class Bench:
    """Where candidates are evaluated, and with what means.

    affords  (graphs, questions) -> how many of these graphs, from the first on, may each answer
             that many questions within the limits
    """

    environment: Environment
    ledger: Ledger
    affords: Callable[[Sequence[Graph], int], int]


@dataclass(frozen=True, eq=False)
class Outcome:
    """`calls` are those that are not booked yet; `dropped` is None after a whole batch."""

    evaluation: Evaluation
    calls: Sequence[CallRecord] = field(default=(), repr=False)
    dropped: Dropped | None = None


Foresee = Callable[[Graph], Sequence[float]]
"""Graph -> its expected utility on each question of the batch, in order."""


@dataclass(frozen=True, eq=False)
class Incumbent:
    """The best so far: the key of its graph, its mean utility on the batch, and what it and all
    others let expect of a candidate on each question of the batch, in order.

    foresee  what is expected of a certain graph, if there is more to go by
    """

    key: str
    mean: float
    forecast: Sequence[float]
    foresee: Foresee | None = None

    def forecast_of(self, graph: Graph) -> Sequence[float]:
        """Of its utility on each question, fixed before it starts: the mean of both."""
        if self.foresee is None:
            return self.forecast
        own = self.foresee(graph)
        return [(a + b) / 2 for a, b in zip(self.forecast, own, strict=True)]


class Followed:
    """Candidates that answered the whole batch. Keeps the sum of their utilities by
    question."""

    def __init__(self, foresee: Foresee | None = None) -> None:
        self._sums: Sequence[float] = ()
        self._count = 0
        self._foresee = foresee

    def add(self, scores: Sequence[float]) -> None:
        self._sums = [a + b for a, b in zip(self._sums or [0.0] * len(scores), scores, strict=True)]
        self._count += 1

    def incumbent(self, key: str, scores: Sequence[float]) -> Incumbent:
        """The best of them. Candidates are like it, and share its calls: half of the forecast; the
        other half is how all fared, that is, how hard the question is."""
        forecast = [(a + b / self._count) / 2 for a, b in zip(scores, self._sums, strict=True)]
        return Incumbent(key, sum(scores) / len(scores), forecast, self._foresee)


class Policy(ABC):
    """The same for the search and its finals, whatever the optimizer.

    races  candidates are stopped early, for which there must be an incumbent
    """

    races = False

    def forecast(self, context: SearchContext) -> Forecast | None:
        """What it goes by in a search, if anything; it will hear of all trials."""
        return None

    @abstractmethod
    async def evaluate(
        self,
        bench: Bench,
        graphs: Sequence[Graph],
        batch: Sequence[Example],
        incumbent: Incumbent | None,
    ) -> list[Outcome]:
        """What came of each graph. Raises EngineUnavailable."""


class Full(Policy):
    """Every candidate answers the whole batch."""

    async def evaluate(
        self,
        bench: Bench,
        graphs: Sequence[Graph],
        batch: Sequence[Example],
        incumbent: Incumbent | None,
    ) -> list[Outcome]:
        evaluated = await bench.environment.evaluate_many(graphs, batch)
        return [Outcome(seen.evaluation, seen.calls) for seen in evaluated]
