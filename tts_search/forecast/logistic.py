"""Logistic regression with effects of its own for every question, by penalised maximum likelihood.

    logit P(right) = x . beta + z . effect[question]

Newton's method; as each question's effects meet those of other questions only through beta, they
are eliminated question by question (Schur complement): linear, not cubic, in questions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tts_search.core.statistics import Floats
from tts_search.forecast.reading import Ints

EFFECTS = 2  # of a question: on every call, and besides on calls that read
STEPS, CLOSE, LONGEST = 25, 1e-3, 3.0  # Newton's; logits


@dataclass(frozen=True, eq=False)
class Block:
    """Calls of one kind, on n questions.

    columns  (C,) places in beta of the coefficients that x multiplies
    z        (EFFECTS,) 1 where the question's effect bears on such calls
    x, y     (calls, n, C) values; (calls, n) scores in [0, 1], NaN where not asked
    """

    columns: Ints
    z: Floats
    x: Floats
    y: Floats


@dataclass(frozen=True, eq=False)
class Prior:
    """Normal: of beta mean and standard deviation (F,); of the effects of questions around 0, one
    standard deviation."""

    mean: Floats
    sd: Floats
    effect_sd: float


@dataclass(frozen=True, eq=False)
class Weights:
    """beta (F,), effect (n, EFFECTS)."""

    beta: Floats
    effect: Floats

    def chance(self, columns: Ints, z: Floats, x: Floats) -> Floats:
        """P(right) for x (..., n, C)."""
        logit = x @ self.beta[columns] + self.effect @ z
        return np.asarray(0.5 + 0.5 * np.tanh(logit / 2))


def fit(blocks: Sequence[Block], prior: Prior, start: Weights) -> Weights:
    """The most probable weights after the blocks were seen, from a guess nearby."""
    weights = start
    for _ in range(STEPS):
        by_beta, by_effect = _newton(blocks, prior, weights)
        longest = max(np.abs(by_beta).max(), np.abs(by_effect).max())
        rate = min(1.0, LONGEST / longest) if longest else 1.0
        weights = Weights(weights.beta + rate * by_beta, weights.effect + rate * by_effect)
        if longest < CLOSE:
            break
    return weights


def _newton(blocks: Sequence[Block], prior: Prior, now: Weights) -> tuple[Floats, Floats]:
    """One step up the log posterior, for beta and the effects."""
    n, size = len(now.effect), len(now.beta)
    up, up_q = (prior.mean - now.beta) / prior.sd**2, -now.effect / prior.effect_sd**2
    curve, curve_q = (
        np.diag(prior.sd**-2.0),
        np.tile(np.eye(EFFECTS) / np.square(prior.effect_sd), (n, 1, 1)),
    )
    cross = np.zeros((n, EFFECTS, size))
    for b in blocks:
        chance, asked = now.chance(b.columns, b.z, b.x), ~np.isnan(b.y)
        gap = np.where(asked, b.y - chance, 0.0)
        spread = np.where(asked, chance * (1 - chance), 0.0)
        flat = b.x.reshape(-1, len(b.columns))
        up[b.columns] += gap.ravel() @ flat
        curve[np.ix_(b.columns, b.columns)] += flat.T @ (spread.reshape(-1, 1) * flat)
        up_q += gap.sum(axis=0)[:, None] * b.z
        curve_q += spread.sum(axis=0)[:, None, None] * np.outer(b.z, b.z)
        cross[:, :, b.columns] += (spread[..., None] * b.x).sum(axis=0)[:, None] * b.z[:, None]
    away = np.linalg.inv(curve_q) @ cross  # (n, EFFECTS, size)
    left = curve - np.tensordot(cross, away, axes=((0, 1), (0, 1)))
    by_beta = np.linalg.solve(left, up - np.tensordot(up_q, away, axes=((0, 1), (0, 1))))
    by_effect = np.linalg.solve(curve_q, (up_q - cross @ by_beta)[..., None])[..., 0]
    return np.asarray(by_beta), np.asarray(by_effect)
