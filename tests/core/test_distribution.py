"""What is sampled is what the probabilities say, and the gradient is the gradient."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings

from tts_search.core.distribution import GraphDistribution
from tts_search.core.space import Choices, SearchSpace
from tts_search.errors import GraphError

from .strategies import ROLES, paper_budget, seeds

SPACE = SearchSpace(3, ROLES, paper_budget())


def random_distribution(
    rng: np.random.Generator, slots: int = 3, roles: int = 3, models: int = 2
) -> GraphDistribution:
    return GraphDistribution(
        rng.uniform(0.05, 0.95, (slots, slots)),
        rng.dirichlet(np.full(roles, 2.0), slots),
        rng.dirichlet(np.full(models + 1, 2.0), slots),
    )


def all_points(slots: int, roles: int, models: int) -> list[Choices]:
    pairs = [(i, j) for i in range(slots) for j in range(i + 1, slots)]
    points = []
    for model in product(range(models + 1), repeat=slots):
        for role in product(range(roles), repeat=slots):
            for bits in product((0, 1), repeat=len(pairs)):
                edge = np.zeros((slots, slots), dtype=np.int64)
                for (i, j), bit in zip(pairs, bits, strict=True):
                    edge[i, j] = bit
                points.append(Choices(np.array(model), np.array(role), edge))
    return points


def same(a: Choices, b: Choices) -> bool:
    pairs = zip((a.model, a.role, a.edge), (b.model, b.role, b.edge), strict=True)
    return all(np.array_equal(x, y) for x, y in pairs)


# --- sampling ---------------------------------------------------------------------------------


def test_sampled_frequencies_match_the_probabilities():
    """20,000 samples; each of the 21 frequencies within 4.5 standard errors of its probability.

    A right sampler fails one such check with probability 7e-6, so any of 21 with below 2e-4.
    """
    rng = np.random.default_rng(0)
    truth, n = random_distribution(rng), 20_000
    points = [truth.sample(rng) for _ in range(n)]
    edge = sum(p.edge for p in points) / n
    role = sum(np.eye(3)[p.role] for p in points) / n
    model = sum(np.eye(3)[p.model] for p in points) / n
    for seen, expected in ((edge, truth.edge), (role, truth.role), (model, truth.model)):
        error = np.sqrt(expected * (1 - expected) / n)
        assert (np.abs(seen - expected) <= 4.5 * error).all()


def test_sampled_points_have_the_frequency_that_log_prob_states():
    """Jointly, not one choice at a time: chi-square over all 72 points of a tiny space.

    With 71 degrees of freedom a right sampler exceeds 71 + 5 * sqrt(2 * 71) = 130.6 with
    probability below 2e-5.
    """
    rng = np.random.default_rng(1)
    truth, n = random_distribution(rng, slots=2, roles=2, models=2), 20_000
    expected = {_name(p): n * np.exp(truth.log_prob(p)) for p in all_points(2, 2, 2)}
    seen = dict.fromkeys(expected, 0)
    for _ in range(n):
        seen[_name(truth.sample(rng))] += 1
    chi2 = sum((seen[k] - expected[k]) ** 2 / expected[k] for k in expected)
    assert len(expected) == 72
    assert chi2 < 71 + 5 * np.sqrt(2 * 71)


def _name(p: Choices) -> tuple[object, ...]:
    return (*p.model.tolist(), *p.role.tolist(), *p.edge.ravel().tolist())


def test_the_same_seed_gives_the_same_points():
    truth = random_distribution(np.random.default_rng(2))
    first = [truth.sample(np.random.default_rng(s)) for s in range(50)]
    again = [truth.sample(np.random.default_rng(s)) for s in range(50)]
    assert all(map(same, first, again))
    assert len({_name(p) for p in first}) > 10


def test_what_has_no_probability_is_never_drawn_and_what_is_certain_always():
    certain = GraphDistribution(
        np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]]),
        np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]]),
        np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]]),
    )
    rng = np.random.default_rng(3)
    for _ in range(500):
        p = certain.sample(rng)
        assert p.edge.tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 0]]
        assert (p.role.tolist(), p.model.tolist()) == ([1, 0, 2], [2, 1, 0])


def test_points_sampled_from_a_space_decode_in_it():
    rng = np.random.default_rng(4)
    for _ in range(200):
        SPACE.decode(GraphDistribution.uniform(SPACE).sample(rng))


# --- log_prob, score, step --------------------------------------------------------------------


@settings(derandomize=True, deadline=None, max_examples=20)
@given(seeds)
def test_probabilities_of_all_points_sum_to_one(seed):
    truth = random_distribution(np.random.default_rng(seed), slots=2, roles=2, models=2)
    assert sum(np.exp(truth.log_prob(p)) for p in all_points(2, 2, 2)) == pytest.approx(1)


def test_log_prob_of_what_cannot_be_drawn_is_minus_infinity():
    point = Choices(np.array([1, 1, 1]), np.array([0, 0, 1]), np.triu(np.ones((3, 3), int), 1))
    at = GraphDistribution.around(SPACE, point)
    other = Choices(np.array([2, 1, 1]), point.role, point.edge)
    assert at.log_prob(point) == 0
    assert at.log_prob(other) == -np.inf


def logits(d: GraphDistribution) -> list[np.ndarray]:
    pairs = np.triu_indices(len(d.role), 1)
    return [np.log(d.edge[pairs] / (1 - d.edge[pairs])), np.log(d.role), np.log(d.model)]


def from_logits(edge: np.ndarray, role: np.ndarray, model: np.ndarray) -> GraphDistribution:
    n = len(role)
    full = np.zeros((n, n))
    full[np.triu_indices(n, 1)] = 1 / (1 + np.exp(-edge))
    soft = [np.exp(x) / np.exp(x).sum(axis=1, keepdims=True) for x in (role, model)]
    return GraphDistribution(full, *soft)


@settings(derandomize=True, deadline=None, max_examples=20)
@given(seeds)
def test_score_is_the_numerical_gradient_of_log_prob_by_the_logits(seed):
    rng = np.random.default_rng(seed)
    d = random_distribution(rng)
    point = d.sample(rng)
    by_edge, by_role, by_model = d.score(point)
    analytic = [by_edge[np.triu_indices(3, 1)], by_role, by_model]
    assert (np.tril(by_edge) == 0).all()
    for part, expected in enumerate(analytic):
        for index in np.ndindex(expected.shape):
            sides = []
            for h in (1e-5, -1e-5):
                moved = [x.copy() for x in logits(d)]
                moved[part][index] += h
                sides.append(from_logits(*moved).log_prob(point))
            assert (sides[0] - sides[1]) / 2e-5 == pytest.approx(expected[index], abs=1e-6)


def test_the_mean_score_is_zero():
    """E[grad log p] = 0, the identity that makes a baseline harmless: exact over all points."""
    d = random_distribution(np.random.default_rng(5), slots=2, roles=2, models=2)
    total = [np.zeros_like(x) for x in (d.edge, d.role, d.model)]
    for p in all_points(2, 2, 2):
        for into, part in zip(total, d.score(p), strict=True):
            np.add(into, np.exp(d.log_prob(p)) * part, out=into)
    assert all(np.abs(x).max() < 1e-12 for x in total)


@settings(derandomize=True, deadline=None, max_examples=50)
@given(seeds)
def test_a_step_along_the_score_makes_the_rewarded_point_more_probable(seed):
    rng = np.random.default_rng(seed)
    d = random_distribution(rng)
    point = d.sample(rng)
    for rate in (0.01, 0.5, 5.0):
        assert d.step(d.score(point), rate).log_prob(point) > d.log_prob(point)
        assert d.step(d.score(point), -rate).log_prob(point) < d.log_prob(point)


def test_a_step_of_nothing_changes_nothing():
    d = random_distribution(np.random.default_rng(6))
    still = d.step(tuple(np.zeros_like(x) for x in (d.edge, d.role, d.model)), 1.0)
    for a, b in ((d.edge, still.edge), (d.role, still.role), (d.model, still.model)):
        assert a == pytest.approx(b, abs=1e-12)


@pytest.mark.parametrize("rate", [1e3, -1e3, 1e6, -1e6])
def test_a_huge_step_gives_probabilities_without_a_warning(rate):
    rng = np.random.default_rng(7)
    d = random_distribution(rng)
    far = d.step(d.score(d.sample(rng)), rate)
    for part in (far.edge, far.role, far.model):
        assert np.isfinite(part).all()


def test_a_step_leads_back_out_of_certainty():
    """REINFORCE must be able to unlearn: probability 1 is not a grave."""
    p = Choices(np.array([1, 1, 1]), np.array([0, 0, 1]), np.zeros((3, 3), int))
    q = Choices(np.array([2, 1, 1]), np.array([0, 0, 1]), np.triu(np.ones((3, 3), int), 1))
    d = GraphDistribution.around(SPACE, p)
    for _ in range(30):
        d = d.step(d.score(q), 1.0)
    assert d.log_prob(q) > d.log_prob(p)


# --- mode, around, mixed, entropy -------------------------------------------------------------


@settings(derandomize=True, deadline=None, max_examples=20)
@given(seeds)
def test_the_mode_is_the_most_probable_of_all_points(seed):
    d = random_distribution(np.random.default_rng(seed), slots=2, roles=2, models=2)
    best = max(all_points(2, 2, 2), key=d.log_prob)
    assert d.log_prob(d.mode()) == pytest.approx(d.log_prob(best))
    assert same(d.mode(), best)


def test_around_draws_its_point_only():
    rng = np.random.default_rng(8)
    for _ in range(50):
        point = GraphDistribution.uniform(SPACE).sample(rng)
        d = GraphDistribution.around(SPACE, point)
        assert same(d.sample(rng), point)
        assert same(d.mode(), point)
        assert d.log_prob(point) == 0
        assert d.entropy() == 0


def test_mixed_moves_every_probability_by_the_weight():
    rng = np.random.default_rng(9)
    a, b = random_distribution(rng), random_distribution(rng)
    mix = a.mixed(b, 0.25)
    for m, x, y in (
        (mix.edge, a.edge, b.edge),
        (mix.role, a.role, b.role),
        (mix.model, a.model, b.model),
    ):
        assert m == pytest.approx(0.75 * x + 0.25 * y)
    for weight, end in ((0, a), (1, b)):
        assert a.mixed(b, weight).role == pytest.approx(end.role)


@settings(derandomize=True, deadline=None, max_examples=20)
@given(seeds)
def test_entropy_is_minus_the_mean_log_prob(seed):
    d = random_distribution(np.random.default_rng(seed), slots=2, roles=2, models=2)
    logs = [d.log_prob(p) for p in all_points(2, 2, 2)]
    assert d.entropy() == pytest.approx(-sum(np.exp(x) * x for x in logs), rel=1e-6)


def test_uniform_has_the_entropy_of_fair_choices():
    """3 slots: 3 edges, 3 roles of 3, 3 models of 4 and off; the most that is possible."""
    fair = GraphDistribution.uniform(SPACE)
    most = 3 * np.log(2) + 3 * np.log(3) + 3 * np.log(5)
    assert fair.entropy() == pytest.approx(most, rel=1e-6)


# --- what is refused --------------------------------------------------------------------------

EDGE, ROLE, MODEL = np.full((2, 2), 0.5), np.full((2, 2), 0.5), np.full((2, 4), 0.25)


@pytest.mark.parametrize(
    ("edge", "role", "model"),
    [
        (np.full((3, 3), 0.5), ROLE, MODEL),
        (np.full((2, 3), 0.5), ROLE, MODEL),
        (np.full(2, 0.5), ROLE, MODEL),
        (EDGE, ROLE, np.full((3, 4), 0.25)),
        (EDGE, np.full(2, 0.5), MODEL),
        (EDGE, ROLE, np.full(2, 0.5)),
    ],
)
def test_shapes_that_do_not_fit_each_other_are_refused(edge, role, model):
    with pytest.raises(GraphError, match=r"must be \(N, N\), \(N, R\) and \(N, M \+ 1\), but got"):
        GraphDistribution(edge, role, model)


@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan])
def test_edge_values_that_are_no_probabilities_are_refused(value):
    with pytest.raises(GraphError, match=r"edge probabilities must lie in \[0, 1\]"):
        GraphDistribution(np.full((2, 2), value), ROLE, MODEL)


@pytest.mark.parametrize("row", [[0.5, 0.6], [1.5, -0.5], [np.nan, 1.0], [0.0, 0.0]])
def test_rows_that_are_no_distributions_are_refused(row):
    with pytest.raises(GraphError, match="every row of role probabilities"):
        GraphDistribution(EDGE, np.array([[0.5, 0.5], row]), MODEL)


def test_a_distribution_is_not_changed_through_the_arrays_it_was_made_of():
    role = ROLE.copy()
    d = GraphDistribution(EDGE, role, MODEL)
    role[0] = [1.0, 0.0]
    assert d.role[0].tolist() == [0.5, 0.5]
