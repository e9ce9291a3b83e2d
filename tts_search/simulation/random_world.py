"""Worlds that nobody tuned a method to, drawn within what is plausible of real ones."""

import math
from dataclasses import dataclass

import numpy as np

from tts_search.core.models import ModelPool, ModelSpec, Profile
from tts_search.simulation.world import Ability, Habits, Reader, World

_SIZES = (0.5, 1, 1.5, 3, 4, 7, 8, 12, 14, 27, 32, 70)  # 1e9 parameters, as models are released


@dataclass(frozen=True, eq=False)
class RandomWorld:
    """A world and the models in it, smallest first."""

    world: World
    pool: ModelPool

    @property
    def profile(self) -> Profile:
        """Mean tokens of one call without predecessors."""
        return {model.name: self.world.tokens(model.served) for model in self.pool.models}


def random_world(seed: int) -> RandomWorld:
    """2-6 models of 1-3 families and different sizes; everything else differs by seed too.

    Accuracies lie in [0.05, 0.95]. Roles: assistant and fuser; others read as Reader() does.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, *b"random world"]))
    sizes = sorted(rng.choice(_SIZES, size=int(rng.integers(2, 7)), replace=False).tolist())
    families = [f"family-{i}" for i in range(int(rng.integers(1, 4)))]
    tokens = _between(rng, 60, 600)
    base, slope = rng.normal(-0.5, 0.4), _between(rng, 0.1, 0.6)
    abilities = {
        f"m{i}-{size:g}b": _ability(rng, size, base + slope * math.log(size), tokens, families)
        for i, size in enumerate(sizes)
    }
    world = World(
        models=abilities,
        fallback=Ability(0.3, tokens),
        prompt_tokens=round(_between(rng, 80, 500)),
        habits=_habits(rng, tokens),
        readers={
            "assistant": Reader(rng.uniform(0, 0.5), rng.uniform(0.7, 1)),
            "fuser": Reader(rng.uniform(0.5, 1), rng.uniform(0, 0.6)),
        },
        seed=int(rng.integers(2**31)),
    )
    return RandomWorld(world, ModelPool(tuple(_spec(n, a) for n, a in abilities.items())))


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    """Evenly in logarithms."""
    return float(low * (high / low) ** rng.random())


def _ability(
    rng: np.random.Generator, size: float, mean: float, tokens: float, families: list[str]
) -> Ability:
    """Accuracy in probits: grows with the logarithm of size, and differs by model besides."""
    probit = mean + rng.normal(0, 0.2)
    accuracy = min(max(0.5 * math.erfc(-probit / math.sqrt(2)), 0.05), 0.95)
    family = families[rng.integers(len(families))]
    return Ability(accuracy, tokens * float(np.exp(rng.normal(0, 0.15))), size, family)


def _habits(rng: np.random.Generator, tokens: float) -> Habits:
    return Habits(
        difficulty=rng.uniform(0.25, 0.65),
        kinship=rng.uniform(0.05, 0.25),
        popularity=rng.uniform(0.1, 0.6),
        wrong_answers=int(rng.choice([3, 4, 10, 30])),
        spot=rng.uniform(-0.3, 1.2),
        repair=_between(rng, 0.03, 0.6),
        growth=rng.uniform(0.05, 0.4),
        mend=rng.uniform(0.2, 0.8),
        fresh=_between(rng, 0.03, 0.5),
        corrupt=_between(rng, 0.03, 0.4),
        comfort=tokens * _between(rng, 3, 15),
        stretch=rng.uniform(0.05, 0.35),
        muddle=rng.uniform(0.2, 0.7),
    )


def _spec(name: str, ability: Ability) -> ModelSpec:
    """Layers and width as in released models of that size; prices and speeds go with size."""
    size = ability.size
    return ModelSpec(
        name=name,
        served=name,
        params=size * 1e9,
        layers=round(16 * size**0.38),
        hidden=128 * round(16 * size**0.33),
        family=ability.family,
        price_in=0.01 * size,
        price_out=0.02 * size,
        price_source="made up: 0.01 and 0.02 USD per billion parameters and million tokens",
        prefill_tps=40_000 / size,
        decode_tps=320 / size,
    )
