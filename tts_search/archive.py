"""What was tried and what came of it: one line of archive.jsonl per trial, written at once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tts_search.core.budget import within
from tts_search.core.graph import Graph
from tts_search.core.statistics import Interval, mean_interval
from tts_search.core.trial import Evaluation, Trial
from tts_search.errors import ConfigError


@dataclass(frozen=True, eq=False)
class Candidate:
    """All that is known of one graph: (score, cost in budget units) of every question asked."""

    key: str
    graph: Graph
    answered: Mapping[str, tuple[float, float]]

    @property
    def scores(self) -> list[float]:
        return [score for score, _ in self.answered.values()]

    @property
    def mean(self) -> float:
        return sum(self.scores) / len(self.answered)

    @property
    def cost(self) -> float:
        """Mean measured cost of a question, in budget units."""
        return sum(cost for _, cost in self.answered.values()) / len(self.answered)

    @property
    def ci95(self) -> Interval:
        return mean_interval(self.scores)


class Archive:
    """Trials in order. `labels` are written into every line (task, engine), so that no line can
    be taken for something it is not. A file that is already there is replaced: a run started
    again replays its finished calls from the cache."""

    def __init__(self, path: Path | None = None, labels: Mapping[str, object] | None = None):
        self.trials: list[Trial] = []
        self._labels = dict(labels or {})
        self._candidates: dict[str, Candidate] = {}
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
        self.merge(trial.key, trial.graph, trial.evaluation)
        if self._file:
            line = json.dumps({**self._labels, **trial.to_json()}, ensure_ascii=False)
            self._file.write(line + "\n")
            self._file.flush()

    def merge(self, key: str, graph: Graph, seen: Evaluation) -> Candidate:
        """Put an evaluation together with what is known of the graph."""
        before = self._candidates.get(key)
        answers = zip(seen.questions, zip(seen.scores, seen.costs, strict=True), strict=True)
        answered = {**(before.answered if before else {}), **dict(answers)}
        self._candidates[key] = Candidate(key, before.graph if before else graph, answered)
        return self._candidates[key]

    def candidate(self, key: str) -> Candidate:
        return self._candidates[key]

    def ranking(self, limit: float) -> list[Candidate]:
        """Graphs whose measured cost is within `limit`, best mean first, cheaper first on ties."""
        fit = [c for c in self._candidates.values() if within(c.cost, limit)]
        return sorted(fit, key=lambda c: (-c.mean, c.cost, c.key))

    def least_cost(self) -> float:
        """Measured cost of the cheapest graph, on all questions it was asked."""
        return min(c.cost for c in self._candidates.values())

    def close(self) -> None:
        if self._file:
            self._file.close()
