"""Fits the worlds of conf/llm/world to the published accuracies, and prints what is left.

python -m benchmarks.calibrate                  residuals of the shipped worlds
python -m benchmarks.calibrate fit math         a new fit: settings to write into its YAML
"""

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import yaml

from benchmarks.stack import CONF, config
from tts_search.budgets.flops import Flops
from tts_search.build import build, values
from tts_search.core.budget import BoundBudget, Budget
from tts_search.core.graph import Graph, Node
from tts_search.core.models import ModelPool
from tts_search.core.roles import RoleSpec
from tts_search.environment.simulated import SimulatedEnvironment
from tts_search.errors import ConfigError
from tts_search.simulation.mixes import random_mix
from tts_search.simulation.published import PUBLISHED, sizes
from tts_search.simulation.world import World

ROLES = (RoleSpec("assistant"), RoleSpec("fuser", 1), RoleSpec("vote", 1, calls_model=False))
LIMIT = 18  # units: the smallest published budget, which holds every mix below with its reading

# What is fitted, with the range it may take, searched in logarithms where it is positive.
RANGES = {
    "difficulty": (0.3, 0.6), "kinship": (0.05, 0.65), "popularity": (0.3, 0.7),
    "spot": (-1.0, 3.0), "repair": (0.01, 1.5), "growth": (0.05, 0.8), "mend": (0.1, 0.9),
    "fresh": (0.005, 0.06), "corrupt": (0.2, 0.9), "comfort": (400.0, 4000.0),
    "stretch": (0.05, 0.8), "muddle": (0.2, 0.9),
}  # fmt: skip
READING = {"assistant.weighs": (0.05, 1.0), "fuser.refines": (0.05, 1.0)}
PRIOR = 0.03  # what a setting costs that lies a quarter of its range from the middle


def shipped(task: str) -> World:
    return World.of(yaml.safe_load((CONF / "llm" / "world" / f"{task}.yaml").read_text()))


@lru_cache
def pool() -> ModelPool:
    return ModelPool(tuple(build(model) for model in values(config().pool.models)))


def budget(world: World, limit: float = LIMIT) -> BoundBudget:
    profile = {model.name: world.tokens(model.served) for model in pool().models}
    return Budget(Flops(), limit).bind(pool(), profile)


def graphs(world: World, mix: str, count: int) -> list[Graph]:
    models, rng, bound = (
        [f"sim-{size}" for size in sizes(mix)],
        np.random.default_rng(0),
        budget(world),
    )
    if len(models) == 1:
        return [Graph((Node("assistant", models[0]),))] * count
    return [random_mix(rng, models, ROLES, bound) for _ in range(count)]


Sets = Mapping[str, Sequence[Graph]]


def sets(world: World, task: str, count: int) -> Sets:
    return {mix: graphs(world, mix, count) for mix in PUBLISHED[task]}


def accuracies(world: World, sets: Sets, questions: int) -> dict[str, float]:
    """In percent, by mix: mean over its graphs, each on questions and with luck of its own."""
    environment = SimulatedEnvironment(world, budget(world))
    return {
        mix: 100 * float(np.mean([
            (environment.play(graph, _ids(number, questions), number).said[-1] == 0).mean()
            for number, graph in enumerate(members)
        ]))
        for mix, members in sets.items()
    }  # fmt: skip


@lru_cache(maxsize=512)
def _ids(number: int, questions: int) -> tuple[str, ...]:
    return tuple(f"calibration/{number}/{i}" for i in range(questions))


def loss(world: World, task: str, sets: Sets, place: np.ndarray) -> float:
    """Fourth powers, for no accuracy may be far off."""
    seen = accuracies(world, sets, 250)
    off = [seen[mix] - PUBLISHED[task][mix] for mix in sets]
    return sum((points / 2) ** 4 for points in off) + PRIOR * float(
        ((place - 0.5) ** 2).sum() / 0.25**2
    )


def settings(world: World) -> dict[str, float]:
    habits = {name: getattr(world.habits, name) for name in RANGES}
    for name in READING:
        role, _, field = name.partition(".")
        habits[name] = getattr(world.reader(role), field)
    return habits


def changed(world: World, values: Mapping[str, float]) -> World:
    """The world with settings by the names of RANGES and READING."""
    readers = dict(world.readers)
    for name in READING:
        role, _, field = name.partition(".")
        readers[role] = replace(readers[role], **{field: values[name]})
    own: dict[str, Any] = {name: values[name] for name in RANGES}
    habits = replace(world.habits, **own)
    return replace(world, habits=habits, readers=readers)


def to_cube(values: Mapping[str, float]) -> np.ndarray:
    """Settings as a point of the unit cube."""
    shares = []
    for name, (low, high) in {**RANGES, **READING}.items():
        value = values[name]
        in_log = math.log(value / low) / math.log(high / low) if low > 0 else None
        shares.append((value - low) / (high - low) if in_log is None else in_log)
    return np.clip(shares, 0, 1)


def from_cube(place: np.ndarray) -> dict[str, float]:
    found = {}
    for share, (name, (low, high)) in zip(place, {**RANGES, **READING}.items(), strict=True):
        value = low * (high / low) ** share if low > 0 else low + share * (high - low)
        found[name] = float(f"{value:.3g}")
    return found


def fit(task: str, steps: int) -> World:
    """Evolution strategy (1+1) with the 1/5 rule, from the best of the shipped and random
    worlds; graphs, questions and luck are held fixed."""
    rng, start = np.random.default_rng(0), shipped(task)
    tried = {m: g for m, g in sets(start, task, 48).items() if "x" in m}
    places = [to_cube(settings(start)), *rng.random((4, len(RANGES) + len(READING)))]

    def judge(place: np.ndarray) -> float:
        try:
            world = changed(start, from_cube(place))
        except ConfigError:  # shares of variance above 1
            return math.inf
        return loss(world, task, tried, place)

    best, place = min(((judge(place), place) for place in places), key=lambda found: found[0])
    sigma = 0.08
    for _ in range(steps):
        trial = np.clip(place + sigma * rng.normal(size=len(place)), 0, 1)
        score = judge(trial)
        if score < best:
            place, best, sigma = trial, score, sigma * 1.5
        else:
            sigma = max(0.02, sigma * 1.5**-0.25)
    return changed(start, from_cube(place))


def residuals(world: World, task: str) -> str:
    seen = accuracies(world, sets(world, task, 200), 500)
    rows = [
        f"  {mix:<10} {want:5.0f} {seen[mix]:6.1f} {seen[mix] - want:+6.1f}"
        for mix, want in PUBLISHED[task].items()
    ]
    return "\n".join([f"{task:<12} published, simulated, difference (points)", *rows])


def main() -> None:
    if sys.argv[1:2] == ["fit"]:
        for task in sys.argv[2:]:
            world = fit(task, 150)
            print(yaml.safe_dump(settings(world), sort_keys=False))  # noqa: T201
            print(residuals(world, task), flush=True)  # noqa: T201
    else:
        for task in PUBLISHED:
            print(residuals(shipped(task), task), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
