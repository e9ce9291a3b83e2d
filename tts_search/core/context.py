"""All that a search method is told beforehand; the same for every method, and recorded."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tts_search.core.objective import BoundObjective
from tts_search.core.space import SearchSpace


@dataclass(frozen=True, eq=False)
class SearchContext:
    """All that an optimizer is told before the search; recorded with the run.

    task, description   name of the task and what it asks, in words
    goal                what is maximised and under which bound, in words
    batch               questions of one evaluation
    objective           what a trial's score is made of
    published           known single-model scores in [0, 1] by model name, if any
    """

    space: SearchSpace
    seed: int
    task: str
    description: str = ""
    goal: str = ""
    batch: int = 0
    objective: BoundObjective = field(default_factory=BoundObjective)
    published: Mapping[str, float] = field(default_factory=dict)

    def rng(self, purpose: str) -> np.random.Generator:
        """Independent stream for one purpose, fixed by the run seed."""
        words = [self.seed, *purpose.encode()]
        return np.random.default_rng(np.random.SeedSequence(words))
