"""Ranks, effect sizes and tests between methods: scipy's values, and the errors they promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tts_search.core.ranks import holm, nested_interval, ranks, sign_flip, vargha_delaney


@settings(derandomize=True, deadline=None)
@given(st.integers(1, 8), st.integers(1, 6), st.integers(0, 1000))
def test_ranks_are_scipys_with_the_best_first(blocks, methods, seed):
    scores = np.random.default_rng(seed).integers(4, size=(blocks, methods)).astype(float)
    assert ranks(scores) == pytest.approx(stats.rankdata(-scores, axis=1))


def test_vargha_delaney_gives_the_mann_whitney_share():
    rng = np.random.default_rng(0)
    first, second = rng.integers(9, size=30) + 1.0, rng.integers(9, size=40) + 0.0
    share = stats.mannwhitneyu(first, second).statistic / (30 * 40)
    assert vargha_delaney(first, second) == pytest.approx(share)
    assert vargha_delaney(first, first) == 0.5
    assert vargha_delaney(first + 99, second) == 1.0


@pytest.mark.parametrize("n", [2, 5, 12])
def test_few_differences_are_tested_exactly(n):
    gaps = np.random.default_rng(n).normal(0.3, 1, n)
    want = stats.permutation_test(
        (gaps,), lambda x, axis: x.mean(axis=axis), permutation_type="samples", n_resamples=np.inf
    )
    assert sign_flip(gaps) == pytest.approx(want.pvalue)


@pytest.mark.parametrize("shift", [0.0, 0.2, 0.35])
def test_many_differences_get_about_the_exact_p(shift):
    """Against the exact p of 16 differences: within 5 standard errors of 10,000 flips."""
    gaps = np.random.default_rng(7).normal(shift, 1, 16)
    exact = stats.permutation_test(
        (gaps,), lambda x, axis: x.mean(axis=axis), permutation_type="samples", n_resamples=np.inf
    ).pvalue
    assert sign_flip(gaps) == pytest.approx(exact, abs=5 * (exact * (1 - exact) / 10_000) ** 0.5)


def test_no_difference_is_no_evidence_and_p_is_never_zero():
    assert sign_flip([]) == sign_flip([0.0] * 50) == 1.0
    assert 0 < sign_flip([1.0] * 100) <= 1 / 10_001
    assert sign_flip([0.0] * 90 + [1.0] * 5) == pytest.approx(2 / 2**5)


def test_the_same_method_is_called_different_5_percent_of_the_time():
    """1,000 A/A comparisons of 40 blocks with many ties, in worlds of different noise: 0.05 at
    most, plus 4 standard errors of the simulation (0.0069 each). False alarm: 3e-5."""
    rng = np.random.default_rng(1)
    noise = np.repeat([0.5, 1.0, 2.0, 4.0], 10)
    found = [
        sign_flip(np.round(noise * (rng.normal(size=40) - rng.normal(size=40))), 1000)
        for _ in range(1000)
    ]
    called = np.mean(np.array(found) <= 0.05)
    assert 0.02 < called < 0.05 + 4 * 0.0069


def test_a_real_difference_is_seen():
    """0.8 standard deviations over 40 blocks: power is above 0.99; 50 of 50 but for 3."""
    rng = np.random.default_rng(2)
    assert sum(sign_flip(rng.normal(0.8, 1, 40), 1000) <= 0.05 for _ in range(50)) >= 47


def test_holm_gives_the_published_steps():
    """Holm 1979's rule worked by hand: 4 x 0.005, 3 x 0.01, 2 x 0.03, and never decreasing."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.6]) == [1.0, 1.0]
    assert holm([]) == []


def test_nested_intervals_cover_the_mean_over_worlds():
    """20 worlds with effects of their own, 5 noisy seeds each, 200 times. A bootstrap of 20 groups
    covers about 0.93; at least that less 4 standard errors (0.018). Blocks alone cover far less."""
    rng = np.random.default_rng(3)
    hits = {"worlds": 0, "blocks": 0}
    groups = np.repeat(np.arange(20), 5)
    for _ in range(200):
        values = (rng.normal(size=20)[groups] + 0.3 * rng.normal(size=100))[:, None]
        for name, own in (("worlds", groups), ("blocks", [0] * 100)):
            ((low, high),) = nested_interval(values, own, lambda x: x.mean(axis=0), 300)
            hits[name] += low <= 0 <= high
    assert 0.86 < hits["worlds"] / 200 < 0.995
    assert hits["blocks"] / 200 < 0.75


def test_nested_intervals_of_one_world_are_of_its_blocks():
    values = np.random.default_rng(4).normal([0.0, 5.0], 1.0, (400, 2))
    found = nested_interval(values, ["w"] * 400, lambda x: x.mean(axis=0))
    for column, (low, high) in enumerate(found):
        half = 1.96 * values[:, column].std(ddof=1) / 20
        assert (high - low) / 2 == pytest.approx(half, rel=0.15)
