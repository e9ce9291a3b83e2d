"""Objectives without a run: prices, utilities, fronts, what a front is worth."""

from collections.abc import Sequence

import numpy as np
import pytest

from tts_search.budgets.dollars import Dollars
from tts_search.budgets.flops import Flops
from tts_search.budgets.latency import Latency
from tts_search.core.budget import Budget
from tts_search.core.data import Tokens
from tts_search.core.front import Chebyshev, Point, dominates, hypervolume, non_dominated
from tts_search.core.graph import Graph, Node
from tts_search.core.models import ModelPool, ModelSpec
from tts_search.core.objective import Objective, Pareto, Weighted
from tts_search.core.sequential import evidence, expected_mean
from tts_search.core.trial import Evaluation, joined
from tts_search.errors import BudgetError, ConfigError, TTSError

from .strategies import MATH, PAPER_POOL

FAST = ModelSpec("fast", "fast", prefill_tps=100, decode_tps=10, price_in=1, price_out=1)
SLOW = ModelSpec("slow", "slow", prefill_tps=50, decode_tps=5, price_in=9, price_out=9)
POOL = ModelPool((FAST, SLOW))
PROFILE = {"fast": Tokens(100, 10), "slow": Tokens(100, 10)}  # 2 s and 4 s
SIDE_BY_SIDE = Graph((Node("a", "fast"), Node("a", "slow"), Node("f", "fast")), ((0, 2), (1, 2)))


def seen(scores: Sequence[float], prices: Sequence[float] = (), weight: float = 0.0) -> Evaluation:
    names = tuple(f"q{i}" for i in range(len(scores)))
    costs = (1.0,) * len(scores)
    return Evaluation(names, tuple(scores), costs, 1, 1, 1, 0, tuple(prices), weight)


# --- prices and utilities ---------------------------------------------------------------------


@pytest.mark.parametrize(("scale", "price"), [("cheapest_call", 3.0), ("absolute", 6.0)])
def test_a_price_is_measured_like_a_cost_in_the_objectives_own_unit(
    scale: str, price: float
) -> None:
    """The slow call takes 4 s, then the fast one 2; a unit is a fast call or a second."""
    bound = Weighted(Latency(), 0.1, scale).bind(POOL, PROFILE)  # type: ignore[arg-type]
    used = [[Tokens(100, 10)] * 3, [None] * 3]
    assert bound.prices(SIDE_BY_SIDE, used) == (price, 0.0)


def test_the_score_alone_has_no_price() -> None:
    bound = Objective().bind(POOL, PROFILE)
    assert bound.prices(SIDE_BY_SIDE, [[Tokens(1, 1)] * 3]) == ()
    assert seen([0.0, 1.0]).utilities == (0.0, 1.0)


def test_utility_is_the_score_less_the_weighted_price_of_each_question() -> None:
    both = seen([1.0, 0.0], [2.0, 4.0], 0.1)
    assert both.utilities == pytest.approx((0.8, -0.4))
    assert both.utility == pytest.approx(0.2)
    assert (both.mean, both.price) == (0.5, 3.0)


def test_joined_evaluations_keep_prices_and_weight() -> None:
    whole = joined([seen([1.0], [2.0], 0.1), seen([0.0, 1.0], [4.0, 6.0], 0.1)])
    assert whole.prices == (2.0, 4.0, 6.0)
    assert whole.weight == 0.1


# --- mistakes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("weight", [-0.1, float("inf"), float("nan")])
def test_an_impossible_weight_is_refused(weight: float) -> None:
    with pytest.raises(ConfigError, match=r"objective\.weight must be .* 0 or more"):
        Weighted(Latency(), weight)


def test_another_scale_is_refused_in_the_objectives_words() -> None:
    with pytest.raises(BudgetError, match=r"^objective\.scale must be"):
        Pareto(Latency(), 0.1, "seconds")  # type: ignore[arg-type]


@pytest.mark.parametrize("metric", [Latency(), Dollars(), Flops()])
def test_a_model_that_lacks_a_figure_is_named(metric: object) -> None:
    bare = ModelPool((FAST, ModelSpec("bare", "bare")))
    with pytest.raises(TTSError, match=rf"objective\.metric={metric.name} needs") as error:  # type: ignore[attr-defined]
        Weighted(metric).check(bare)  # type: ignore[arg-type]
    assert "budget" not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_free_model_cannot_be_the_unit() -> None:
    free = ModelPool((ModelSpec("free", "free", price_in=0, price_out=0),))
    with pytest.raises(BudgetError, match=r"objective\.scale=absolute"):
        Weighted(Dollars()).bind(free, {"free": Tokens(1, 1)})


# --- racing on utilities ----------------------------------------------------------------------


def test_the_evidence_stays_a_fair_bet_on_utilities_far_below_0() -> None:
    """A candidate exactly as good as the target, its utilities in [-9, 1] in random order: wealth
    reaches 5 in at most a fifth of the runs; 400 runs, three standard errors of tolerance."""
    rng = np.random.default_rng(0)
    utilities = rng.choice([1.0, -9.0, 0.5], size=40)
    forecast, target = [float(utilities.mean())] * 40, float(utilities.mean())
    beaten = 0
    for _ in range(400):
        order = rng.permutation(utilities).tolist()
        beaten += any(evidence(order[:t], forecast, target) >= 5 for t in range(1, 40))
    assert beaten / 400 <= 0.2 + 3 * (0.2 * 0.8 / 400) ** 0.5


def test_an_expected_utility_may_lie_below_0() -> None:
    assert expected_mean([-2.0], [-1.0, -1.0]) == -2.0
    assert expected_mean([0.0], [1.0, 0.0]) == 0.0, "scores stay in [0, 1]"


# --- fronts -----------------------------------------------------------------------------------


def random_points(seed: int, count: int = 40) -> list[Point]:
    """On a coarse grid, so that there are ties."""
    rng = np.random.default_rng(seed)
    pairs = rng.integers(0, 8, size=(count, 2)) / 8
    return [(float(score), float(price)) for score, price in pairs]


@pytest.mark.parametrize("seed", range(20))
def test_a_front_is_what_no_other_point_dominates(seed: int) -> None:
    points = random_points(seed)
    front = [points[i] for i in non_dominated(points)]
    assert set(front) == {p for p in points if not any(dominates(q, p) for q in points)}
    assert len(set(front)) == len(front)
    assert front == sorted(front, reverse=True)


@pytest.mark.parametrize(
    ("points", "area"),
    [
        ([], 0.0),
        ([(0.5, 2.0)], 1.0),  # 0.5 high, from 2 to 4
        ([(0.5, 2.0), (0.5, 2.0), (0.4, 3.0)], 1.0),  # a copy and a dominated one
        ([(0.8, 3.0), (0.5, 1.0)], 1.8),  # 0.8 x 1 and 0.5 x 2
        ([(0.8, 3.0), (0.5, 1.0), (0.9, 5.0), (0.0, 0.5)], 1.8),  # beyond the reference
        ([(1.0, 0.0)], 4.0),
    ],
)
def test_hypervolume_by_hand(points: list[Point], area: float) -> None:
    assert hypervolume(points, (0.0, 4.0)) == pytest.approx(area)


@pytest.mark.parametrize("seed", range(5))
def test_hypervolume_is_the_share_of_darts_that_a_point_dominates(seed: int) -> None:
    """20,000 darts: four standard errors, 0.0142, that is a false alarm in 16,000 seeds."""
    points = random_points(seed, 5)
    darts = np.random.default_rng(100 + seed).random((20_000, 2))
    hit = np.zeros(len(darts), dtype=bool)
    for score, price in points:
        hit |= (darts[:, 0] <= score) & (darts[:, 1] >= price)
    assert hypervolume(points, (0.0, 1.0)) == pytest.approx(hit.mean(), abs=0.0142)


@pytest.mark.parametrize("metric", [Flops(), Latency()])
def test_the_reference_is_the_budget_where_the_price_is_its_cost(metric: object) -> None:
    pool = PAPER_POOL if isinstance(metric, Flops) else POOL
    profile = MATH if isinstance(metric, Flops) else PROFILE
    budget = Budget(metric, 12).bind(pool, profile)  # type: ignore[arg-type]
    bound = Pareto(metric).bind(pool, profile)  # type: ignore[arg-type]
    assert bound.dearest(budget, "a", 8) == pytest.approx(12)


# --- one figure of two ------------------------------------------------------------------------


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_a_scalarised_point_is_no_worse_than_what_it_dominates(weight: float) -> None:
    points = random_points(1)
    figure = Chebyshev.over(points, weight)
    assert all(0 <= figure(p) <= 1 for p in points)
    assert all(figure(p) >= figure(q) for p in points for q in points if dominates(p, q))


def test_the_weights_lead_to_both_ends_of_a_front_and_between() -> None:
    points = [(0.9, 9.0), (0.7, 3.0), (0.3, 1.0)]
    best = [max(points, key=Chebyshev.over(points, w / 10)) for w in range(11)]
    assert best[0] == (0.3, 1.0)
    assert (0.7, 3.0) in best
    assert best[10] == (0.9, 9.0)


def test_a_single_point_is_scalarised_without_a_range() -> None:
    assert Chebyshev.over([(0.5, 2.0)], 0.5)((0.5, 2.0)) == 1.0
