"""The policy gradient is the gradient of the expected score, and a step goes up it."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest

from tts_search.budgets.dollars import Dollars
from tts_search.core.distribution import Floats, GraphDistribution
from tts_search.core.identity import graph_key
from tts_search.core.space import Choices, SearchSpace
from tts_search.core.trial import Proposal, Trial
from tts_search.errors import ConfigError
from tts_search.optimizers.initialise import Uniform
from tts_search.optimizers.loop import SampleFeedbackUpdate
from tts_search.optimizers.policy_gradient import PolicyGradient
from tts_search.optimizers.update import Step
from tts_search.parts import build_optimizer

from .worlds import ROLES, bumpy, by_name, context, drive, judge, made_up_space, paper_space

SPACE = paper_space(slots=4)


def somewhere(space: SearchSpace, seed: int = 1) -> GraphDistribution:
    """Probabilities that are neither uniform nor certain."""
    rng, n = np.random.default_rng(seed), space.slots
    role = rng.dirichlet(np.full(len(space.roles), 3.0), n)
    model = rng.dirichlet(np.full(len(space.models) + 1, 3.0), n)
    return GraphDistribution(rng.uniform(0.2, 0.8, (n, n)), role, model)


def trial(space: SearchSpace, number: int, point: Choices, score: float, dear: float = 1) -> Trial:
    proposal = Proposal(space.decode(point), "drawn", point=point)
    return judge(context(space), number, proposal, score, dear)


def drawn(space: SearchSpace, at: GraphDistribution, n: int = 6, dear: float = 1) -> list[Trial]:
    rng = np.random.default_rng(2)
    return [trial(space, i, at.sample(rng), rng.random(), dear) for i in range(n)]


def step(at: GraphDistribution, trials: list[Trial], known: list[Trial] | None = None) -> Step:
    return Step(context(SPACE), at, [*(known or []), *trials], trials)


def started(space: SearchSpace = SPACE, **settings: Any) -> PolicyGradient:
    updater = PolicyGradient(**{"clip": 1e9, "entropy_weight": 0.0, **settings})
    updater.start(context(space))
    return updater


def ascent(updater: PolicyGradient) -> Floats:
    """The last step's gradient, uphill, as one vector: edge pairs, role, model."""
    grads = [p.grad for p in updater.logits.all]
    return np.concatenate([-g.numpy().ravel() for g in grads if g is not None])


def flat(space: SearchSpace, parts: tuple[Floats, Floats, Floats]) -> Floats:
    edge, role, model = parts
    return np.concatenate([edge[np.triu_indices(space.slots, 1)], role.ravel(), model.ravel()])


# --- the gradient -----------------------------------------------------------------------------


async def test_the_first_gradient_is_the_closed_form() -> None:
    at, updater = somewhere(SPACE), started()
    trials = drawn(SPACE, at)
    await updater.update(step(at, trials))
    mean = np.mean([t.score for t in trials])
    parts = [
        (t.score - mean) * flat(SPACE, at.score(t.proposal.point))
        for t in trials
        if t.proposal.point
    ]
    assert len(parts) == 6
    assert ascent(updater) == pytest.approx(np.mean(parts, axis=0), abs=1e-12)


async def test_the_entropy_is_that_of_the_distribution() -> None:
    """Scores all alike leave the entropy alone; its gradient against central differences."""
    at, updater = somewhere(SPACE), started(entropy_weight=1.0)
    await updater.update(step(at, [trial(SPACE, 0, at.mode(), 0.5)]))
    basis = np.eye(len(ascent(updater)))
    slope = [(nudged(at, d, 1e-5) - nudged(at, d, -1e-5)) / 2e-5 for d in basis]
    assert ascent(updater) == pytest.approx(slope, abs=1e-8)


def nudged(at: GraphDistribution, direction: Floats, by: float) -> float:
    n, pairs = SPACE.slots, np.triu_indices(SPACE.slots, 1)
    edge = np.zeros((n, n))
    edge[pairs], rest = direction[: len(pairs[0])], direction[len(pairs[0]) :]
    role, model = rest[: at.role.size], rest[at.role.size :]
    parts = (edge, role.reshape(at.role.shape), model.reshape(at.model.shape))
    return at.step(parts, by).entropy()


TINY = made_up_space(2, 1, Dollars(), 30, ROLES[:2])  # 32 points, 3 graphs


def points(space: SearchSpace) -> Iterator[Choices]:
    n = space.slots
    for models in product(range(len(space.models) + 1), repeat=n):
        for roles in product(range(len(space.roles)), repeat=n):
            for bit in (0, 1):
                yield Choices(np.array(models), np.array(roles), np.array([[0, bit], [0, 0]]))


def earned(point: Choices) -> float:
    """As measured on 24 questions."""
    return trial(TINY, 0, point, by_name(TINY.decode(point))).score


async def estimates(repeats: int, n: int) -> Floats:
    """Gradients of n steps, each from a graph that is new to an archive of one graph. decay=1
    keeps the baseline of the first step, which is left out: it depends on that step's score."""
    at, rng = somewhere(TINY), np.random.default_rng(8)
    known = trial(TINY, 0, at.mode(), earned(at.mode()))
    updater = started(TINY, repeats=repeats, decay=1.0)
    found = []
    for i in range(1, n + 2):
        point = at.sample(rng)
        while graph_key(TINY.decode(point)) == known.key:
            point = at.sample(rng)
        new = trial(TINY, i, point, earned(point))
        await updater.update(Step(context(TINY), at, [known, new], [new]))
        found.append(ascent(updater))
    return np.array(found[1:])


@pytest.mark.parametrize(("repeats", "unbiased"), [(16, True), (0, False)])
async def test_the_estimate_is_unbiased_because_repeats_count(repeats: int, unbiased: bool) -> None:
    """500 estimates against the exact gradient of the expected score, all 9 components within 4.5
    standard errors: a right one fails with probability below 9 x 7e-6. Without repeats it is the
    gradient among new graphs, which is another: the comparison can tell."""
    at = somewhere(TINY)
    exact = sum(np.exp(at.log_prob(p)) * earned(p) * flat(TINY, at.score(p)) for p in points(TINY))
    found = await estimates(repeats, 500)
    error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
    close = abs(found.mean(axis=0) - exact) <= 4.5 * error + 1e-12
    assert bool(close.all()) is unbiased


def test_the_tiny_space_is_a_fair_example() -> None:
    """Three graphs, of different scores, the known one neither rare nor all."""
    at = somewhere(TINY)
    shares: dict[str, float] = {}
    for p in points(TINY):
        key = graph_key(TINY.decode(p))
        shares[key] = shares.get(key, 0.0) + np.exp(at.log_prob(p))
    assert len(shares) == 3
    assert sum(shares.values()) == pytest.approx(1)
    assert 0.1 < shares[graph_key(TINY.decode(at.mode()))] < 0.9
    assert len({earned(p) for p in points(TINY)}) == 3


# --- the step ---------------------------------------------------------------------------------


async def test_a_step_makes_better_graphs_likelier() -> None:
    at, updater = somewhere(SPACE), started(repeats=0)
    trials = drawn(SPACE, at)
    after = (await updater.update(step(at, trials))).distribution
    gains = [after.log_prob(t.proposal.point) - at.log_prob(t.proposal.point) for t in trials]  # type: ignore[arg-type]
    scores = np.array([t.score for t in trials])
    assert np.mean(gains * (scores - scores.mean())) > 0


async def test_equal_scores_teach_nothing() -> None:
    at, updater = somewhere(SPACE), started()
    trials = [trial(SPACE, i, t.proposal.point, 0.5) for i, t in enumerate(drawn(SPACE, at))]  # type: ignore[arg-type]
    after = (await updater.update(step(at, trials))).distribution
    for name in ("edge", "role", "model"):
        assert getattr(after, name) == pytest.approx(getattr(at, name))


async def test_the_entropy_bonus_keeps_choices_open() -> None:
    at, updater = somewhere(SPACE), started(entropy_weight=0.01)
    after = (await updater.update(step(at, [trial(SPACE, 0, at.mode(), 0.5)]))).distribution
    assert after.entropy() > at.entropy()


async def test_what_broke_the_budget_as_measured_earns_nothing() -> None:
    at = somewhere(SPACE)
    cheap, dear = trial(SPACE, 0, at.mode(), 0.5), drawn(SPACE, at, 3, dear=100.0)[2]
    after = (await started().update(step(at, [cheap, dear]))).distribution
    assert dear.score > cheap.score
    assert not dear.within_budget
    assert after.log_prob(at.mode()) > at.log_prob(at.mode())


async def test_a_gradient_is_clipped_to_its_norm() -> None:
    at = somewhere(SPACE)
    free, clipped = started(), started(clip=0.01)
    for updater in (free, clipped):
        await updater.update(step(at, drawn(SPACE, at)))
    assert np.linalg.norm(ascent(free)) > 0.01
    assert np.linalg.norm(ascent(clipped)) == pytest.approx(0.01, rel=1e-3)


async def test_certain_choices_can_be_learned_from() -> None:
    at = GraphDistribution.around(SPACE, somewhere(SPACE).mode())
    trials = drawn(SPACE, somewhere(SPACE))
    after = (await started(entropy_weight=0.1).update(step(at, trials))).distribution
    assert np.isfinite(after.entropy())
    assert after.entropy() > 0


async def test_adam_remembers_until_the_next_start() -> None:
    at, updater = somewhere(SPACE), started()
    first, second = drawn(SPACE, at)[:3], drawn(SPACE, at)[3:]

    async def edges(trials: list[Trial]) -> Floats:
        return (await updater.update(step(at, trials))).distribution.edge

    fresh = await edges(first)
    assert not np.array_equal(await edges(first), fresh), "moments and baseline are kept"
    await edges(second)
    updater.start(context(SPACE))
    assert np.array_equal(await edges(first), fresh)


async def test_it_climbs() -> None:
    """On a surface with one optimum the later graphs are better than the first, for each seed."""
    for seed in range(3):
        update = PolicyGradient(rate=0.4)
        optimizer = SampleFeedbackUpdate("reinforce", Uniform(), update, samples=8)
        course = await drive(optimizer, context(paper_space(), seed), bumpy, trials=200, parallel=8)
        scores = [t.score for t in course.trials]
        assert np.mean(scores[-60:]) > np.mean(scores[:60]) + 0.02


# --- torch ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["reinforce", "maao"])
def test_without_torch_it_says_what_to_install(
    name: str, compose: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = compose(f"optimizer={name}", "llm=simulated")
    monkeypatch.setitem(sys.modules, "torch", None)
    for module in ("logits", "policy_gradient"):
        monkeypatch.delitem(sys.modules, f"tts_search.optimizers.{module}")
    with pytest.raises(ConfigError, match=r"pip install 'tts-search\[torch\]'"):
        build_optimizer(config.optimizer, None)


def test_other_methods_do_not_wait_for_torch() -> None:
    names = "tts_search.main, tts_search.parts, tts_search.optimizers.update, sys"
    code = f"import {names}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("settings", [{"rate": 0}, {"clip": -1}, {"decay": 1.5}])
def test_impossible_settings_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=f"{next(iter(settings))}.* must"):
        PolicyGradient(**settings)  # type: ignore[arg-type]
