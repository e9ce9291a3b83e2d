"""What is fixed about questions before anyone is asked: difficulty, traps, who can do what."""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tts_search.simulation.noise import Floats, States, fold, name, uniform
from tts_search.simulation.world import World

_NORMAL = NormalDist()


class Skill(NamedTuple):
    """Of one model, by question: chance to be right alone, chance to tell a right answer among
    others, and whether it can repair a wrong draft. Arrays (n,)."""

    solve: Floats
    spot: Floats
    mends: NDArray[np.bool_]


class Questions:
    """The questions of these ids in a world.

    states  hash states (n,), from which the noise of calls is drawn
    lure    share of wrong answers that are the popular one (n,)
    """

    def __init__(self, world: World, ids: Sequence[str]) -> None:
        self.world, self.ids = world, ids
        start = name(f"world {world.seed}")
        self._bits: list[int] = [fold(start, name(question)) for question in ids]
        power = 1 / world.habits.popularity - 1  # the mean of U^power is `popularity`
        lure = [min(uniform(b, 0) ** power, 1 - 1e-9) for b in self._bits]
        self.states: States = np.array(self._bits, dtype=np.uint64)
        self.lure: Floats = np.array(lure)
        self._hard = [_normal(uniform(b, 1)) for b in self._bits]
        self._skills: dict[str, Skill] = {}

    def skill(self, served: str) -> Skill:
        """Of the model of that name. Computed once."""
        if served not in self._skills:
            self._skills[served] = self._skill(served)
        return self._skills[served]

    def _skill(self, served: str) -> Skill:
        """Gaussian copula: the mean over all questions is exactly the model's accuracy."""
        ability, habits = self.world.ability(served), self.world.habits
        family = name(f"family {ability.family or served}")
        kin = [_normal(uniform(fold(b, family), 0)) for b in self._bits]
        by_question, by_family = math.sqrt(habits.difficulty), math.sqrt(habits.kinship)
        own = math.sqrt(1 - habits.difficulty - habits.kinship)
        mean = _NORMAL.inv_cdf(ability.accuracy)
        ease = [
            mean - by_question * hard + by_family * near
            for hard, near in zip(self._hard, kin, strict=True)
        ]
        share = habits.repairs(ability.size)
        return Skill(
            np.array([_NORMAL.cdf(e / own) for e in ease]),
            np.array([_NORMAL.cdf((e + habits.spot) / own) for e in ease]),
            np.array([uniform(b, 2) < share for b in self._bits]),
        )


def _normal(u: float) -> float:
    """The standard normal number that belongs to a uniform one."""
    return _NORMAL.inv_cdf(max(u, 1e-12))
