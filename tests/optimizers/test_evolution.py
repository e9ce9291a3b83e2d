"""Evolution: its operators give points of the space, and what is good has children."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from core.strategies import random_point, random_space, seeds
from hypothesis import given

from tts_search.core.graph import Graph, Node
from tts_search.core.space import Choices, SearchSpace
from tts_search.core.topologies import refine_chain, self_consistency, single
from tts_search.core.trial import Proposal
from tts_search.errors import ConfigError
from tts_search.optimizers import variation
from tts_search.optimizers.evolution import Evolution
from tts_search.optimizers.random import RandomSearch
from tts_search.optimizers.variation import Rng, cross, mutate

from .worlds import bumpy, context, drive, judge, paper_space

SPACE = paper_space(slots=6, limit=200)
KINDS = ["change_model", "change_role", "flip_edge", "add", "remove", "duplicate"]


def valid(point: Choices, space: SearchSpace) -> bool:
    n = space.slots
    return bool(
        point.model.shape == point.role.shape == (n,)
        and point.edge.shape == (n, n)
        and (point.model >= 0).all()
        and (point.model <= len(space.models)).all()
        and (point.role >= 0).all()
        and (point.role < len(space.roles)).all()
        and set(np.unique(point.edge)) <= {0, 1}
        and not np.tril(point.edge).any()
    )


def used_point(rng: Rng, space: SearchSpace) -> Choices:
    point = random_point(rng, space)
    model, edge = point.model.copy(), np.triu(point.edge, 1)
    model[-1] = max(1, model[-1])
    return Choices(model, point.role, edge)


@pytest.mark.parametrize("kind", KINDS)
@given(seed=seeds)
def test_a_mutation_gives_a_point_and_leaves_its_parent(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    space = random_space(rng)
    point = used_point(rng, space)
    before = [a.copy() for a in (point.model, point.role, point.edge)]
    child = getattr(variation, kind)(point, space, rng)
    assert valid(child, space)
    assert child.model.any(), "a point in use stays in use"
    after = (point.model, point.role, point.edge)
    assert all(map(np.array_equal, before, after))


@given(seed=seeds)
def test_a_child_of_two_has_each_slot_from_either(seed: int) -> None:
    rng = np.random.default_rng(seed)
    space = random_space(rng)
    one, other = used_point(rng, space), used_point(rng, space)
    child = cross(one, other, rng)
    assert valid(child, space)
    for slot in range(space.slots):
        assert any(
            child.model[slot] == p.model[slot]
            and child.role[slot] == p.role[slot]
            and np.array_equal(child.edge[:, slot], p.edge[:, slot])
            for p in (one, other)
        )


def children(kind: str, graph: Graph, space: SearchSpace = SPACE) -> Counter[Graph]:
    rng = np.random.default_rng(0)
    point = space.encode(graph)
    return Counter(space.decode(getattr(variation, kind)(point, space, rng)) for _ in range(200))


def test_duplicating_a_sample_widens_a_vote() -> None:
    voted = [self_consistency("assistant", "vote", "1B", n) for n in (3, 4)]
    assert children("duplicate", voted[0])[voted[1]] > 0


def test_duplicating_a_single_refines_it() -> None:
    want = refine_chain("assistant", "1B", 2)
    assert set(children("duplicate", single("assistant", "1B"))) == {want}


def test_removing_from_a_chain_shortens_it() -> None:
    chain = [refine_chain("assistant", "1B", n) for n in (2, 3)]
    assert set(children("remove", chain[1])) == {chain[0]}


def test_a_changed_model_is_another_one() -> None:
    graphs = children("change_model", single("assistant", "1B"))
    assert {g.nodes[0].model for g in graphs} == {"3B", "8B", "70B"}


def test_adding_grows_by_a_node() -> None:
    assert {len(g.nodes) for g in children("add", single("assistant", "1B"))} <= {1, 2}
    assert Graph((Node("assistant", "3B"), Node("assistant", "1B")), ((0, 1),)) in children(
        "add", single("assistant", "1B")
    )


def test_every_kind_of_mutation_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: Counter[str] = Counter()
    for kind in KINDS:
        own = getattr(variation, kind)

        def counted(*args: object, kind: str = kind, own: object = own) -> object:
            drawn[kind] += 1
            return own(*args)  # type: ignore[operator]

        monkeypatch.setattr(variation, kind, counted)
    rng = np.random.default_rng(0)
    for _ in range(200):
        mutate(SPACE.encode(refine_chain("assistant", "1B", 3)), SPACE, rng)
    assert set(drawn) == set(KINDS)


async def test_evolution_beats_random_search() -> None:
    """Mean score of trials 31 to 60, paired by seed: a sign test over 20 seeds.

    15 wins or more would come about by chance with probability 0.02; the seeds are fixed anyway.
    """
    wins = 0
    for seed in range(20):
        late = []
        for optimizer in (Evolution(), RandomSearch()):
            course = await drive(optimizer, context(paper_space(), seed), trials=60)
            late.append(float(np.mean([bumpy(t.graph) for t in course.trials[30:]])))
        wins += late[0] > late[1]
    assert wins >= 15


async def test_what_breaks_the_budget_as_measured_ranks_behind_all_that_keeps_it() -> None:
    where = context(SPACE)
    evolution = Evolution(population=2, tournament=1)
    evolution.start(where)
    good, poor, over = (single("assistant", m) for m in ("1B", "3B", "8B"))
    told = [
        judge(where, i, Proposal(g, ""), s, 1.0)
        for i, (g, s) in enumerate([(good, 0.5), (poor, 0.1), (over, 1.0)])
    ]
    told[2] = replace(told[2], within_budget=False)
    evolution.tell(told)
    reasons = {p.reason for _ in range(20) for p in await evolution.ask(1)}
    assert reasons
    assert not any("trial 2" in reason for reason in reasons)


@pytest.mark.parametrize("wrong", [{"population": 1}, {"tournament": 0}, {"crossover": 1.5}])
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="population >= 2"):
        Evolution(**wrong)  # type: ignore[arg-type]
