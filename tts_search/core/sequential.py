"""A test that may be looked at after every answer: has a candidate been beaten?

A candidate answers a batch of n questions in an order drawn beforehand at random. For every
question of the batch a forecast f of its score is fixed before it starts, from what is known of
others: the score of a rival, or the mean of several. Hypothesis: its mean score on the whole batch
will be `target` or more. A gambler bets against it on d = score - f. While it holds, t answers with
sum of differences S leave a mean difference of at least

    m = (sum(target - f) - S) / (n - t)

for those still to come, whatever their order, so that

    wealth *= 1 - bet * (d - m) / (max(1 - f) - m),    0 <= bet <= 1

is a nonnegative supermartingale, and so is its mean over bets. By Ville's inequality it reaches
1 / alpha, ever, with probability alpha at most: looking after every block is free. (Waudby-Smith &
Ramdas, "Estimating means of bounded random variables by betting", JRSS B 2024: section 4 on
betting, section 5 on sampling without replacement.) The forecast is a control variate: the better
it is, the smaller d, the sooner the verdict; a bad one costs questions, never validity.

As the batch is finite, what is certain needs no test: when all answers still to come cannot lift
the mean to the target, the evidence is infinite.
"""

from collections.abc import Sequence
from math import inf

import numpy as np

BETS = np.arange(0.1, 1.0, 0.1)
_TINY = 1e-9  # scores with partial credit do not add up exactly


def evidence(scores: Sequence[float], forecast: Sequence[float], target: float) -> float:
    """Wealth won against a candidate after the first len(scores) of len(forecast) questions.

    Scores and forecasts are at most 1, in the order of the questions; below they may lie anywhere,
    for only what could still be won bounds the bets. The chance that this ever
    reaches 1 / alpha is at most alpha if the candidate's mean on the batch is target or more.
    """
    n, t = len(forecast), len(scores)
    if sum(scores) + (n - t) < n * target - _TINY:
        return inf
    f = np.asarray(forecast, dtype=float)
    d = np.asarray(scores, dtype=float) - f[:t]
    before = np.concatenate([[0.0], np.cumsum(d)[:-1]])
    least = ((target - f).sum() - before) / (n - np.arange(t))
    room = np.maximum((1 - f).max() - least, _TINY)
    stakes = np.minimum((d - least) / room, 1.0)
    return float(np.prod(1 - BETS[:, None] * stakes, axis=1).mean())


def expected_mean(scores: Sequence[float], forecast: Sequence[float]) -> float:
    """Mean score on the batch, from the least seen (0 or below) to 1, of a candidate that answered
    its first questions alone: the mean forecast plus the mean difference from it.

    Its own mean would be compared on other questions: what makes the first ones easier than the
    batch moves scores and forecasts alike, and drops out.
    """
    t = len(scores)
    shift = (sum(scores) - sum(forecast[:t])) / t
    least = min(0.0, *scores, *forecast)
    return min(1.0, max(least, sum(forecast) / len(forecast) + shift))
