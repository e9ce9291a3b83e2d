"""One figure of score and price, another one at every update: how a method that learns from one
figure looks for a front (ParEGO; Knowles, IEEE TEC 2006)."""

from collections.abc import Sequence
from dataclasses import replace

from tts_search.core.context import SearchContext
from tts_search.core.front import WEIGHTS, Chebyshev
from tts_search.core.trial import Trial


class Scalariser:
    """Trials whose score is the figure last drawn; as they are without a front, or before a draw.

    The seed fixes the weights. Of graphs within budget the best and the least of either objective
    set the scale, as far as there are any.
    """

    def __init__(self, context: SearchContext, name: str):
        self._front = context.objective.front
        self._weight = context.objective.weight
        self._rng = context.rng(f"{name}/weights")
        self._figure: Chebyshev | None = None

    def draw(self, known: Sequence[Trial]) -> None:
        if self._front and known:
            weight = int(self._rng.integers(WEIGHTS + 1)) / WEIGHTS
            fit = [t.point for t in known if t.within_budget]
            self._figure = Chebyshev.over(fit or [t.point for t in known], weight)

    def __call__(self, trials: Sequence[Trial]) -> list[Trial]:
        if self._figure is None:
            return list(trials)
        return [replace(t, scalarised=self._figure(t.point)) for t in trials]

    def value(self, score: float, price: float) -> float:
        """The figure of a graph that is expected to have that score and price."""
        if self._figure is None:
            return score - self._weight * price
        return self._figure((score, price))

    @property
    def words(self) -> str:
        """Added to a reason."""
        return f" (score weighs {self._figure.weight:g} against the price)" if self._figure else ""
