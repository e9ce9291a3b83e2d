"""What every search method must do. A new YAML in conf/optimizer is tested by being there."""

from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from tts_search.core.identity import graph_key
from tts_search.core.space import Choices, SearchSpace
from tts_search.core.trial import Trial
from tts_search.errors import ConfigError
from tts_search.optimizers.base import Optimizer
from tts_search.parts import build_agent, build_optimizer

from .worlds import ROLES, SPACES, SURFACES, context, drive, judge, paper_space

NAMES = sorted(p.stem for p in (Path(__file__).parents[2] / "conf" / "optimizer").glob("*.yaml"))

Make = Callable[[], Optimizer]

# A Gaussian process over 44 parameters takes about a second for each suggestion: here it only
# starts up; test_optuna.py has it make suggestions, in a smaller space.
QUICK = {"gp": ["optimizer.startup=1000"]}


@pytest.fixture(params=NAMES)
def make(request: pytest.FixtureRequest, compose: Callable[..., object]) -> Make:
    """make(): a fresh optimizer of that YAML, with the rules agent where it needs one."""
    quick = QUICK.get(request.param, [])
    config = compose(f"optimizer={request.param}", "agent=rules", "llm=simulated", *quick)

    def build() -> Optimizer:
        agent = build_agent(config, None, None) if "agent" in config.optimizer else None
        return build_optimizer(config.optimizer, agent)

    return build


def test_some_optimizer_was_found() -> None:
    assert {"random", "agent_reinforce"} <= set(NAMES)


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
async def test_every_proposal_is_new_within_budget_and_of_the_space(
    make: Make, space: SearchSpace
) -> None:
    """Of the space: its point decodes to it, or where it has none, some point stands for it."""
    if refused := _refusal(make(), space):
        assert make().fixed_family
        assert len(space.roles) < len(ROLES)
        assert "type roles=" in refused
        return
    course = await drive(make(), context(space))
    graphs = [t.graph for t in course.trials]
    assert graphs
    assert all(space.budget.admits(g) for g in graphs), "over budget by the estimate"
    assert len(set(course.keys)) == len(graphs), "a graph was proposed twice"
    assert all(len(g.nodes) <= space.slots for g in graphs)
    assert all(t.proposal.reason and t.proposal.stage for t in course.trials)
    for trial in course.trials:
        point = trial.proposal.point or space.encode(trial.graph)
        assert graph_key(space.decode(point)) == trial.key


@pytest.mark.parametrize("dear", [1.0, 5.0], ids=["as estimated", "all over budget"])
@pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES)
async def test_any_scores_are_survived(make: Make, surface: object, dear: float) -> None:
    course = await drive(make(), context(paper_space()), surface, dear=dear)
    whole = course.finished and make().fixed_family
    assert whole or len(course.trials) == 32, "the space holds far more graphs than that"


async def test_a_seed_fixes_the_search(make: Make) -> None:
    first, again, other = [
        (await drive(make(), context(paper_space(), seed))).keys for seed in (3, 3, 4)
    ]
    assert first == again
    assert (first == other) == make().fixed_family


async def test_telling_twice_is_harmless(make: Make) -> None:
    def twice(optimizer: Optimizer, trials: list[Trial]) -> None:
        optimizer.tell(trials)
        optimizer.tell(trials[::-1])

    once = await drive(make(), context(paper_space()))
    assert (await drive(make(), context(paper_space()), tell=twice)).keys == once.keys


async def test_asking_twice_without_telling_works(make: Make) -> None:
    where = context(paper_space())
    optimizer = make()
    optimizer.start(where)
    asked = [p for _ in range(6) for p in await optimizer.ask(3)]
    assert (1 if optimizer.fixed_family else 6) <= len(asked) <= 18
    assert len({graph_key(p.graph) for p in asked}) == len(asked)
    optimizer.tell([judge(where, i, p, 0.5, 1.0) for i, p in enumerate(asked)])
    more = await optimizer.ask(3)
    assert more or optimizer.fixed_family
    assert not {graph_key(p.graph) for p in more} & {graph_key(p.graph) for p in asked}


@pytest.mark.parametrize("n", [1, 3, 16])
async def test_no_more_is_proposed_than_asked_for(make: Make, n: int) -> None:
    """`drive` checks each ask."""
    course = await drive(make(), context(paper_space()), parallel=n)
    assert len(course.trials) == 32 or (course.finished and make().fixed_family)


@pytest.mark.parametrize(
    ("slots", "limit", "roles", "graphs"),
    [
        (1, 1, ROLES, 1),  # the 1B alone
        (1, 100, ROLES, 4),  # each model alone
        (2, 2.7, ROLES, 3),  # the 1B alone, refined, fused
        (2, 2.7, ROLES[:1], 2),
        (3, 3.2, ROLES[:1], 3),  # the 1B alone, refined, the 3B alone
    ],
)
async def test_a_small_space_is_searched_whole_and_then_ends(
    make: Make, slots: int, limit: float, roles: tuple[object, ...], graphs: int
) -> None:
    if make().fixed_family:
        pytest.skip("a fixed family is not the whole space")
    space = paper_space(slots, limit, roles)
    assert len(set(_all_keys(space))) == graphs
    course = await drive(make(), context(space))
    assert course.finished
    assert sorted(course.keys) == sorted(set(_all_keys(space)))


async def test_no_search_gives_up_while_the_space_holds_more(make: Make) -> None:
    """Some 250 graphs are easily drawn here, and most of the probability is on a few."""
    if make().fixed_family:
        pytest.skip("a fixed family ends when it is tried")
    course = await drive(make(), context(paper_space(4, 12)), trials=100)
    assert not course.finished


def _refusal(optimizer: Optimizer, space: SearchSpace) -> str:
    """What a family says of roles that do not make it."""
    try:
        optimizer.start(context(space))
    except ConfigError as error:
        return str(error)
    return ""


def _all_keys(space: SearchSpace) -> list[str]:
    """Every raw point of the space, decoded."""
    n, pairs = space.slots, np.triu_indices(space.slots, 1)
    keys = []
    for models in product(range(len(space.models) + 1), repeat=n):
        for roles in product(range(len(space.roles)), repeat=n):
            for bits in product((0, 1), repeat=len(pairs[0])):
                edge = np.zeros((n, n), dtype=np.int64)
                edge[pairs] = bits
                point = Choices(np.array(models), np.array(roles), edge)
                keys.append(graph_key(space.decode(point)))
    return keys
