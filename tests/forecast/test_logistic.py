"""The regression finds the top of its posterior, whatever is missing."""

import numpy as np
import pytest

from tts_search.forecast.logistic import EFFECTS, Block, Prior, Weights, fit

N, F = 12, 5
PRIOR = Prior(np.linspace(-1, 1, F), np.full(F, 1.5), 1.2)
START = Weights(PRIOR.mean, np.zeros((N, EFFECTS)))


def blocks(seed: int, calls: int = 6) -> list[Block]:
    """Of calls alone and of calls that read, sharing a coefficient; some scores are in between,
    some are missing."""
    rng = np.random.default_rng(seed)
    made = []
    for columns, z in (((0, 1), (1.0, 0.0)), ((1, 2, 3), (1.0, 1.0)), ((4,), (0.0, 0.0))):
        x = rng.normal(size=(calls, N, len(columns)))
        y = rng.choice([0.0, 1.0, 0.4, np.nan], p=[0.4, 0.4, 0.1, 0.1], size=(calls, N))
        made.append(Block(np.array(columns), np.array(z), x, y))
    return made


def log_posterior(given: list[Block], weights: Weights) -> float:
    """Written from the definition, call by call."""
    total = -0.5 * (((weights.beta - PRIOR.mean) / PRIOR.sd) ** 2).sum()
    total -= 0.5 * ((weights.effect / PRIOR.effect_sd) ** 2).sum()
    for block in given:
        for x, y in zip(block.x, block.y, strict=True):
            for q in range(N):
                if not np.isnan(y[q]):
                    logit = x[q] @ weights.beta[block.columns] + weights.effect[q] @ block.z
                    total += y[q] * logit - np.logaddexp(0, logit)
    return float(total)


@pytest.mark.parametrize("seed", range(4))
def test_no_step_from_the_fit_is_uphill(seed: int) -> None:
    given, rng = blocks(seed), np.random.default_rng(seed)
    best = fit(given, PRIOR, START)
    top = log_posterior(given, best)
    assert top > log_posterior(given, START)
    for size in (1e-2, 0.1, 1.0):
        for _ in range(20):
            beta = best.beta + size * rng.normal(size=F)
            effect = best.effect + size * rng.normal(size=(N, EFFECTS))
            assert log_posterior(given, Weights(beta, effect)) < top


def test_the_start_does_not_matter() -> None:
    given = blocks(0)
    far = Weights(np.full(F, 8.0), np.full((N, EFFECTS), -8.0))
    one, other = fit(given, PRIOR, START), fit(given, PRIOR, far)
    np.testing.assert_allclose(one.beta, other.beta, atol=1e-4)
    np.testing.assert_allclose(one.effect, other.effect, atol=1e-4)


def test_what_is_missing_counts_for_nothing() -> None:
    """A call without a single score changes nothing, whatever it read."""
    given = blocks(1)
    first = given[1]
    more = Block(
        first.columns,
        first.z,
        np.concatenate([first.x, np.full((1, N, 3), 7.0)]),
        np.concatenate([first.y, np.full((1, N), np.nan)]),
    )
    plain, padded = (fit([given[0], b, given[2]], PRIOR, START) for b in (first, more))
    np.testing.assert_allclose(plain.beta, padded.beta, atol=1e-9)


def test_without_data_the_prior_remains() -> None:
    kept = fit([], PRIOR, START)
    np.testing.assert_allclose(kept.beta, PRIOR.mean)
    assert not kept.effect.any()


def test_scores_that_are_all_alike_keep_the_weights_finite() -> None:
    """Complete separation: without a prior there would be no maximum."""
    for value in (0.0, 1.0):
        given = [Block(b.columns, b.z, b.x, np.full_like(b.y, value)) for b in blocks(2)]
        found = fit(given, PRIOR, START)
        assert np.isfinite(found.beta).all()
        assert abs(found.beta).max() < 50


def test_coefficients_are_recovered_from_many_answers() -> None:
    """2,400 answers; the standard error of a coefficient is about 0.07: within 4 of them."""
    rng = np.random.default_rng(5)
    beta = np.array([0.8, -1.2])
    x = rng.normal(size=(200, N, 2))
    y = (rng.random((200, N)) < 1 / (1 + np.exp(-(x @ beta)))).astype(float)
    flat = Prior(np.zeros(2), np.full(2, 100.0), 0.05)
    start = Weights(np.zeros(2), np.zeros((N, EFFECTS)))
    found = fit([Block(np.array([0, 1]), np.array([1.0, 0.0]), x, y)], flat, start)
    np.testing.assert_allclose(found.beta, beta, atol=0.28)
