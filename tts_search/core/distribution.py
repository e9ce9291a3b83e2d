"""The probabilistic graph: what is sampled is exactly what the probabilities say."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tts_search.core.space import Choices, SearchSpace
from tts_search.errors import GraphError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class GraphDistribution:
    """Independent choices: edge (N, N) Bernoulli where i < j, role (N, R) and model (N, M + 1)
    categorical, model 0 = off. `log_prob` is of raw choices, so decode needs no correction."""

    edge: Floats
    role: Floats
    model: Floats

    def __post_init__(self) -> None:
        edge, role, model = (np.array(p, float) for p in (self.edge, self.role, self.model))
        n = len(role) if role.ndim == 2 else 0
        if edge.shape != (n, n) or model.ndim != 2 or len(model) != n:
            raise GraphError(
                f"edge, role and model must be (N, N), (N, R) and (N, M + 1), but got "
                f"{edge.shape}, {role.shape} and {model.shape}"
            )
        upper = np.triu(edge, 1)
        for name, own in (("edge", upper), ("role", role), ("model", model)):
            object.__setattr__(self, name, own)
        if not ((upper >= 0) & (upper <= 1)).all():
            raise GraphError("edge probabilities must lie in [0, 1]")
        for name, rows in (("role", self.role), ("model", self.model)):
            if (rows < 0).any() or not np.allclose(rows.sum(axis=1), 1, atol=1e-6):
                raise GraphError(f"every row of {name} probabilities must be >= 0 and sum to 1")

    @classmethod
    def uniform(cls, space: SearchSpace, edge: float = 0.5) -> "GraphDistribution":
        n, r, m = space.slots, len(space.roles), len(space.models)
        return cls(np.full((n, n), edge), np.full((n, r), 1 / r), np.full((n, m + 1), 1 / (m + 1)))

    @classmethod
    def around(cls, space: SearchSpace, point: Choices) -> "GraphDistribution":
        """All mass on one point."""
        return cls(
            point.edge.astype(float),
            np.eye(len(space.roles))[point.role],
            np.eye(len(space.models) + 1)[point.model],
        )

    def mixed(self, other: "GraphDistribution", weight: float) -> "GraphDistribution":
        """(1 - weight) of this and `weight` of the other, choice by choice."""
        keep = 1 - weight
        return GraphDistribution(
            keep * self.edge + weight * other.edge,
            keep * self.role + weight * other.role,
            keep * self.model + weight * other.model,
        )

    def sample(self, rng: np.random.Generator) -> Choices:
        n = len(self.role)
        return Choices(
            _draw_rows(self.model, rng),
            _draw_rows(self.role, rng),
            np.triu(rng.random((n, n)) < self.edge, 1).astype(np.int64),
        )

    def mode(self) -> Choices:
        """The most probable point."""
        return Choices(
            self.model.argmax(axis=1).astype(np.int64),
            self.role.argmax(axis=1).astype(np.int64),
            np.triu(self.edge > 0.5, 1).astype(np.int64),
        )

    def log_prob(self, point: Choices) -> float:
        """Natural log of the probability of the raw point; -inf if it cannot be drawn."""
        rows = np.arange(len(self.role))
        pairs = np.triu_indices(len(self.role), 1)
        bits = np.where(point.edge[pairs] > 0, self.edge[pairs], 1 - self.edge[pairs])
        with np.errstate(divide="ignore"):
            total = (
                np.log(bits).sum()
                + np.log(self.role[rows, point.role]).sum()
                + np.log(self.model[rows, point.model]).sum()
            )
        return float(total)

    def score(self, point: Choices) -> "tuple[Floats, Floats, Floats]":
        """Gradient of log_prob by the logits: (chosen - probability) for edge, role, model."""
        return (
            np.triu(point.edge - self.edge, 1),
            np.eye(self.role.shape[1])[point.role] - self.role,
            np.eye(self.model.shape[1])[point.model] - self.model,
        )

    def step(self, gradient: "tuple[Floats, Floats, Floats]", rate: float) -> "GraphDistribution":
        """The distribution after `rate` times a gradient is added to the logits."""
        by_edge, by_role, by_model = gradient
        logit = np.log(_open(self.edge)) - np.log1p(-_open(self.edge))
        return GraphDistribution(
            0.5 + 0.5 * np.tanh((logit + rate * by_edge) / 2),
            _softmax(np.log(_open(self.role)) + rate * by_role),
            _softmax(np.log(_open(self.model)) + rate * by_model),
        )

    def entropy(self) -> float:
        """Nats; 0 when only one point can be drawn."""
        bits = self.edge[np.triu_indices(len(self.role), 1)]
        parts = (bits, 1 - bits, self.role, self.model)
        return float(sum(-(p * np.log(np.where(p > 0, p, 1.0))).sum() for p in parts))


def _open(p: Floats) -> Floats:
    """Away from 0 and 1, where logits are infinite."""
    return np.clip(p, 1e-6, 1 - 1e-6)


def _softmax(logits: Floats) -> Floats:
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _draw_rows(rows: Floats, rng: np.random.Generator) -> NDArray[np.int64]:
    """One category for each row, by inversion."""
    cumulative = rows.cumsum(axis=1)
    draws = rng.random((len(rows), 1)) * cumulative[:, -1:]
    chosen = (cumulative <= draws).sum(axis=1)
    return np.asarray(np.minimum(chosen, rows.shape[1] - 1), dtype=np.int64)
