"""A statistical surrogate: what a graph will score, judged by the graphs already scored."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from tts_search.core.budget import BoundBudget
from tts_search.core.graph import Graph
from tts_search.optimizers.graph_features import pattern_matrix, patterns, shape

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Kernel:
    """Covariance of two scores: scale * (likeness of patterns * (1 - smooth) + smooth * closeness
    in shape, Gaussian of the given length); noise multiplies the known sampling variances, which
    are too large where all graphs answer the same questions."""

    smooth: float
    length: float
    scale: float
    noise: float


GRID = tuple(Kernel(*k) for k in product((0.2, 0.5, 0.8), (2.0, 4.0), (0.3, 1.0, 3.0), (0.3, 1.0)))


class Surrogate:
    """Gaussian process regression over graphs (Rasmussen & Williams 2006, algorithm 2.1).

    `fit` chooses the kernel of GRID with the highest marginal likelihood; `predict` gives mean and
    standard deviation of the true score, each (n,).
    """

    def __init__(self, budget: BoundBudget) -> None:
        self._budget = budget

    def fit(
        self,
        graphs: Sequence[Graph],
        scores: Sequence[float],
        variances: Sequence[float],
        kernels: Sequence[Kernel] = GRID,
    ) -> None:
        """`variances`: of the scores, from the number of questions behind them."""
        self._known = {name: i for i, name in enumerate(dict.fromkeys(_names(graphs)))}
        shapes = np.array([shape(graph, self._budget) for graph in graphs])
        spread = shapes.std(axis=0)
        self._centre, self._spread = shapes.mean(axis=0), np.where(spread > 0, spread, 1.0)
        self._patterns = pattern_matrix(graphs, self._known)
        self._shapes = (shapes - self._centre) / self._spread
        noise = np.asarray(variances, float)
        self._mean = float(np.average(scores, weights=1 / noise))
        self._unit = max(float(np.var(scores)), 1e-4)
        rest = np.asarray(scores, float) - self._mean
        fits = [self._fitted(kernel, rest, noise) for kernel in kernels]
        _, self.kernel, self._root, self._weights = max(fits, key=lambda fit: fit[0])

    def predict(self, graphs: Sequence[Graph]) -> tuple[Floats, Floats]:
        alike = pattern_matrix(graphs, self._known) @ self._patterns.T
        shapes = np.array([shape(graph, self._budget) for graph in graphs])
        cross = self._covariance(alike, (shapes - self._centre) / self._spread, self.kernel)
        explained = np.linalg.solve(self._root, cross.T)
        variance = self._unit * self.kernel.scale - (explained**2).sum(axis=0)
        return self._mean + cross @ self._weights, np.sqrt(np.maximum(variance, 1e-12))

    def _fitted(
        self, kernel: Kernel, rest: Floats, noise: Floats
    ) -> tuple[float, Kernel, Floats, Floats]:
        """Log marginal likelihood up to a constant, kernel, Cholesky root, weights."""
        prior = self._covariance(self._patterns @ self._patterns.T, self._shapes, kernel)
        root = np.asarray(np.linalg.cholesky(prior + np.diag(kernel.noise * noise + 1e-8)), float)
        half = np.asarray(np.linalg.solve(root, rest), float)
        likelihood = -0.5 * float(half @ half) - float(np.log(np.diag(root)).sum())
        return likelihood, kernel, root, np.asarray(np.linalg.solve(root.T, half), float)

    def _covariance(self, alike: Floats, shapes: Floats, kernel: Kernel) -> Floats:
        """(n, known)."""
        apart = ((shapes[:, None] - self._shapes[None]) ** 2).sum(axis=2)
        near = np.exp(-apart / (2 * kernel.length**2))
        mixed = (1 - kernel.smooth) * alike + kernel.smooth * near
        return np.asarray(self._unit * kernel.scale * mixed)


def _names(graphs: Sequence[Graph]) -> list[str]:
    return [name for graph in graphs for name in patterns(graph)]
