"""Two verbs and frozen data: ask for proposals, tell what came of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from tts_search.core.space import SearchSpace
from tts_search.core.trial import Proposal, Trial


@dataclass(frozen=True, eq=False)
class SearchContext:
    """All that an optimizer is told before the search; recorded with the run.

    task, description   name of the task and what it asks, in words
    goal                what is maximised and under which bound, in words
    batch               questions of one evaluation
    published           known single-model scores in [0, 1] by model name, if any
    """

    space: SearchSpace
    seed: int
    task: str
    description: str = ""
    goal: str = ""
    batch: int = 0
    published: Mapping[str, float] = field(default_factory=dict)

    def rng(self, purpose: str) -> np.random.Generator:
        """Independent stream for one purpose, fixed by the run seed."""
        words = [self.seed, *purpose.encode()]
        return np.random.default_rng(np.random.SeedSequence(words))


class Optimizer(Protocol):
    """A search method. Configured by the constructor, bound to a search by `start`.

    ask      async, for an LLM may sit behind it; returns at most n proposals, never none while
             the search goes on: an empty list says that the method has nothing left to try
    tell     remembers evaluated proposals; telling a trial twice is harmless
    """

    name: str

    def start(self, context: SearchContext) -> None: ...

    async def ask(self, n: int) -> Sequence[Proposal]: ...

    def tell(self, trials: Sequence[Trial]) -> None: ...
