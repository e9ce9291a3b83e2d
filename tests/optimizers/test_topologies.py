"""Fixed topologies: what they hold, how large they get, and what they refuse."""

import logging
from collections import defaultdict

import pytest

from tts_search.core.graph import Graph, Node
from tts_search.core.roles import RoleSpec
from tts_search.core.space import SearchSpace
from tts_search.core.topologies import refine_chain, self_consistency, star, tree
from tts_search.errors import ConfigError
from tts_search.optimizers import topologies
from tts_search.optimizers.topologies import BestOfN, FixedTopology

from .worlds import ASSISTANT, FUSER, VOTE, context, drive, paper_space

WIDE = paper_space(slots=24, limit=18)  # the budget binds, not the slots
FAMILIES = [
    topologies.SingleModel,
    topologies.SelfConsistency,
    topologies.BestOfN,
    topologies.RefineChain,
    topologies.Star,
    topologies.Tree,
]
families = pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.name)


async def members(family: FixedTopology, space: SearchSpace) -> list[Graph]:
    course = await drive(family, context(space), trials=500)
    assert course.finished
    return [t.graph for t in course.trials]


def of_model(graphs: list[Graph]) -> dict[str, list[Graph]]:
    """By the model of the first node, a sample in every family."""
    found = defaultdict(list)
    for graph in graphs:
        found[str(graph.nodes[0].model)].append(graph)
    return found


def test_a_tree_is_read_by_fusers_that_are_read_by_one() -> None:
    graph = tree("a", "f", "m", 2, 3)
    assert [n.role for n in graph.nodes] == ["a"] * 6 + ["f"] * 3
    assert graph.parents[6:] == ((0, 1, 2), (3, 4, 5), (6, 7))


@families
async def test_each_affordable_model_is_tried_alone(family: type[FixedTopology]) -> None:
    alone = {g.nodes[0].model for g in await members(family(), WIDE) if len(g.nodes) == 1}
    assert alone == {"1B", "3B", "8B"}, "70B is beyond 18 units"


@families
async def test_nothing_larger_of_the_family_fits(family: type[FixedTopology]) -> None:
    """The largest member that the budget refuses is larger than the largest one proposed."""
    proposed = await members(family(), WIDE)
    where = family()
    where.start(context(WIDE))
    for model, own in of_model(proposed).items():
        every = list(where.larger(WIDE, model))
        assert {g for g in every if WIDE.budget.admits(g)} == {g for g in own if len(g.nodes) > 1}


@pytest.mark.parametrize(
    ("family", "model", "largest", "next_one"),
    [
        ("SelfConsistency", "1B", self_consistency("assistant", "vote", "1B", 18), 19),
        ("SelfConsistency", "8B", self_consistency("assistant", "vote", "8B", 2), 3),
        ("Star", "3B", star("assistant", "3B", 3, Node("fuser", "3B")), 4),
    ],
)
async def test_the_widest_by_hand(family: str, model: str, largest: Graph, next_one: int) -> None:
    """18 units on MATH: 18 x 1, 2 x 7.94, 3 x 2.99 + 8.36; one more of each is beyond."""
    own = of_model(await members(getattr(topologies, family)(), WIDE))[model]
    assert own[0] == largest
    assert sum(n.role == "assistant" for n in own[0].nodes) + 1 == next_one


async def test_the_longest_chain_by_hand() -> None:
    """1 + 1.59 n <= 18: ten refinements of the 1B."""
    own = of_model(await members(topologies.RefineChain(), WIDE))["1B"]
    assert own[0] == refine_chain("assistant", "1B", 11)


async def test_slots_bound_a_family_as_well() -> None:
    graphs = await members(topologies.SelfConsistency(), paper_space(slots=8, limit=18))
    assert max(len(g.nodes) for g in graphs) == 8


@families
async def test_the_largest_of_each_model_come_first(family: type[FixedTopology]) -> None:
    graphs = await members(family(), WIDE)
    for own in of_model(graphs).values():
        sizes = [len(g.nodes) for g in own]
        assert sizes == sorted(sizes, reverse=True)
    assert [g.nodes[0].model for g in graphs[:3]] == ["1B", "3B", "8B"]


async def test_a_judge_may_be_another_model_than_it_judges() -> None:
    pairs = {
        (g.nodes[0].model, g.nodes[-1].model)
        for g in await members(BestOfN(), paper_space(slots=6, limit=80))
        if len(g.nodes) > 1
    }
    assert ("1B", "8B") in pairs
    assert ("8B", "1B") in pairs


async def test_the_judge_is_the_role_that_is_named() -> None:
    judge = RoleSpec("judge", 2)
    space = paper_space(roles=(ASSISTANT, FUSER, VOTE, judge))
    sinks = {g.nodes[-1].role for g in await members(BestOfN("judge"), space) if len(g.nodes) > 1}
    assert sinks == {"judge"}


@pytest.mark.parametrize(
    ("family", "roles", "words"),
    [
        (topologies.SelfConsistency(), (ASSISTANT, FUSER), r"roles=\[assistant,fuser,vote\]"),
        (topologies.Star(), (ASSISTANT, VOTE), r"roles=\[assistant,vote,fuser\]"),
        (topologies.Tree(), (ASSISTANT,), r"roles=\[assistant,fuser\]"),
        (BestOfN("judge"), (ASSISTANT, FUSER), r"judge=judge.*roles=\[assistant,fuser,judge\]"),
        (BestOfN("vote"), (ASSISTANT, VOTE), r"judge=vote"),
    ],
)
def test_a_missing_role_is_named(
    family: FixedTopology, roles: tuple[RoleSpec, ...], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        family.start(context(paper_space(roles=roles)))


def test_a_family_without_room_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        topologies.Tree().start(context(paper_space(slots=6)))
    assert "space.slots=6" in caplog.text
