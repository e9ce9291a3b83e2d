"""What a run left behind, as data: its config, its trials, its summary if it got that far."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from tts_search.core.graph import Graph, graph_from_json, graph_to_json
from tts_search.errors import ConfigError


@dataclass(frozen=True, eq=False)
class Entry:
    """A line of archive.jsonl. Costs are in budget units; scores belong to questions by place.

    `node_scores` are means over the questions, by node: what its own answers score.
    `accuracy` and `price` are None where the score is all there is that counts.
    `score` of an entry that is not `complete` is an estimate for the whole batch; `dropped` says
    why it answered a part alone.
    """

    number: int
    key: str
    stage: str
    reason: str
    graph: Graph
    score: float
    estimated: float
    measured: float
    within_budget: bool
    task: str
    engine: str
    questions: tuple[str, ...]
    scores: tuple[float, ...]
    node_scores: tuple[float, ...] = ()
    accuracy: float | None = None
    price: float | None = None
    complete: bool = True
    dropped: dict[str, Any] | None = None

    @classmethod
    def read(cls, line: dict[str, Any]) -> "Entry":
        """Raises KeyError, TypeError, ValueError or GraphError for what is no such line."""
        return cls(
            number=int(line["trial"]),
            key=line["key"],
            stage=line["stage"],
            reason=line["reason"],
            graph=graph_from_json(line),
            score=line["score"],
            estimated=line["cost"]["estimated"],
            measured=line["cost"]["measured"],
            within_budget=line["within_budget"],
            task=line["task"],
            engine=line["engine"],
            questions=tuple(line["questions"]),
            scores=tuple(line["scores"]),
            node_scores=tuple(line.get("node_scores", ())),
            accuracy=line.get("accuracy"),
            price=line.get("price"),
            complete=line.get("complete", True),
            dropped=line.get("dropped"),
        )

    def to_json(self) -> dict[str, Any]:
        """What `show` tells programs of a trial; its questions aside."""
        return {
            "trial": self.number,
            "key": self.key,
            "stage": self.stage,
            "reason": self.reason,
            **graph_to_json(self.graph),
            "node_scores": list(self.node_scores),
            "score": self.score,
            **({} if self.price is None else {"accuracy": self.accuracy, "price": self.price}),
            "cost": {"estimated": self.estimated, "measured": self.measured},
            "within_budget": self.within_budget,
            **({} if self.complete else {"complete": False, "dropped": self.dropped}),
        }

    @property
    def stopped(self) -> str:
        """How far a candidate came that was dropped, and why; empty for all others."""
        if not self.dropped:
            return ""
        why = self.dropped
        return f"dropped after {why['answered']} of {why['batch']} questions: {why['reason']}"

    def score_of(self, question: str) -> float | None:
        """None for a question that the trial was not scored on."""
        return dict(zip(self.questions, self.scores, strict=True)).get(question)


@dataclass(frozen=True, eq=False)
class Record:
    """`summary` is empty for a run that was stopped; `started_in` is where its relative paths
    begin; `command` runs it again."""

    folder: Path
    config: DictConfig = field(repr=False)
    entries: tuple[Entry, ...]
    summary: dict[str, Any]
    started_in: Path
    command: str

    @property
    def best(self) -> Entry | None:
        """The first trial of the graph that the run recommends; None if it was stopped before."""
        key = self.summary.get("best", {}).get("key")
        return next((entry for entry in self.entries if entry.key == key), None)

    @property
    def labels(self) -> dict[str, Any]:
        """What every view of the run is marked with, as in summary.json, or as configured."""
        first, config = (self.entries or (None,))[0], self.config
        engine = first.engine if first else None
        use = self.summary.get("budget")
        known = {
            "task": first.task if first else _kind(config.task),
            "engine": engine,
            "simulated": str(engine).startswith("simulated:"),
            "optimizer": config.optimizer.get("name") or _kind(config.optimizer),
            "agent": _kind(config.agent) if "agent" in config.optimizer else None,
            "seed": config.seed,
        }
        shared = {name: self.summary.get(name, value) for name, value in known.items()}
        return shared | {
            "data": self.summary.get("data"),
            "budget": f"{use['metric']} {use['limit']:g} {use['unit']}"
            if use
            else f"{_kind(config.budget.metric)} {config.budget.limit:g} {config.budget.scale}",
            "finished": bool(self.summary),
            "stopped_by": self.summary.get("stopped_by"),
        }

    def entry(self, name: str) -> Entry:
        """The trial of that number, or `best`. Raises ConfigError."""
        if name == "best":
            if self.best is None:
                raise ConfigError(f"this run recommends no graph: it was stopped; {self._there()}")
            return self.best
        found = [entry for entry in self.entries if str(entry.number) == name]
        if not found:
            raise ConfigError(f"there is no trial {name!r} in {self.folder}; {self._there()}")
        return found[0]

    def _there(self) -> str:
        if not self.entries:
            return "it has no trials yet"
        best = ", or best" if self.best else ""
        return f"type a number from {self.entries[0].number} to {self.entries[-1].number}{best}"


def _kind(part: DictConfig) -> str:
    """The class that a part is made of."""
    return str(part._target_).rpartition(".")[2]
