"""Model mixes against brute force: everything that fits, and nothing that could take one more."""

from collections.abc import Sequence
from itertools import product

import pytest
from core.strategies import PAPER_POOL

from tts_search.agents.base import Mix
from tts_search.core.roles import RoleSpec
from tts_search.core.space import SearchSpace
from tts_search.errors import ConfigError
from tts_search.optimizers.mixes import SHAPES, has_shape, maximal_mixes, offered_mixes, shaped

from .worlds import ASSISTANT, FUSER, ROLES, SPACES, VOTE, paper_space


def fits(space: SearchSpace, counts: Sequence[int]) -> bool:
    """By definition: some nodes, and the cheapest arrangement there is in slots and budget."""
    mix = Mix(tuple((m, n) for m, n in zip(space.models, counts, strict=True) if n))
    shape = next(s for s in SHAPES if has_shape(space, s))
    try:
        return bool(mix.size) and space.budget.admits(shaped(space, mix, shape))
    except ConfigError:
        return False


def brute_force(space: SearchSpace) -> set[tuple[int, ...]]:
    everything = product(range(space.slots + 2), repeat=len(space.models))
    fitting = {counts for counts in everything if fits(space, counts)}
    return {counts for counts in fitting if not any(more in fitting for more in one_more(counts))}


def one_more(counts: tuple[int, ...]) -> list[tuple[int, ...]]:
    return [(*counts[:i], counts[i] + 1, *counts[i + 1 :]) for i in range(len(counts))]


CASES = {
    **{name: space for name, space in SPACES.items() if name != "paper"},
    "paper, 5 slots": paper_space(slots=5),
    "paper, wide": paper_space(slots=6, limit=80),
    "paper, no fuser": paper_space(slots=5, limit=12, roles=(ASSISTANT, VOTE)),
}


@pytest.mark.parametrize("space", CASES.values(), ids=CASES)
def test_maximal_mixes_are_those_of_brute_force(space: SearchSpace) -> None:
    mixes = maximal_mixes(space)
    found = [tuple(dict(mix.counts).get(m, 0) for m in space.models) for mix in mixes]
    assert len(set(found)) == len(found)
    assert set(found) == brute_force(space)


def test_the_paper_s_equal_budget_mixes() -> None:
    """9x1B, 3x3B and 1x8B are what a budget of 9 units buys, one of each kind being the limit."""
    mixes = {str(mix) for mix in maximal_mixes(paper_space(slots=12, limit=9))}
    assert {"9x1B", "1x1B + 1x8B"} <= mixes
    assert "3x3B" in mixes


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("counts", [{"1B": 1}, {"1B": 4}, {"8B": 1, "1B": 2}, {"3B": 2, "70B": 1}])
def test_a_shape_holds_exactly_the_models_of_the_mix(shape: str, counts: dict[str, int]) -> None:
    graph = shaped(paper_space(limit=1000), Mix(tuple(counts.items())), shape)
    models = [n.model for n in graph.nodes if n.model]
    assert {m: models.count(m) for m in models} == counts
    if shape != "vote":
        assert models[-1] == max(models, key=PAPER_POOL.names.index), "the dearest comes last"
    n = len(models)
    assert graph.depth == {"vote": min(n, 2), "fuse": min(n, 2), "refine": n}[shape]


@pytest.mark.parametrize(
    ("roles", "has"),
    [
        ((ASSISTANT,), "refine"),
        ((ASSISTANT, FUSER), "fuse refine"),
        ((ASSISTANT, VOTE), "vote refine"),
        (ROLES, "vote fuse refine"),
    ],
)
def test_shapes_ask_for_no_role_that_is_not_there(roles: tuple[RoleSpec, ...], has: str) -> None:
    space = paper_space(roles=roles)
    assert [s for s in SHAPES if has_shape(space, s)] == has.split()
    names = {r.name for r in roles}
    for shape in has.split():
        assert {n.role for n in shaped(space, Mix((("1B", 3),)), shape).nodes} <= names


def test_too_many_for_the_slots_is_an_error_that_names_them() -> None:
    with pytest.raises(ConfigError, match=r"space\.slots=5"):
        shaped(paper_space(slots=4), Mix((("1B", 4),)), "vote")


def test_an_unknown_shape_is_refused() -> None:
    with pytest.raises(ConfigError, match="vote, fuse, refine, but got 'ring'"):
        has_shape(paper_space(), "ring")


def test_an_agent_is_offered_every_affordable_model_alone_as_often_as_it_fits() -> None:
    """12 units at 1, 3 and 8 a call: a lone 8B leaves room, and is offered all the same."""
    space = paper_space(slots=16, limit=12)
    offered = offered_mixes(space)
    pure = {mix.counts[0][0]: mix.counts[0][1] for mix in offered if len(mix.counts) == 1}
    assert set(pure) == set(space.budget.affordable())
    for model, count in pure.items():
        assert space.budget.admits(shaped(space, Mix(((model, count),)), "vote"))
        assert not space.budget.admits(shaped(space, Mix(((model, count + 1),)), "vote"))
    assert len(set(offered)) == len(offered)
    assert set(maximal_mixes(space)) <= set(offered)
