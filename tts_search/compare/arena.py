"""Where a search takes place: a simulated world with the settings of the run, all from conf/."""

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from tts_search.budgets.tokens import TokenCount
from tts_search.build import build, plain, values
from tts_search.compare.plan import CALLS, TRIALS, Job, Plan, choices
from tts_search.compare.worth import QUESTIONS, RUNS, Truth, Worth
from tts_search.config import check_settings, register_schema
from tts_search.core.budget import Budget
from tts_search.core.models import ModelPool, Profile
from tts_search.core.objective import BoundObjective
from tts_search.core.space import SearchSpace
from tts_search.environment.roles import spec
from tts_search.environment.simulated import SimulatedEnvironment
from tts_search.errors import ConfigError
from tts_search.parts import build_objective
from tts_search.simulation.random_world import random_world
from tts_search.simulation.world import World

RANDOM = "random-"


@dataclass(frozen=True, eq=False)
class Place:
    """A world, its models, their mean tokens, and what is true there."""

    world: World
    pool: ModelPool
    profile: Profile
    truth: Truth


@dataclass(frozen=True, eq=False)
class Arena:
    """fingerprint: equal for equal settings and worlds, so that old results are not mistaken."""

    config: DictConfig
    place: Place
    space: SearchSpace
    worth: Worth
    fingerprint: str

    @property
    def objective(self) -> BoundObjective:
        return self.worth.objective

    def environment(self, seed: int) -> SimulatedEnvironment:
        bound = self.space.budget
        return SimulatedEnvironment(self.place.world, bound, seed, objective=self.objective)


def arena_of(plan: Plan, job: Job) -> Arena:
    """Raises ConfigError for a world, method or setting that does not exist."""
    return _arena(plan, job.world, job.budget, job.method)


@lru_cache(maxsize=64)
def _arena(plan: Plan, world: str, budget: float, method: str) -> Arena:
    config = composed(plan, world, budget, method)
    check_settings(config)
    place = _place(plan, world)
    roles = tuple(spec(build(role)) for role in values(config.roles))
    limit: Budget = build(config.budget)
    bound = limit.bind(place.pool, place.profile)
    space = SearchSpace(config.space.slots, roles, bound)
    objective = build_objective(config.objective, place.pool).bind(place.pool, place.profile)
    dearest = objective.dearest(bound, space.opener.name, space.slots) if objective.front else 0.0
    payer = SimulatedEnvironment(place.world, bound, objective=objective)
    worth = Worth(place.truth, objective, payer, dearest)
    return Arena(config, place, space, worth, _fingerprint(plan, config, place))


@lru_cache(maxsize=4)
def _place(plan: Plan, world: str) -> Place:
    if world.startswith(RANDOM):
        drawn = random_world(_number(world))
        return _judged(drawn.world, drawn.pool)
    config = composed(plan, world, 18, "random")
    pool = ModelPool(tuple(build(model) for model in values(config.pool.models)))
    return _judged(World.of(plain(config.llm.world)), pool)


def _judged(world: World, pool: ModelPool) -> Place:
    profile = {model.name: world.tokens(model.served) for model in pool.models}
    anything = Budget(TokenCount(), 1e9).bind(pool, profile)
    return Place(world, pool, profile, Truth(SimulatedEnvironment(world, anything)))


def composed(plan: Plan, world: str, budget: float, method: str) -> DictConfig:
    """The config of the command line that this search would be."""
    shipped = choices(plan.conf, "llm/world")
    if not world.startswith(RANDOM) and world not in shipped:
        known = ", ".join(shipped)
        raise ConfigError(f"--worlds must be of {known} or {RANDOM}N, but got {world}")
    name, *own = method.split() or [""]
    words = [
        *("llm=simulated", f"llm/world={shipped[0] if world.startswith(RANDOM) else world}"),
        *("agent=rules", f"optimizer={name}", "tracker=none", f"budget.limit={budget:g}"),
        # Graphs made of known calls cost none, so calls alone would not end every search.
        *(f"search.max_trials={TRIALS}", "search.max_tokens=null", f"search.max_calls={CALLS}"),
    ]
    register_schema()
    with initialize_config_dir(str(plan.conf.resolve()), version_base="1.3"):
        return compose("config", [*words, *plan.overrides, *own])


def _number(world: str) -> int:
    number = world.removeprefix(RANDOM)
    if not number.isdecimal():
        raise ConfigError(f"a random world is {RANDOM}N with a number N, but got {world}")
    return int(number)


def _fingerprint(plan: Plan, config: DictConfig, place: Place) -> str:
    settings = plain(config)
    for other in ("cache", "compare", "llm", "pool", "seed", "task", "tracker"):
        settings.pop(other)
    data = [settings, place.world.identity, repr(place.pool), plan.validation, plan.test]
    text = json.dumps([*data, QUESTIONS, RUNS], sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
