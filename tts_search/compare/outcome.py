"""What came of one search, and the file that keeps it."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import inf
from pathlib import Path
from typing import Any

from tts_search.compare.plan import Job
from tts_search.core.statistics import Interval


@dataclass(frozen=True)
class Claim:
    """A graph, what a method says of it, and what is true: scores in [0, 1].

    interval  95%, from the same questions as `score`
    An empty key: the method had nothing to recommend, which scores 0.
    """

    key: str
    graph: str
    score: float
    interval: Interval
    true: float

    @property
    def covered(self) -> bool:
        return self.interval.low <= self.true <= self.interval.high


NOTHING = Claim("", "", 0.0, Interval(0.0, 1.0), 0.0)


@dataclass(frozen=True)
class Outcome:
    """steps     (calls, true worth of the leader from then on), whenever the leader changed
    searched  calls when the search ended; `calls` with the finals
    leader    of the search, with its score on the batch it was chosen by
    final     recommended after the finals, with its score on the test questions
    worth     of the recommendation: its true score, utility, or hypervolume, by the objective
    """

    job: Job
    steps: tuple[tuple[int, float], ...]
    trials: int
    searched: int
    calls: int
    leader: Claim
    final: Claim
    worth: float
    stopped_by: str
    seconds: float

    def calls_to(self, score: float) -> float:
        """When what was recommended was first worth that much; inf if never."""
        return next((calls for calls, true in self.steps if true >= score), inf)

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> "Outcome":
        claims = {
            name: Claim(**{**plain[name], "interval": Interval(*plain[name]["interval"])})
            for name in ("leader", "final")
        }
        steps = tuple((int(calls), float(true)) for calls, true in plain["steps"])
        return cls(**{**plain, **claims, "job": Job(**plain["job"]), "steps": steps})


@dataclass(frozen=True)
class Store:
    """A file for each search, written whole or not at all: what is there need not be run again."""

    folder: Path

    def read(self, job: Job, fingerprint: str) -> Outcome | None:
        """None if it is not there, broken, or of other settings."""
        try:
            plain = json.loads((self.folder / job.path).read_text(encoding="utf-8"))
            if plain.pop("simulated") and plain.pop("fingerprint") == fingerprint:
                return Outcome.of(plain)
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return None

    def write(self, outcome: Outcome, fingerprint: str) -> None:
        data = {"simulated": True, "fingerprint": fingerprint, **asdict(outcome)}
        write_whole(self.folder / outcome.job.path, json.dumps(data) + "\n")


def write_whole(path: Path, text: str) -> None:
    """A reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
