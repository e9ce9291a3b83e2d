"""Which method is better, over many blocks: a block is one world, budget and seed.

Scores come as an array (blocks, methods), higher is better. All methods of a block met the same
world and the same questions, so they are compared within blocks.
"""

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from tts_search.core.statistics import Floats, Interval

Bools = NDArray[np.bool_]

_EXACT = 12  # up to so many differences all sign patterns are tried, beyond it a sample


def ranks(scores: Floats) -> Floats:
    """Within each block, 1 = best; equal scores share the mean of their ranks. Same shape."""
    others, own = scores[:, None, :], scores[:, :, None]
    better, equal = (others > own).sum(axis=2), (others == own).sum(axis=2)
    return np.asarray(better + (equal + 1) / 2)


def nested_interval(
    values: Floats,
    groups: Sequence[object],
    statistic: Callable[[Floats], Floats],
    resamples: int = 1000,
) -> list[Interval]:
    """95% bootstrap intervals of each column's statistic: groups are resampled, then their blocks.

    values     (blocks, columns)
    groups     of each block, its world: blocks of one world stand or fall together (Davison &
               Hinkley 1997, section 3.8). With one group it is the plain bootstrap of blocks;
               with fewer than about 8 it is too narrow for worlds at large
    statistic  (blocks, columns) -> (columns,)
    """
    _, of = np.unique([str(group) for group in groups], return_inverse=True)
    sizes = np.bincount(of)
    rows = np.argsort(of, kind="stable")  # those of one group side by side
    starts, widest = np.cumsum(sizes) - sizes, np.arange(sizes.max())
    rng = np.random.default_rng(len(values))
    found = []
    for _ in range(resamples):
        drawn = rng.integers(len(sizes), size=len(sizes))[:, None]
        within = (rng.random((len(sizes), len(widest))) * sizes[drawn]).astype(np.int64)
        chosen = rows[starts[drawn] + within][widest < sizes[drawn]]
        found.append(statistic(values[chosen]))
    low, high = np.quantile(found, [0.025, 0.975], axis=0, method="nearest")
    return [Interval(float(a), float(b)) for a, b in zip(low, high, strict=True)]


def vargha_delaney(first: Floats, second: Floats) -> float:
    """A: chance that a random score of the first is above one of the second, ties counting half
    (Vargha & Delaney 2000, equation 1). 0.5 is no effect; 2 A - 1 is Cliff's delta."""
    above = (first[:, None] > second).mean() + (first[:, None] == second).mean() / 2
    return float(above)


def sign_flip(differences: Sequence[float] | Floats, flips: int = 10_000, seed: int = 0) -> float:
    """Two-sided p that differences of independent blocks are symmetric about 0, by their mean.

    A permutation test: were two methods the same, swapping them in any block would change nothing
    (Fisher 1935, section 21). All patterns of signs up to 12 differences, above that `flips`
    random ones, of which the data as they are count as one (Phipson & Smyth 2010): p is never 0,
    and at most a share q of true null hypotheses gets p <= q.
    """
    gaps = np.asarray(differences, dtype=float)
    gaps = gaps[gaps != 0]  # swapped or not, the same
    n = len(gaps)
    if n <= _EXACT:
        signs = np.array(list(product((1.0, -1.0), repeat=n)))
        return float(_as_far(signs @ gaps, gaps).mean())
    rng = np.random.default_rng([seed, n])
    hits = 0
    for start in range(0, flips, 1000):
        bits = rng.integers(2, size=(min(1000, flips - start), n), dtype=np.int8)
        hits += int(_as_far((2.0 * bits - 1.0) @ gaps, gaps).sum())
    return (hits + 1) / (flips + 1)


def _as_far(sums: Floats, gaps: Floats) -> Bools:
    """Which sums are as far from 0 as the one seen, up to rounding."""
    return np.asarray(np.abs(sums) >= abs(gaps.sum()) * (1 - 1e-9))


def holm(p_values: Sequence[float]) -> list[float]:
    """p adjusted so that the chance of any false claim among all stays at the level (Holm 1979)."""
    adjusted, least = [1.0] * len(p_values), 0.0
    for place, i in enumerate(np.argsort(p_values, kind="stable")):
        least = max(least, min(1.0, (len(p_values) - place) * p_values[i]))
        adjusted[i] = least
    return adjusted
