"""How far a candidate is followed along its questions: what all ways to decide that share, and the
plainest of them. tts_search/racing.py is the other."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tts_search.core.data import Example
from tts_search.core.graph import Graph
from tts_search.core.trial import Dropped, Evaluation
from tts_search.environment.environment import Environment
from tts_search.environment.ledger import CallRecord, Ledger


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


@dataclass(frozen=True, eq=False)
class Incumbent:
    """The best so far: the key of its graph, its mean utility on the batch, and a forecast of a
    candidate's on each question of the batch, in order."""

    key: str
    mean: float
    forecast: Sequence[float]


class Followed:
    """Candidates that answered the whole batch. Keeps the sum of their utilities by
    question."""

    def __init__(self) -> None:
        self._sums: Sequence[float] = ()
        self._count = 0

    def add(self, scores: Sequence[float]) -> None:
        self._sums = [a + b for a, b in zip(self._sums or [0.0] * len(scores), scores, strict=True)]
        self._count += 1

    def incumbent(self, key: str, scores: Sequence[float]) -> Incumbent:
        """The best of them. Candidates are like it, and share its calls: half of the forecast; the
        other half is how all fared, that is, how hard the question is."""
        forecast = [(a + b / self._count) / 2 for a, b in zip(scores, self._sums, strict=True)]
        return Incumbent(key, sum(scores) / len(scores), forecast)


class Policy(ABC):
    """The same for the search and its finals, whatever the optimizer.

    races  candidates are stopped early, for which there must be an incumbent
    """

    races = False

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
