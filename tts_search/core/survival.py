"""Times until something happens, of which some are only known to be longer than was watched."""

from math import inf

import numpy as np

from tts_search.core.ranks import Bools
from tts_search.core.statistics import Floats, Interval


def survival_median(times: Floats, happened: Bools) -> float:
    """Median time, by the product-limit estimate (Kaplan & Meier 1958); inf if it never falls to
    one half.

    times     (n,) when it happened, or when watching ended
    happened  (n,) False: censored; it had not happened by then
    """
    order = np.lexsort((~happened, times))  # at equal times what happened comes first
    times, happened = times[order], happened[order]
    at_risk = np.arange(len(times), 0, -1)
    alive = np.cumprod(np.where(happened, 1 - 1 / at_risk, 1.0))
    below = np.flatnonzero(alive <= 0.5 + 1e-12)
    return float(times[below[0]]) if len(below) else inf


def survival_interval(times: Floats, happened: Bools, resamples: int = 1000) -> Interval:
    """95% interval of the median, by resampling pairs (Efron 1981); inf where it is not reached."""
    rng = np.random.default_rng(len(times))
    n = len(times)
    drawn = rng.integers(n, size=(resamples, n))
    found = [survival_median(times[rows], happened[rows]) for rows in drawn]
    low, high = np.quantile(found, [0.025, 0.975], method="nearest")
    return Interval(float(low), float(high))
