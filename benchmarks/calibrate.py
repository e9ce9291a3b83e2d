"""Fits the worlds of conf/llm/world to the published accuracies, and prints what is left.

python -m benchmarks.calibrate                  residuals of the shipped worlds
python -m benchmarks.calibrate fit math         a new fit: settings to write into its YAML
"""

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

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
from tts_search.simulation.mixes import random_mix
from tts_search.simulation.world import World

ROLES = (RoleSpec("assistant"), RoleSpec("fuser", 1), RoleSpec("vote", 1, calls_model=False))
LIMIT = 18  # units: the smallest published budget, which holds every mix below with its reading

# Accuracy in percent by models (1B 3B 8B 70B); mixes are means over random graphs of these models.
PUBLISHED: Mapping[str, Mapping[str, float]] = {
    "math": {
        "1b": 31, "3b": 40, "8b": 49, "70b": 68,
        "9x1b": 39, "1x3b 6x1b": 44, "2x3b 3x1b": 45, "3x3b": 54,
    },
    "mmlu": {
        "1b": 31, "3b": 43, "8b": 64, "70b": 84,
        "9x1b": 30, "1x3b 6x1b": 39, "2x3b 3x1b": 45, "3x3b": 41,
    },
    "humaneval": {"1b": 31, "3b": 48, "8b": 60, "70b": 68, "7x1b": 38, "1x3b 3x1b": 48},
}  # fmt: skip

# What is fitted, with the range it may take, searched in logarithms where it is positive.
RANGES = {
    "difficulty": (0.2, 0.85), "popularity": (0.1, 0.7), "spot": (-1.0, 2.5), "repair": (0.01, 1.0),
    "growth": (0.05, 0.8), "mend": (0.1, 0.9), "fresh": (0.02, 0.95), "corrupt": (0.02, 0.6),
    "comfort": (400.0, 4000.0), "stretch": (0.05, 0.6), "muddle": (0.2, 0.9),
}  # fmt: skip
READING = {"assistant.weighs": (0.05, 1.0), "fuser.refines": (0.05, 1.0)}
PRIOR = 0.1  # what a setting costs that lies a quarter of its range from the middle


def shipped(task: str) -> World:
    return World.of(yaml.safe_load((CONF / "llm" / "world" / f"{task}.yaml").read_text()))


@lru_cache
def pool() -> ModelPool:
    return ModelPool(tuple(build(model) for model in values(config().pool.models)))


def budget(world: World, limit: float = LIMIT) -> BoundBudget:
    profile = {model.name: world.tokens(model.served) for model in pool().models}
    return Budget(Flops(), limit).bind(pool(), profile)


def listed(mix: str) -> list[str]:
    """Names of the pool's models, one for each node: "2x3b 3x1b"."""
    parts = [part.rpartition("x") for part in mix.split()]
    return [f"sim-{size}" for count, _, size in parts for _ in range(int(count or 1))]


def graphs(world: World, mix: str, count: int) -> list[Graph]:
    models, rng, bound = listed(mix), np.random.default_rng(0), budget(world)
    if len(models) == 1:
        return [Graph((Node("assistant", models[0]),))]
    return [random_mix(rng, models, ROLES, bound) for _ in range(count)]


Sets = Mapping[str, Sequence[Graph]]


def accuracies(world: World, sets: Sets, questions: int) -> dict[str, float]:
    """In percent, by mix: mean over its graphs, each with another run's luck."""
    ids = tuple(f"calibration/{i}" for i in range(questions))
    environment = SimulatedEnvironment(world, budget(world))
    return {
        mix: 100 * float(np.mean([
            (environment.play(graph, ids, seed).said[-1] == 0).mean()
            for seed, graph in enumerate(members)
        ]))
        for mix, members in sets.items()
    }  # fmt: skip


def loss(world: World, task: str, sets: Sets, place: np.ndarray) -> float:
    """Fourth powers, for no accuracy may be far off. What chance makes of the accuracies of single
    models on the questions at hand is taken off the mixes of these models."""
    seen = accuracies(world, sets, 800)
    drift = {mix: seen[mix] - PUBLISHED[task][mix] for mix in sets if "x" not in mix}
    off = [
        seen[mix] - PUBLISHED[task][mix] - float(np.mean([drift[m[4:]] for m in listed(mix)]))
        for mix in sets
    ]
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
    habits = replace(world.habits, **{name: values[name] for name in RANGES})
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
    """Evolution strategy (1+1) with the 1/5 rule; graphs, questions and luck are held fixed."""
    rng, world = np.random.default_rng(0), shipped(task)
    sets = {mix: graphs(world, mix, 32) for mix in PUBLISHED[task]}
    place, sigma, best = to_cube(settings(world)), 0.15, math.inf
    for _ in range(steps):
        trial = np.clip(place + sigma * rng.normal(size=len(place)), 0, 1)
        moved = changed(world, from_cube(trial))
        score = loss(moved, task, sets, trial)
        if score < best:
            place, best, world, sigma = trial, score, moved, sigma * 1.5
        else:
            sigma = max(0.02, sigma * 1.5**-0.25)
    return world


def residuals(world: World, task: str) -> str:
    sets = {mix: graphs(world, mix, 200) for mix in PUBLISHED[task]}
    seen = accuracies(world, sets, 4000)
    rows = [
        f"  {mix:<10} {want:5.0f} {seen[mix]:6.1f} {seen[mix] - want:+6.1f}"
        for mix, want in PUBLISHED[task].items()
    ]
    return "\n".join([f"{task:<12} published, simulated, difference (points)", *rows])


def main() -> None:
    if sys.argv[1:2] == ["fit"]:
        for task in sys.argv[2:]:
            world = fit(task, 400)
            print(yaml.safe_dump(settings(world), sort_keys=False))  # noqa: T201
            print(residuals(world, task), flush=True)  # noqa: T201
    else:
        for task in PUBLISHED:
            print(residuals(shipped(task), task), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
