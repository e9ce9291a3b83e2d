"""Intervals: published values, and the coverage they promise, by simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tts_search.core.statistics import (
    bootstrap,
    mcnemar,
    mean_interval,
    median_interval,
    paired_interval,
    wilson,
)
from tts_search.core.trial import Evaluation


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (8, 10, 0.4902, 0.9433),
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (50, 100, 0.4038, 0.5962),
        (1, 1, 0.2065, 1.0),
        # Newcombe 1998, table I, method 3 (score, without continuity correction).
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_values(successes, n, low, high):
    assert wilson(successes, n) == pytest.approx((low, high), abs=5.1e-5)


def test_without_questions_nothing_is_known():
    assert wilson(0, 0) == mean_interval([]) == (0.0, 1.0)


@settings(derandomize=True, deadline=None)
@given(st.integers(1, 500), st.data())
def test_wilson_holds_the_mean_stays_in_bounds_and_is_symmetric(n, data):
    k = data.draw(st.integers(0, n))
    low, high = wilson(k, n)
    assert 0 <= low <= k / n + 1e-12
    assert k / n - 1e-12 <= high <= 1
    assert wilson(n - k, n) == pytest.approx((1 - high, 1 - low), abs=1e-12)
    assert high - low > 0


@pytest.mark.parametrize(
    ("n", "p"), [(n, p) for n in (5, 10, 30, 100, 500) for p in (0.1, 0.3, 0.5, 0.7, 0.9)]
)
def test_wilson_covers_the_truth_about_as_often_as_it_says(n, p):
    """Exact, over all outcomes of the binomial. Known to dip to about 0.92 at single p
    (Brown, Cai & DasGupta 2001, section 3), so between 0.91 and 0.995 at every p tried."""
    k = np.arange(n + 1)
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(n, 0, -1) / np.arange(1, n + 1)))])
    weight = np.exp(logs + k * np.log(p) + (n - k) * np.log(1 - p))
    covers = np.array([low <= p <= high for low, high in (wilson(int(i), n) for i in k)])
    assert weight.sum() == pytest.approx(1)
    assert 0.91 < (weight * covers).sum() < 0.995


def test_wilson_covers_95_percent_on_average_over_the_truth():
    """Mean coverage over p uniform in (0, 1), n = 50: 0.95 within 0.01, 4 standard errors of the
    8,000 simulated proportions (0.0024 each): false alarm 6e-5."""
    rng = np.random.default_rng(0)
    p = rng.random(8000)
    hits = [low <= q <= high for q in p for low, high in [wilson(int(rng.binomial(50, q)), 50)]]
    assert np.mean(hits) == pytest.approx(0.95, abs=0.01)


@pytest.mark.parametrize(("n", "least"), [(20, 0.865), (50, 0.88), (200, 0.89)])
def test_bootstrap_covers_the_truth(n, least):
    """Partial credit, beta(2, 1) scores of mean 2/3; 400 simulated batches of n questions.

    The percentile interval is too narrow for few questions (Hesterberg 2015, section 3): a normal
    with divisor n covers 0.93, 0.942, 0.948 at these n. `least` is below that by 4 standard errors
    of the simulation (0.011 to 0.013) and 2 of the 1,000 resamples, which all batches of one n
    share (0.007): false alarm below 1e-4.
    """
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(400):
        low, high = bootstrap(rng.beta(2, 1, n), resamples=1000)
        hits += low <= 2 / 3 <= high
    assert least < hits / 400 < 0.99


def test_bootstrap_agrees_with_the_normal_interval_on_many_scores():
    """400 scores: bounds within 15% of the half-width 1.96 s / sqrt(n)."""
    scores = np.random.default_rng(2).uniform(0, 1, 400)
    half = 1.96 * scores.std(ddof=1) / 20
    low, high = bootstrap(scores)
    assert low == pytest.approx(scores.mean() - half, abs=0.15 * half)
    assert high == pytest.approx(scores.mean() + half, abs=0.15 * half)


def test_bootstrap_of_the_same_scores_is_the_same_interval():
    scores = [0.1, 0.5, 0.9, 0.3]
    assert bootstrap(scores) == bootstrap(scores)


def test_right_or_wrong_scores_get_wilson_and_partial_credit_the_bootstrap():
    assert mean_interval([1.0, 0.0, 1.0]) == wilson(2, 3)
    assert mean_interval([1, 1, 1, 1]) == wilson(4, 4)
    assert mean_interval([0.5, 0.25, 1.0]) == bootstrap([0.5, 0.25, 1.0])


@pytest.mark.parametrize("scores", [[0.5], [0.5, 0.5, 0.5]])
def test_equal_partial_scores_are_no_certainty(scores):
    """A resample cannot differ from the sample, but the next question can."""
    low, high = mean_interval(scores)
    assert low < 0.4
    assert high > 0.6


def test_the_standard_error_of_few_right_answers_is_not_zero():
    """Agresti-Coull: 0 of 3 is (0 + 2) of (3 + 4)."""
    none = Evaluation(("q1", "q2", "q3"), (0.0, 0.0, 0.0), 1.0, 1.0, 1.0, 1.0, 0)
    assert none.mean == 0
    assert none.standard_error == pytest.approx((2 / 7 * 5 / 7 / 7) ** 0.5)


def test_the_interval_of_a_median_covers_it():
    """Exponential scores, median ln 2; 400 batches of 40. At least 0.95 less 4 standard errors of
    the simulation (0.011) and the bootstrap's own shortfall (about 0.01)."""
    rng = np.random.default_rng(3)
    bounds = [median_interval(rng.exponential(size=40)) for _ in range(400)]
    hits = np.mean([low <= np.log(2) <= high for low, high in bounds])
    assert 0.895 < hits < 0.995


def test_a_paired_interval_is_that_of_the_differences_and_agrees_with_scipy():
    rng = np.random.default_rng(4)
    hard = rng.random(300)
    first, second = ((hard + shift > rng.random(300)).astype(float) for shift in (0.1, 0.0))
    got = paired_interval(first, second)
    result = stats.bootstrap(
        (first, second),
        lambda a, b, axis: (a - b).mean(axis=axis),
        paired=True,
        method="percentile",
        n_resamples=4000,
        rng=np.random.default_rng(0),
    )
    want = result.confidence_interval
    assert got == pytest.approx((want.low, want.high), abs=0.01)  # 6 errors of a resampled bound


def test_pairing_takes_out_what_makes_a_question_hard():
    """Scores that move together: the interval is that of the noise alone."""
    rng = np.random.default_rng(5)
    hard = rng.uniform(0, 1, 200)
    low, high = paired_interval(hard + rng.normal(0.05, 0.02, 200), hard)
    assert 0.04 < low < 0.05 < high < 0.06


@pytest.mark.parametrize(("gap", "n"), [(0.0, 10), (1.0, 10), (-1.0, 30), (0.0, 300)])
def test_equal_differences_are_no_certainty(gap, n):
    low, high = paired_interval([max(gap, 0.0)] * n, [max(-gap, 0.0)] * n)
    assert -1 <= low <= gap <= high <= 1
    assert 1 / n < high - low < 8 / n


def test_a_difference_needs_the_same_questions():
    with pytest.raises(ValueError, match="at least one question"):
        paired_interval([], [])
    with pytest.raises(ValueError, match="shorter"):
        paired_interval([1.0, 0.0], [1.0])


@pytest.mark.parametrize(
    ("wins", "losses", "alike"), [(0, 0, 5), (1, 0, 0), (8, 1, 40), (12, 12, 3), (2, 15, 9)]
)
def test_mcnemar_is_the_sign_test_of_the_questions_that_differ(wins, losses, alike):
    first = [1.0] * wins + [0.0] * losses + [1.0] * alike
    second = [0.0] * wins + [1.0] * losses + [1.0] * alike
    discordant = wins + losses
    want = stats.binomtest(wins, discordant).pvalue if discordant else 1.0
    assert mcnemar(first, second) == pytest.approx(want)
    assert mcnemar(second, first) == mcnemar(first, second)
