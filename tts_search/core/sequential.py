"""A paired test that may be looked at after every answer: has a candidate been beaten?

A candidate and a rival whose scores on a batch of n questions are all known are compared question
by question, in an order drawn beforehand at random. Hypothesis: on the whole batch the candidate
will be ahead by `margin` points of mean score or more (0: at least as good). A gambler bets against
it. While it holds, t answers with sum of differences S leave a mean of at least
m = (n * margin - S) / (n - t) for those still to come, in whatever order they come, so that

    wealth *= 1 - bet * (d - m) / (1 - m),    0 <= bet <= 1, d the next difference in [-1, 1]

is a nonnegative supermartingale, and so is its mean over bets. By Ville's inequality it reaches
1 / alpha, ever, with probability alpha at most. (Waudby-Smith & Ramdas, "Estimating means of
bounded random variables by betting", JRSS B 2024: betting, section 4; without replacement, section
5.) Since the batch is finite, what is certain needs no test: a candidate that falls short even if
all that is left goes its way has infinite evidence against it.
"""

from collections.abc import Sequence
from math import inf

import numpy as np

BETS = np.arange(0.1, 1.0, 0.1)
_TINY = 1e-9  # scores with partial credit do not add up exactly


def evidence(candidate: Sequence[float], rival: Sequence[float], margin: float = 0.0) -> float:
    """Wealth won against the candidate, after its first len(candidate) of len(rival) questions.

    Scores lie in [0, 1], question by question in the same order. The chance that it ever reaches
    1 / alpha is at most alpha if the candidate's mean on the batch is the rival's + margin or more.
    """
    n, t = len(rival), len(candidate)
    known = np.asarray(rival, dtype=float)
    differences = np.asarray(candidate, dtype=float) - known[:t]
    sums = np.concatenate([[0.0], np.cumsum(differences)])
    if sums[-1] + (1 - known[t:]).sum() < n * margin - _TINY:
        return inf
    least = (n * margin - sums[:-1]) / (n - np.arange(t))
    room = np.maximum(1 - least, _TINY)
    stakes = np.clip((differences - least) / room, None, 1.0)
    return float(np.prod(1 - BETS[:, None] * stakes, axis=1).mean())


def paired_mean(candidate: Sequence[float], rival: Sequence[float]) -> float:
    """Mean score on the batch of a candidate that answered its first questions alone: the rival's
    mean plus the mean difference, in [0, 1].

    The rival is a control variate: what makes the first questions easier than the batch moves both
    scores, and drops out. The candidate's own mean would be compared on other questions.
    """
    t = len(candidate)
    shift = sum(candidate) / t - sum(rival[:t]) / t
    return min(1.0, max(0.0, sum(rival) / len(rival) + shift))
