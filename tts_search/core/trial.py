"""One candidate and what came of it: the only things optimizers and the archive exchange."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any

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
    """

    questions: tuple[str, ...]
    scores: tuple[float, ...]
    costs: tuple[float, ...]
    prompt_tokens: float
    output_tokens: float
    calls: float
    failures: int

    @property
    def mean(self) -> float:
        return sum(self.scores) / len(self.scores)

    @property
    def cost(self) -> float:
        """Mean measured cost of a question, in budget units."""
        return sum(self.costs) / len(self.costs)

    @property
    def standard_error(self) -> float:
        """Of the mean, with the Agresti-Coull pull towards 1/2, so that 0 of n is not certain."""
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
    )


@dataclass(frozen=True)
class Dropped:
    """Why a candidate did not answer the whole batch, and what is told of it.

    reason    in words
    rival     key of the graph it was compared with, question by question
    batch     questions the whole batch has
    estimate  its mean score on the batch by paired differences (core/sequential.py), at most the
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

    @property
    def complete(self) -> bool:
        return self.dropped is None

    @property
    def graph(self) -> Graph:
        return self.proposal.graph

    @property
    def score(self) -> float:
        return self.dropped.estimate if self.dropped else self.evaluation.mean

    def to_json(self) -> dict[str, Any]:
        """Plain data, without anything that differs between a first and a cached run."""
        seen = self.evaluation
        return {
            "trial": self.number,
            "step": self.step,
            "key": self.key,
            "score": round(self.score, 6),
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
            "spend": {k: round(v, 9) for k, v in vars(self.spend).items()},
        }

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
