"""What a recommendation is truly worth: whatever the objective maximises, known to no method."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from tts_search.core.front import Point, hypervolume
from tts_search.core.graph import Graph
from tts_search.core.objective import BoundObjective
from tts_search.environment.simulated import SimulatedEnvironment

Measure = Literal["score", "utility", "hypervolume"]
QUESTIONS, RUNS = 10_000, 2  # what a true score is a mean over


@dataclass(frozen=True, eq=False)
class Truth:
    """True scores in a world, whatever the budget. All graphs meet the same population of
    questions; what was asked once is remembered."""

    judge: SimulatedEnvironment
    _scores: dict[str, float] = field(default_factory=dict)

    def score(self, graph: Graph) -> float:
        key = self.judge.key(graph)
        if key not in self._scores:
            self._scores[key] = self.judge.true_score(graph, QUESTIONS, RUNS)
        return self._scores[key]


@dataclass(frozen=True, eq=False)
class Worth:
    """Of one graph its expected score, or that less its price; of a front its hypervolume, as a
    share of the rectangle up to the price `dearest` (docs/objective.md).

    payer  plays graphs in the world with the objective's metric
    """

    truth: Truth
    objective: BoundObjective
    payer: SimulatedEnvironment
    dearest: float
    _prices: dict[str, float] = field(default_factory=dict)

    @property
    def measure(self) -> Measure:
        if self.objective.front:
            return "hypervolume"
        return "utility" if self.objective.meter else "score"

    def point(self, graph: Graph) -> Point:
        """Expected score and expected price."""
        key = self.payer.key(graph)
        if key not in self._prices:
            self._prices[key] = self.payer.true_price(graph, QUESTIONS)
        return self.truth.score(graph), self._prices[key]

    def __call__(self, graphs: Sequence[Graph]) -> float:
        """Of a recommendation: of its first graph, or of its front."""
        points = [self.point(graph) for graph in graphs]
        if self.objective.front:
            return hypervolume(points, (0.0, self.dearest)) / self.dearest
        score, price = points[0]
        return score - self.objective.weight * price
