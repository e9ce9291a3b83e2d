"""What was tried and what came of it: one line of archive.jsonl per trial, written at once."""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from tts_search.core.budget import within
from tts_search.core.front import non_dominated
from tts_search.core.graph import Graph
from tts_search.core.trial import Evaluation, Trial
from tts_search.errors import ConfigError

_NONE: Mapping[str, float] = MappingProxyType({})


class Answer(NamedTuple):
    """What came of one question: cost in budget units, price in the objective's, 0 without one."""

    score: float
    cost: float
    utility: float
    price: float


@dataclass(frozen=True, eq=False)
class Candidate:
    """All that is known of one graph: what came of every question asked. Means are over these.

    estimate  of a graph that was dropped: its utility on the whole batch, as the race has it
    """

    key: str
    graph: Graph
    answered: Mapping[str, Answer]
    estimate: float | None = None

    @property
    def scores(self) -> list[float]:
        return [answer.score for answer in self.answered.values()]

    @property
    def mean(self) -> float:
        return sum(self.scores) / len(self.answered)

    @property
    def cost(self) -> float:
        """Mean measured cost of a question, in budget units."""
        return sum(answer.cost for answer in self.answered.values()) / len(self.answered)

    @property
    def complete(self) -> bool:
        """Whether it answered the whole batch."""
        return self.estimate is None

    @property
    def utility(self) -> float:
        if self.estimate is not None:
            return self.estimate
        return sum(answer.utility for answer in self.answered.values()) / len(self.answered)

    @property
    def price(self) -> float:
        return sum(answer.price for answer in self.answered.values()) / len(self.answered)

    @property
    def point(self) -> tuple[float, float]:
        """Mean score and mean price."""
        return self.mean, self.price

    @property
    def place(self) -> tuple[float, float, str]:
        """Sorts the best first: higher utility, then lower cost, then the key, to fix the order."""
        return (-self.utility, self.cost, self.key)


class Point(NamedTuple):
    """A trial as a report plots it: calls spent by then, score, measured cost within budget."""

    calls: int
    score: float
    within_budget: bool


class Archive:
    """The file remembers every trial, memory only what is still needed.

    labels  written into every line (task, engine), so that no line is taken for what it is not
    keep    latest trials, and best graphs within budget, held in memory

    A file that is already there is replaced: a run started again replays its finished calls from
    the cache. `trials` are the latest, `points` one for each trial, `count` how many there were.
    """

    def __init__(
        self,
        path: Path | None = None,
        labels: Mapping[str, object] | None = None,
        keep: int = 500,
    ):
        self.trials: deque[Trial] = deque(maxlen=keep)
        self.points: list[Point] = []
        self._least = inf
        self._labels = dict(labels or {})
        self._keep = keep
        self._leaders: dict[str, Candidate] = {}
        try:
            self._file = path.open("w", encoding="utf-8") if path else None
        except OSError as error:
            raise ConfigError(
                f"the run directory must be writable, but {path} is not ({error.strerror}); "
                "type hydra.run.dir=DIR with a directory of yours"
            ) from None

    def add(self, trial: Trial) -> None:
        """Remember a trial; its line is on disk when this returns."""
        self.trials.append(trial)
        self.points.append(Point(trial.spend.calls, trial.score, trial.within_budget))
        self._least = min(self._least, trial.evaluation.cost)
        if trial.within_budget:
            estimate = None if trial.complete else trial.score
            self.merge(trial.key, trial.graph, trial.evaluation, estimate)
        if self._file:
            line = json.dumps({**self._labels, **trial.to_json()}, ensure_ascii=False)
            self._file.write(line + "\n")
            self._file.flush()

    def merge(
        self, key: str, graph: Graph, seen: Evaluation, estimate: float | None = None
    ) -> Candidate:
        """Put an evaluation together with what is known of the graph; `estimate`: see Candidate."""
        before = self._leaders.get(key)
        prices = seen.prices or (0.0,) * len(seen.scores)
        answers = map(Answer, seen.scores, seen.costs, seen.utilities, prices)
        new = dict(zip(seen.questions, answers, strict=True))
        answered = {**(before.answered if before else {}), **new}
        merged = Candidate(key, before.graph if before else graph, answered, estimate)
        self._leaders[key] = merged
        if len(self._leaders) > 2 * self._keep:
            kept = [*self.ranking(inf)[: self._keep], *self.front(inf)]
            self._leaders = {c.key: c for c in kept}
        return merged

    @property
    def count(self) -> int:
        return len(self.points)

    def candidate(self, key: str) -> Candidate:
        return self._leaders[key]

    def ranking(self, limit: float, estimates: Mapping[str, float] = _NONE) -> list[Candidate]:
        """Graphs whose measured cost is within `limit`, best first, cheaper first on ties. What
        `estimates` says of a graph, by key, counts in place of its measured utility."""
        fit = [c for c in self._leaders.values() if within(c.cost, limit)]
        return sorted(fit, key=lambda c: (-estimates.get(c.key, c.utility), *c.place[1:]))

    def front(self, limit: float) -> list[Candidate]:
        """Of those that answered the whole batch the ones that no other beats in score and price,
        best score first."""
        fit = [c for c in self.ranking(limit) if c.complete]
        return [fit[i] for i in non_dominated([c.point for c in fit])]

    def least_cost(self) -> float:
        """Measured cost of the cheapest graph: within budget on its batch, else of any."""
        return min((c.cost for c in self._leaders.values()), default=self._least)

    def close(self) -> None:
        if self._file:
            self._file.close()
