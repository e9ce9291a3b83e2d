"""Censored medians: scipy's product-limit estimate, and what must not happen to censored runs."""

from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tts_search.core.survival import survival_interval, survival_median


@settings(derandomize=True, deadline=None)
@given(st.integers(1, 40), st.integers(0, 1000), st.floats(0.0, 1.0))
def test_the_median_is_that_of_scipys_curve(n, seed, share):
    rng = np.random.default_rng(seed)
    times, happened = rng.integers(1, 15, n).astype(float), rng.random(n) < share
    if not happened.any():  # scipy wants at least one
        assert survival_median(times, happened) == inf
        return
    data = stats.CensoredData.right_censored(times, ~happened)
    curve = stats.ecdf(data).sf
    below = curve.quantiles[curve.probabilities <= 0.5 + 1e-12]
    assert survival_median(times, happened) == (below[0] if len(below) else inf)


def test_without_censoring_it_is_the_lower_median():
    assert survival_median(np.array([5.0, 1.0, 9.0]), np.array([True] * 3)) == 5
    assert survival_median(np.array([4.0, 2.0, 3.0, 1.0]), np.array([True] * 4)) == 2


def test_runs_that_never_got_there_are_not_dropped():
    """1 of 3 got there: dropping the others would say 10."""
    times, happened = np.array([10.0, 100.0, 100.0]), np.array([True, False, False])
    assert survival_median(times, happened) == inf


def test_the_interval_holds_the_median_and_may_have_no_upper_end():
    times = np.concatenate([np.arange(1.0, 13.0), np.full(8, 50.0)])
    low, high = survival_interval(times, times < 50)
    assert low <= survival_median(times, times < 50) <= high == inf
    assert low == pytest.approx(6, abs=2)


def test_the_interval_covers_the_median():
    """Exponential times (median ln 2), watched until 1.2: 200 batches of 40. 0.95 less 4 standard
    errors (0.016) and what the bootstrap falls short by (about 0.01)."""
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(200):
        times = rng.exponential(size=40)
        low, high = survival_interval(np.minimum(times, 1.2), times <= 1.2, 300)
        hits += low <= np.log(2) <= high
    assert 0.875 < hits / 200 < 0.995
