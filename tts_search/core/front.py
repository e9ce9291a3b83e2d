"""Fronts of two objectives, score up and price down: who is on one, what one is worth, and how two
figures become one."""

from collections.abc import Sequence
from dataclasses import dataclass

Point = tuple[float, float]
"""(score, price)"""

RHO = 0.05
WEIGHTS = 10  # ParEGO draws one of 0/10, 1/10, ..., 10/10


def dominates(one: Point, other: Point) -> bool:
    """At least as good in both, better in one."""
    return one != other and one[0] >= other[0] and one[1] <= other[1]


def non_dominated(points: Sequence[Point]) -> list[int]:
    """Indices of the points that none dominates, best score first; of equal points the first."""
    order = sorted(range(len(points)), key=lambda i: (-points[i][0], points[i][1], i))
    front: list[int] = []
    for i in order:
        if not front or points[i][1] < points[front[-1]][1]:
            front.append(i)
    return front


def hypervolume(points: Sequence[Point], reference: Point) -> float:
    """Area that the points dominate above the reference (Zitzler & Thiele, "Multiobjective
    evolutionary algorithms: a comparative case study and the strength Pareto approach", IEEE TEC
    1999): a sweep over the front. Points that do not dominate the reference add nothing."""
    area, (least, ceiling) = 0.0, reference
    for score, price in (points[i] for i in non_dominated(points)):
        if score > least and price < ceiling:
            area += (score - least) * (ceiling - price)
            ceiling = price
    return area


@dataclass(frozen=True)
class Chebyshev:
    """The augmented Chebyshev scalarisation of ParEGO (Knowles, IEEE TEC 2006, eq. 2) of
    objectives normalised by the least and the most of each that is known.

    weight  of the score, in [0, 1]; the rest is the price's
    """

    weight: float
    scores: Point
    prices: Point

    @classmethod
    def over(cls, points: Sequence[Point], weight: float) -> "Chebyshev":
        scores, prices = zip(*points, strict=True)
        return cls(weight, (min(scores), max(scores)), (min(prices), max(prices)))

    def __call__(self, point: Point) -> float:
        """In [0, 1], 1 for the best of both."""
        (low, high), (cheap, dear) = self.scores, self.prices
        losses = (
            self.weight * _share(high - point[0], high - low),
            (1 - self.weight) * _share(point[1] - cheap, dear - cheap),
        )
        return 1 - (max(losses) + RHO * sum(losses)) / (1 + RHO)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
