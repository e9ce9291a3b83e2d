"""Compute per question of one graph: what a call costs, how calls add up, what is allowed.

One definition serves the estimate (mean tokens of the task) and the measurement (real tokens).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from tts_search.core.data import Tokens
from tts_search.core.graph import Graph, Node
from tts_search.core.models import ModelPool, ModelSpec, Profile
from tts_search.errors import BudgetError


class BudgetMetric(ABC):
    """What is scarce. `unit` is the physical unit of `call_cost`."""

    name: str
    unit: str

    @abstractmethod
    def call_cost(self, model: ModelSpec, tokens: Tokens) -> float:
        """Cost of one call. Raises BudgetError when the model lacks a needed figure."""

    def combine(self, graph: Graph, node_costs: Sequence[float]) -> float:
        """Cost of one question through the graph; the sum, unless the metric says otherwise."""
        return math.fsum(node_costs)


Scale = Literal["cheapest_call", "absolute"]


def within(cost: float, limit: float) -> bool:
    """Not above the limit, up to the rounding of sums and means."""
    return cost <= limit * (1 + 1e-9)


@dataclass(frozen=True)
class Budget:
    """`limit` on the mean cost of a question, in units.

    scale "cheapest_call": one unit is one call without predecessors of the cheapest model (the
    paper's unit); "absolute": one unit is the metric's own (FLOPs, USD, seconds, tokens).
    """

    metric: BudgetMetric
    limit: float
    scale: Scale = "cheapest_call"

    def __post_init__(self) -> None:
        if self.scale not in ("cheapest_call", "absolute"):
            raise BudgetError(
                f"budget.scale must be cheapest_call or absolute, but got {self.scale!r}"
            )
        if self.scale == "cheapest_call" and isinstance(self.limit, int | float) and self.limit < 1:
            raise BudgetError(
                f"budget.limit must admit one call of the cheapest model, which costs 1, but got "
                f"{self.limit!r}; type budget.limit=1 or more"
            )
        if not (isinstance(self.limit, int | float) and 0 < self.limit < math.inf):
            raise BudgetError(f"budget.limit must be a number above 0, but got {self.limit!r}")

    def check(self, pool: ModelPool) -> None:
        """Raises BudgetError when a model lacks a figure the metric needs. Asks no model."""
        for model in pool.models:
            self.metric.call_cost(model, Tokens(1, 1))

    def bind(self, pool: ModelPool, profile: Profile) -> "BoundBudget":
        """The budget on one pool and task. Raises BudgetError if no single call fits."""
        singles = {n: self.metric.call_cost(pool[n], profile[n]) for n in pool.names}
        cheapest = min(singles, key=lambda n: singles[n])
        unit = singles[cheapest] if self.scale == "cheapest_call" else 1.0
        if not unit > 0:
            raise BudgetError(
                f"one unit is the cheapest call and must cost something, but {cheapest} costs "
                f"{unit:g} {self.metric.unit}; type budget.scale=absolute"
            )
        bound = BoundBudget(self, pool, profile, unit)
        if not bound.affordable():
            need = _round_up(singles[cheapest] / unit)
            raise BudgetError(
                f"budget.limit must admit the cheapest single call ({cheapest}: {need:g} "
                f"{self.unit_name}), but got {self.limit:g}; type budget.limit={need:g} or more"
            )
        return bound

    @property
    def unit_name(self) -> str:
        return "x cheapest call" if self.scale == "cheapest_call" else self.metric.unit


def _round_up(value: float) -> float:
    """To three digits, never below the value."""
    step = 10.0 ** (math.floor(math.log10(value)) - 2)
    return float(f"{math.ceil(value / step - 1e-9) * step:.3g}")


@dataclass(frozen=True, eq=False)
class BoundBudget:
    """A budget with the pool and the token profile it is counted on. All costs are in units."""

    budget: Budget
    pool: ModelPool
    profile: Profile
    unit: float

    _calls: dict[tuple[str, int], float] = field(default_factory=dict, init=False, repr=False)

    @property
    def limit(self) -> float:
        return self.budget.limit

    def estimate_call(self, model: str, in_degree: int) -> float:
        """One call that reads `in_degree` answers: prompt A + d*B, output B (method, section 2)."""
        cost = self._calls.get((model, in_degree))
        if cost is None:
            mean = self.profile[model]
            tokens = Tokens(mean.prompt + in_degree * mean.output, mean.output)
            cost = self.budget.metric.call_cost(self.pool[model], tokens) / self.unit
            self._calls[model, in_degree] = cost
        return cost

    def node_cost(self, node: Node, in_degree: int) -> float:
        return self.estimate_call(node.model, in_degree) if node.model else 0.0

    def estimate(self, graph: Graph) -> float:
        """Expected cost of one question."""
        costs = [
            self.node_cost(n, len(up)) for n, up in zip(graph.nodes, graph.parents, strict=True)
        ]
        return self.budget.metric.combine(graph, costs)

    def measured(self, graph: Graph, tokens: Sequence[Tokens | None]) -> float:
        """Cost of one answered question from the tokens of each node (None: no call)."""
        costs = [
            self.budget.metric.call_cost(self.pool[n.model], t) / self.unit
            if n.model and t
            else 0.0
            for n, t in zip(graph.nodes, tokens, strict=True)
        ]
        return self.budget.metric.combine(graph, costs)

    def fits(self, cost: float) -> bool:
        """Within the limit, up to rounding of sums."""
        return within(cost, self.limit)

    def admits(self, graph: Graph) -> bool:
        return self.fits(self.estimate(graph))

    def affordable(self) -> tuple[str, ...]:
        """Models of which a single call fits, cheapest first."""
        names = sorted(self.pool.names, key=lambda n: self.estimate_call(n, 0))
        return tuple(n for n in names if self.fits(self.estimate_call(n, 0)))
