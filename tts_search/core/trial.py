"""One candidate and what came of it: the only things optimizers and the archive exchange."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any

from tts_search.core.front import Point
from tts_search.core.graph import Graph, graph_to_json
from tts_search.core.space import Choices


@dataclass(frozen=True, eq=False)
class Proposal:
    """A graph to try. `point` is the raw choice behind it, `reason` why it is tried."""

    graph: Graph
    reason: str
    stage: str = "sample"
    point: Choices | None = None


@dataclass(frozen=True)
class Evaluation:
    """A graph on a batch of questions. Item i of each tuple belongs to question `questions[i]`.

    scores            in [0, 1]
    costs             measured cost of the question, in budget units
    prompt_tokens, output_tokens   means over questions, summed over nodes
    calls             model calls of a question (a failed one included), mean
    failures          questions scored 0 because a call failed for good
    prices            of the questions, by the objective's metric, in its units; empty without one
    weight            score that a unit of price is worth
    node_scores       of each node's own answers, by node, then question: the last are `scores`;
                      empty where they were not kept
    """

    questions: tuple[str, ...]
    scores: tuple[float, ...]
    costs: tuple[float, ...]
    prompt_tokens: float
    output_tokens: float
    calls: float
    failures: int
    prices: tuple[float, ...] = ()
    weight: float = 0.0
    node_scores: tuple[tuple[float, ...], ...] = field(default=(), repr=False)

    @property
    def mean(self) -> float:
        return sum(self.scores) / len(self.scores)

    @property
    def cost(self) -> float:
        """Mean measured cost of a question, in budget units."""
        return sum(self.costs) / len(self.costs)

    @property
    def price(self) -> float:
        """Mean price of a question; 0 where the objective has none."""
        return sum(self.prices) / len(self.prices) if self.prices else 0.0

    @property
    def utilities(self) -> tuple[float, ...]:
        """What is maximised, question by question: at most 1, the score where nothing has a
        price."""
        if not self.prices:
            return self.scores
        return tuple(s - self.weight * p for s, p in zip(self.scores, self.prices, strict=True))

    @property
    def utility(self) -> float:
        return sum(self.utilities) / len(self.scores)

    @property
    def standard_error(self) -> float:
        """Of the mean score, with the Agresti-Coull pull towards 1/2: 0 of n is not certain."""
        n = len(self.scores)
        p = (sum(self.scores) + 2) / (n + 4)
        return sqrt(p * (1 - p) / (n + 4))


def joined(parts: Sequence[Evaluation]) -> Evaluation:
    """Evaluations of one graph on different questions, as one."""
    sizes = [len(part.questions) for part in parts]

    def mean(values: Iterable[float]) -> float:
        return sum(v * n for v, n in zip(values, sizes, strict=True)) / sum(sizes)

    return Evaluation(
        questions=tuple(q for part in parts for q in part.questions),
        scores=tuple(s for part in parts for s in part.scores),
        costs=tuple(c for part in parts for c in part.costs),
        prompt_tokens=mean(part.prompt_tokens for part in parts),
        output_tokens=mean(part.output_tokens for part in parts),
        calls=mean(part.calls for part in parts),
        failures=sum(part.failures for part in parts),
        prices=tuple(p for part in parts for p in part.prices),
        weight=parts[0].weight,
        node_scores=tuple(
            tuple(s for scores in node for s in scores)
            for node in zip(*(part.node_scores for part in parts), strict=True)
        ),
    )


@dataclass(frozen=True)
class Dropped:
    """Why a candidate did not answer the whole batch, and what is told of it.

    reason    in words
    rival     key of the graph it was compared with, question by question
    batch     questions the whole batch has
    estimate  its mean utility on the batch by paired differences (core/sequential.py), at most the
              rival's: who was not followed to the end has not been shown to be better
    """

    reason: str
    rival: str
    batch: int
    estimate: float


@dataclass(frozen=True)
class AgentUsage:
    """Calls, tokens and dollars the agent itself has used so far; 0 for rules."""

    calls: int = 0
    tokens: int = 0
    dollars: float = 0.0


@dataclass(frozen=True)
class Spend:
    """What a search has used up so far. Calls are those an empty cache would have had to send."""

    trials: int = 0
    calls: int = 0
    tokens: int = 0
    dollars: float = 0.0
    agent_calls: int = 0
    agent_tokens: int = 0
    agent_dollars: float = 0.0


@dataclass(frozen=True, eq=False)
class Trial:
    """A line of the archive. `within_budget` judges the measured cost, not the estimate.

    A trial that is not `complete` was dropped after part of the batch. Its evaluation holds what
    was answered; its score is an estimate for the whole batch, comparable with all others, which
    the mean of its own answers is not: its questions may have been the easy ones.
    `scalarised` is what stands in for its score while one figure is made of two in another way.
    """

    number: int
    key: str
    proposal: Proposal
    estimate: float
    evaluation: Evaluation
    within_budget: bool
    step: int = 0
    spend: Spend = field(default_factory=Spend)
    dropped: Dropped | None = None
    scalarised: float | None = None

    @property
    def complete(self) -> bool:
        return self.dropped is None

    @property
    def graph(self) -> Graph:
        return self.proposal.graph

    @property
    def score(self) -> float:
        """What is maximised: the mean score, less the price where the objective has one."""
        if self.scalarised is not None:
            return self.scalarised
        return self.dropped.estimate if self.dropped else self.evaluation.utility

    @property
    def point(self) -> Point:
        """Mean score and mean price."""
        return self.evaluation.mean, self.evaluation.price

    def to_json(self) -> dict[str, Any]:
        """Plain data, without anything that differs between a first and a cached run."""
        seen = self.evaluation
        return {
            "trial": self.number,
            "step": self.step,
            "key": self.key,
            "score": round(self.score, 6),
            **self._priced(),
            **self._unfinished(),
            "se": round(seen.standard_error, 6),
            "stage": self.proposal.stage,
            "reason": self.proposal.reason,
            **graph_to_json(self.graph),
            "width": self.graph.width,
            "depth": self.graph.depth,
            "cost": {"estimated": round(self.estimate, 6), "measured": round(seen.cost, 6)},
            "within_budget": self.within_budget,
            "tokens": {
                "prompt": round(seen.prompt_tokens, 3),
                "output": round(seen.output_tokens, 3),
            },
            "calls": round(seen.calls, 3),
            "failures": seen.failures,
            "questions": list(seen.questions),
            "scores": [round(s, 6) for s in seen.scores],
            "node_scores": [round(sum(own) / len(own), 6) for own in seen.node_scores],
            **({"prices": [round(p, 9) for p in seen.prices]} if seen.prices else {}),
            "spend": {k: round(v, 9) for k, v in vars(self.spend).items()},
        }

    def _priced(self) -> dict[str, Any]:
        """Nothing where the score is all there is. Means over the questions answered."""
        seen = self.evaluation
        if not seen.prices:
            return {}
        return {"accuracy": round(seen.mean, 6), "price": round(seen.price, 9)}

    def _unfinished(self) -> dict[str, Any]:
        """Nothing for a trial of the whole batch."""
        if self.dropped is None:
            return {}
        return {
            "complete": False,
            "dropped": {
                "reason": self.dropped.reason,
                "rival": self.dropped.rival,
                "answered": len(self.evaluation.scores),
                "batch": self.dropped.batch,
                "mean": round(self.evaluation.mean, 6),
            },
        }
