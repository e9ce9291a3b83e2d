"""What a search maximises: the score, the score less a price, or a front of both.

The price of a question is a second cost of the very calls that answered it, by any budget metric,
whatever the budget is counted in.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from typing import ClassVar

from tts_search.core.budget import BoundBudget, Budget, BudgetMetric, Scale
from tts_search.core.data import Tokens
from tts_search.core.graph import Graph, Node
from tts_search.core.models import ModelPool, Profile
from tts_search.core.topologies import refine_chain, star
from tts_search.errors import BudgetError, ConfigError

BOUNDLESS, TINY = 1e300, 1e-300


@dataclass(frozen=True, eq=False)
class BoundObjective:
    """An objective on one pool and token profile.

    meter   measures the price of a question, in its units; None: the score is all there is
    weight  score that a unit of price is worth
    front   score and price are objectives of their own; `weight` serves those who need one figure
    """

    meter: BoundBudget | None = None
    weight: float = 0.0
    front: bool = False

    def prices(
        self, graph: Graph, answered: Sequence[Sequence[Tokens | None]]
    ) -> tuple[float, ...]:
        """Of each question, from the tokens of each node; empty without a metric."""
        if self.meter is None:
            return ()
        return tuple(self.meter.measured(graph, tokens) for tokens in answered)

    def estimate(self, graph: Graph) -> float:
        """What the price of a question is expected to take off the score."""
        return self.weight * self.meter.estimate(graph) if self.meter else 0.0

    def words(self, fronts: bool) -> str:
        """What a method goes for; `fronts`: it can go for a front."""
        if self.meter is None:
            return "highest mean score"
        price = f"{self.meter.budget.metric.name} (unit: {self.meter.budget.unit_name})"
        if self.front and fronts:
            return f"front of mean score and {price}"
        return f"highest mean score - {self.weight:g} x {price}"

    def dearest(self, budget: BoundBudget, role: str, slots: int) -> float:
        """The highest price of a chain or star of one model, by estimate, scaled down to the budget
        where it costs more: the hypervolume of a front is measured from here with all methods."""
        assert self.meter
        models, sizes = budget.affordable(), range(1, slots + 1)
        graphs = [refine_chain(role, m, n) for m in models for n in sizes]
        graphs += [star(role, m, n - 1, Node(role, m)) for m in models for n in sizes]
        shares = [min(1.0, budget.limit / max(budget.estimate(g), TINY)) for g in graphs]
        return max(s * self.meter.estimate(g) for s, g in zip(shares, graphs, strict=True))


@dataclass(frozen=True)
class Objective:
    """The mean score alone."""

    name: ClassVar[str] = "score"
    front: ClassVar[bool] = False

    def check(self, pool: ModelPool) -> None:
        """Raises BudgetError when a model lacks a figure the metric needs. Asks no model."""

    def bind(self, pool: ModelPool, profile: Profile) -> BoundObjective:
        """Raises BudgetError when the cheapest call, as a unit, costs nothing."""
        return BoundObjective()


@dataclass(frozen=True)
class Weighted(Objective):
    """Utility of a question = score - weight * price.

    scale "cheapest_call": a unit of price is one call without predecessors of the model that is
    cheapest by this metric; "absolute": the metric's own (FLOPs, USD, seconds, tokens).
    """

    metric: BudgetMetric
    weight: float = 0.05
    scale: Scale = "cheapest_call"

    name: ClassVar[str] = "weighted"

    def __post_init__(self) -> None:
        if not (isfinite(self.weight) and self.weight >= 0):
            raise ConfigError(
                f"objective.weight must be a number of 0 or more, but got {self.weight:g}; "
                "type objective.weight=0.05"
            )
        with _about_the_objective():
            self._budget  # noqa: B018 - refuses a wrong scale

    @property
    def _budget(self) -> Budget:
        return Budget(self.metric, BOUNDLESS, self.scale)

    def check(self, pool: ModelPool) -> None:
        with _about_the_objective():
            self._budget.check(pool)

    def bind(self, pool: ModelPool, profile: Profile) -> BoundObjective:
        with _about_the_objective():
            return BoundObjective(self._budget.bind(pool, profile), self.weight, self.front)


@dataclass(frozen=True)
class Pareto(Weighted):
    """Score up and price down, neither traded for the other. Methods that cannot search for a front
    maximise score - weight * price; with all methods the archive keeps the front."""

    weight: float = 0.01

    name: ClassVar[str] = "pareto"
    front: ClassVar[bool] = True


@contextmanager
def _about_the_objective() -> Iterator[None]:
    """A metric words its errors for the group budget."""
    try:
        yield
    except BudgetError as error:
        message = str(error).replace("budget=", "objective.metric=")
        raise BudgetError(message.replace("budget.", "objective.")) from None
