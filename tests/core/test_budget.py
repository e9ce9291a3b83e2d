"""One cost definition for estimate and measurement. Golden values: the paper's formula by hand."""

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tts_search.budgets.dollars import Dollars
from tts_search.budgets.flops import Flops
from tts_search.budgets.latency import Latency
from tts_search.budgets.tokens import TokenCount
from tts_search.core.budget import BoundBudget, Budget, BudgetMetric
from tts_search.core.data import Tokens
from tts_search.core.models import ModelPool, ModelSpec
from tts_search.errors import BudgetError, ConfigError

from .strategies import (
    MATH,
    METRICS,
    PAPER_POOL,
    graph_of,
    paper_budget,
    random_graph,
    random_pool,
    random_profile,
    random_space,
    seeds,
    star,
)

PRICED = ModelSpec("p", "s", 1e9, 16, 2048, price_in=0.15, price_out=0.60)
TIMED = ModelSpec("t", "s", 1e9, 16, 2048, prefill_tps=1000, decode_tps=50)
BARE = ModelSpec("bare", "s")


def bound(metric: BudgetMetric, *models: ModelSpec, limit: float = 1e9) -> BoundBudget:
    """Absolute units, 200 tokens in and 100 out for every model."""
    profile = {m.name: Tokens(200, 100) for m in models}
    return Budget(metric, limit, "absolute").bind(ModelPool(models), profile)


# --- FLOPs ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "a", "b", "flops"),
    [("MATH", 202, 275, 9.689e11), ("MMLU", 213, 215, 8.680e11), ("HumanEval", 180, 115, 5.957e11)],
)
def test_the_unit_is_one_call_of_the_smallest_model(task, a, b, flops):
    profile = dict.fromkeys(PAPER_POOL, Tokens(a, b))
    unit = Budget(Flops(), 18).bind(PAPER_POOL, profile).unit
    assert unit == pytest.approx(flops, rel=5e-4), task


@pytest.mark.parametrize(
    ("model", "units"),
    [
        ("1B", (1.0, 1.59, 2.19, 2.80)),
        ("3B", (2.99, 4.76, 6.55, 8.36)),
        ("8B", (7.94, 12.57, 17.24, 21.96)),
        ("70B", (69.2,)),
    ],
)
def test_units_of_a_node_by_model_and_predecessors(model, units):
    costs = [paper_budget().estimate_call(model, d) for d in range(len(units))]
    assert costs == pytest.approx(units, abs=0.05 if model == "70B" else 0.005)


@settings(derandomize=True, deadline=None)
@given(seeds, st.integers(0, 12))
def test_the_quadratic_in_predecessors_equals_the_formula_of_a_call(seed, d):
    rng = np.random.default_rng(seed)
    (model,) = random_pool(rng, 1).models
    m, ld = model.params, model.layers * model.hidden
    a, b = rng.uniform(1, 4000, 2)
    alpha = 2 * ld * b**2
    beta = 2 * m * b + 2 * ld * b * (2 * a + 2 * b + 1)
    gamma = 2 * (m + ld) * (a + b) + 2 * ld * (a + b) ** 2
    call = Flops().call_cost(model, Tokens(a + d * b, b))
    assert call == pytest.approx(alpha * d**2 + beta * d + gamma, rel=1e-9)


def test_a_graph_costs_the_sum_of_its_calls():
    """Eight samples of the 1B and a fuser of the 1B that reads all: 8 + (1B at d = 8)."""
    budget = paper_budget()
    assert budget.estimate(star(8, "a:1B", "f:1B")) == pytest.approx(
        8 + budget.estimate_call("1B", 8)
    )


def test_a_vote_costs_nothing():
    assert paper_budget().estimate(star(5, "a:1B", "vote")) == pytest.approx(5)


def test_every_model_is_counted_on_its_own_tokens():
    profile = {**MATH, "8B": Tokens(202, 550)}
    budget = Budget(TokenCount(), 1e6, "absolute")
    graph = graph_of(["a:1B", "a:8B"], [(0, 1)])
    # The 8B reads one answer, priced at its own mean length: a mean answer of another model
    # is not known before the graph runs.
    assert budget.bind(PAPER_POOL, profile).estimate(graph) == (202 + 275) + (202 + 550 + 550)


# --- dollars, latency, tokens -----------------------------------------------------------------


def test_dollars_are_list_prices_per_million_tokens():
    budget = bound(Dollars(), PRICED)
    assert budget.estimate_call("p", 0) == pytest.approx(200 * 0.15e-6 + 100 * 0.60e-6)
    assert budget.estimate_call("p", 3) == pytest.approx(500 * 0.15e-6 + 100 * 0.60e-6)


def test_latency_is_the_critical_path_not_the_sum():
    """Eight answers side by side, then a fuser: two calls' time, not nine."""
    budget = bound(Latency(), TIMED)
    first, last = budget.estimate_call("t", 0), budget.estimate_call("t", 8)
    assert first == pytest.approx(200 / 1000 + 100 / 50)
    assert last == pytest.approx(1000 / 1000 + 100 / 50)
    assert budget.estimate(star(8, "a:t", "f:t")) == pytest.approx(first + last)


def test_latency_follows_the_slowest_path():
    slow = ModelSpec("slow", "s", 1e9, 16, 2048, prefill_tps=1000, decode_tps=5)
    budget = bound(Latency(), TIMED, slow)
    graph = graph_of(["a:t", "a:t", "a:slow", "f:t"], [(0, 1), (1, 3), (2, 3)])
    expected = budget.estimate_call("slow", 0) + budget.estimate_call("t", 2)
    assert budget.estimate(graph) == pytest.approx(expected)


def test_tokens_are_read_plus_generated():
    budget = bound(TokenCount(), BARE)
    assert budget.estimate(star(3, "a:bare", "f:bare")) == 3 * 300 + (200 + 3 * 100 + 100)


# --- estimate and measurement -----------------------------------------------------------------


@settings(derandomize=True, deadline=None, max_examples=200)
@given(seeds)
def test_measured_equals_estimated_when_real_tokens_equal_the_profile(seed):
    rng = np.random.default_rng(seed)
    budget = random_space(rng).budget
    graph = random_graph(rng, int(rng.integers(1, 9)), models=(*budget.pool, None))
    tokens = [
        Tokens(p.prompt + len(up) * p.output, p.output) if p else None
        for node, up in zip(graph.nodes, graph.parents, strict=True)
        for p in [budget.profile[node.model] if node.model else None]
    ]
    assert budget.measured(graph, tokens) == pytest.approx(budget.estimate(graph), rel=1e-12)


def test_a_call_that_was_not_made_costs_nothing():
    budget, graph = bound(TokenCount(), BARE), star(2, "a:bare", "f:bare")
    assert budget.measured(graph, [Tokens(10, 5), None, Tokens(20, 5)]) == 40


def test_measured_needs_the_tokens_of_every_node():
    with pytest.raises(ValueError, match="shorter"):
        bound(TokenCount(), BARE).measured(star(2, "a:bare", "f:bare"), [Tokens(1, 1)])


@settings(derandomize=True, deadline=None, max_examples=200)
@given(seeds)
def test_one_more_edge_never_makes_a_graph_cheaper(seed):
    rng = np.random.default_rng(seed)
    budget = random_space(rng).budget
    graph = random_graph(rng, 6, models=budget.pool.names)
    s, d = sorted(rng.choice(6, 2, replace=False).tolist())
    denser = type(graph)(graph.nodes, (*graph.edges, (s, d)))
    assert budget.estimate(denser) >= budget.estimate(graph) * (1 - 1e-12)


# --- limits -----------------------------------------------------------------------------------


def test_a_graph_at_the_limit_fits_and_one_above_does_not():
    assert paper_budget(3).admits(star(3, "a:1B", "vote"))
    assert not paper_budget(3).admits(star(4, "a:1B", "vote"))
    assert not paper_budget(2.999).admits(star(3, "a:1B", "vote"))


def test_affordable_lists_models_cheapest_first():
    pool = ModelPool(tuple(reversed(PAPER_POOL.models)))
    assert Budget(Flops(), 18).bind(pool, MATH).affordable() == ("1B", "3B", "8B")
    assert Budget(Flops(), 70).bind(pool, MATH).affordable() == ("1B", "3B", "8B", "70B")


@pytest.mark.parametrize("limit", [0, -1, math.inf, math.nan, "18", None])
def test_a_limit_must_be_a_number_above_zero(limit):
    with pytest.raises(BudgetError, match=r"budget\.limit must be a number above 0") as error:
        Budget(Flops(), limit, "absolute")
    assert repr(limit) in str(error.value)


def test_an_unknown_scale_names_the_two_there_are():
    with pytest.raises(BudgetError, match="cheapest_call or absolute, but got 'units'"):
        Budget(Flops(), 18, "units")


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        (Flops(), ["bare", "params, layers and hidden", "budget=tokens"]),
        (Dollars(), ["bare", "price_in and price_out", "budget=flops"]),
        (Latency(), ["bare", "prefill_tps and decode_tps", "budget=flops"]),
    ],
)
def test_a_model_without_the_needed_figure_is_named_with_the_way_out(metric, words):
    for need in (lambda: bound(metric, BARE), lambda: Budget(metric, 1).check(ModelPool((BARE,)))):
        with pytest.raises(BudgetError) as error:
            need()
        for word in words:
            assert word in str(error.value)


def number_to_type(error: BudgetError) -> float:
    found = re.search(r"type budget\.limit=(\S+) or more", str(error))
    assert found, error
    return float(found[1])


@settings(derandomize=True, deadline=None, max_examples=500)
@given(seeds)
def test_a_limit_below_every_call_names_the_number_to_type_and_it_works(seed):
    rng = np.random.default_rng(seed)
    pool = random_pool(rng, 2)
    profile, metric = random_profile(rng, pool), METRICS[rng.integers(len(METRICS))]
    cheapest = min(metric.call_cost(m, profile[m.name]) for m in pool.models)
    low = cheapest * rng.uniform(0.001, 0.999)
    with pytest.raises(BudgetError, match="must admit the cheapest single call") as error:
        Budget(metric, low, "absolute").bind(pool, profile)
    typed = number_to_type(error.value)
    assert typed < cheapest * 1.011  # three digits: no more than 1% too much
    assert Budget(metric, typed, "absolute").bind(pool, profile).affordable()


@pytest.mark.parametrize("cost", [0.1 + 0.2, 0.07 * 3, 1.005 - 0.005, 1.1 * 1.1, 99.95, 1e-7, 3e17])
def test_the_number_to_type_works_where_binary_fractions_are_just_above_a_short_decimal(cost):
    class Fixed(TokenCount):
        def call_cost(self, model: ModelSpec, tokens: Tokens) -> float:
            return cost

    with pytest.raises(BudgetError) as error:
        bound(Fixed(), BARE, limit=cost / 2)
    assert bound(Fixed(), BARE, limit=number_to_type(error.value)).affordable() == ("bare",)


@pytest.mark.parametrize("limit", [0.5, 0, -1])
def test_a_limit_below_one_cheapest_call_asks_for_one(limit):
    with pytest.raises(BudgetError, match=r"type budget\.limit=1 or more") as error:
        Budget(Flops(), limit)
    assert Budget(Flops(), number_to_type(error.value)).bind(PAPER_POOL, MATH).affordable()


def test_a_unit_of_nothing_is_refused():
    """A free model cannot be the unit that everything else is counted in."""
    free = ModelSpec("free", "s", 1e9, 16, 2048, price_in=0.0, price_out=0.0)
    with pytest.raises(BudgetError, match=r"free.*budget\.scale=absolute"):
        Budget(Dollars(), 18).bind(
            ModelPool((PRICED, free)), dict.fromkeys(("p", "free"), MATH["1B"])
        )
    assert bound(Dollars(), PRICED, free).estimate(star(3, "a:free", "f:free")) == 0


# --- the pool ---------------------------------------------------------------------------------


def test_a_pool_needs_models_of_different_names():
    with pytest.raises(ConfigError, match="model pool is empty"):
        ModelPool(())
    with pytest.raises(ConfigError, match="share a name"):
        ModelPool((BARE, BARE))
