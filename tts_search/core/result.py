"""What a run found, as data: the runner fills it, reports and summary.json show it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tts_search.core.graph import Graph, graph_to_json
from tts_search.core.statistics import Interval
from tts_search.core.trial import Spend


@dataclass(frozen=True)
class BudgetUse:
    """Costs are in `unit`s; `unit_value` is one unit in the metric's own `native_unit`.

    measured  mean over search and validation questions: what the recommendation was judged by
    cheapest  the model whose single call costs least
    """

    metric: str
    unit: str
    limit: float
    estimated: float
    measured: float
    native_unit: str
    unit_value: float
    cheapest: str = ""


@dataclass(frozen=True)
class TestScore:
    """Mean over the n held-out questions, each asked once. `failures` scored 0.

    cost  mean measured cost of a held-out question, in budget units
    """

    __test__ = False  # not a pytest class

    score: float
    ci95: Interval
    n: int
    failures: int = 0
    cost: float = 0.0


@dataclass(frozen=True, eq=False)
class Baseline:
    """A fixed graph under the same budget, chosen on validation and scored on test questions."""

    name: str
    graph: Graph
    key: str
    score: float
    ci95: Interval
    cost: float
    n: int = 0


@dataclass(frozen=True)
class Calls:
    """sent: paid for in this run; reused: answered by the cache or by a call in flight.

    prompt_tokens, prefix_tokens   of the calls sent; those the engine took from its prefix cache,
                                   as far as it says so
    """

    sent: int = 0
    reused: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    prefix_tokens: int = 0


@dataclass(frozen=True, eq=False)
class Finalist:
    """A graph of the front. Scores as in Summary; cost and price are means over the questions of
    both splits."""

    key: str
    graph: Graph
    search_score: float
    validation_score: float | None
    cost: float
    price: float


@dataclass(frozen=True, eq=False)
class ObjectiveUse:
    """The objective where it is more than the score. Prices are in `unit`s; `unit_value` is one
    unit in the metric's own `native_unit`.

    weight       score that a unit of price is worth
    searched_as  what the method maximised, in words
    utility      score - weight * price of the recommendation, on the questions that chose it
    price        of the recommendation, mean over search and validation questions
    test_price   the same on test questions
    front        finalists that none beats in validation score and price, the recommended one first;
                 empty but for objective=pareto
    hypervolume  share of the rectangle between (score 0, price `reference`) and (1, 0) that the
                 front of all trials dominates, by their scores on the batch
    reference    price of the dearest chain or star of one model, by estimate, scaled down to the
                 budget; what is dearer adds nothing
    """

    name: str
    metric: str
    unit: str
    native_unit: str
    unit_value: float
    weight: float
    searched_as: str
    utility: float
    price: float
    test_price: float
    front: tuple[Finalist, ...] = ()
    hypervolume: float | None = None
    reference: float | None = None

    def to_json(self) -> dict[str, Any]:
        front = [{**vars(f), "graph": graph_to_json(f.graph)} for f in self.front]
        return {**vars(self), "front": front}


@dataclass(frozen=True, eq=False)
class Summary:
    """The whole outcome. `simulated` marks results that no real model produced.

    search_score      of the recommended graph on the batch that every candidate was scored on
    validation_score  on the validation split, which chose it among the finalists; None when the
                      limits of the search left nothing for that
    """

    task: str
    data: str
    engine: str
    simulated: bool
    optimizer: str
    agent: str | None
    seed: int
    budget: BudgetUse
    best: Graph
    best_key: str
    search_score: float
    validation_score: float | None
    test: TestScore
    baselines: tuple[Baseline, ...]
    calls: Calls
    search_spend: Spend
    profile: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    stopped_by: str = ""
    seconds: float = 0.0
    objective: ObjectiveUse | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "task": self.task,
            "data": self.data,
            "engine": self.engine,
            "simulated": self.simulated,
            "optimizer": self.optimizer,
            "agent": self.agent,
            "seed": self.seed,
            "budget": asdict(self.budget),
            **({"objective": self.objective.to_json()} if self.objective else {}),
            "best": {
                "key": self.best_key,
                "search_score": self.search_score,
                "validation_score": self.validation_score,
                **graph_to_json(self.best),
            },
            "test": {**asdict(self.test), "ci95": list(self.test.ci95)},
            "baselines": [
                {
                    "name": b.name,
                    "score": b.score,
                    "ci95": list(b.ci95),
                    "cost": b.cost,
                    "n": b.n,
                    "key": b.key,
                }
                for b in self.baselines
            ],
            "calls": asdict(self.calls),
            "search_spend": asdict(self.search_spend),
            "profile": {name: list(tokens) for name, tokens in self.profile.items()},
            "stopped_by": self.stopped_by,
            "seconds": self.seconds,
        }
