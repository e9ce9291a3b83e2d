"""The logits of a GraphDistribution, moved by Adam. The one module that needs torch."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from tts_search.core.distribution import GraphDistribution
from tts_search.core.space import Choices
from tts_search.errors import ConfigError

try:  # reached by the `_target_` of a method that needs it alone, so no other waits for torch
    import torch
    from torch.distributions import Bernoulli, Categorical, Distribution
except ModuleNotFoundError:
    raise ConfigError(
        "the policy gradient needs torch, but it is not installed; "
        "type pip install 'tts-search[torch]'"
    ) from None

LEAST = 1e-6  # probability that no choice falls below when it is learned from


class Logits:
    """Of edge (pairs i < j,), role (N, R) and model (N, M + 1), in double precision.

    rate   Adam's, in logits
    clip   largest norm of the gradient, over all logits together
    all    the tensors; they keep the gradient of the last step
    """

    def __init__(self, start: GraphDistribution, rate: float, clip: float):
        self.all = [p.requires_grad_() for p in _logits(start)]
        self._pairs = np.triu_indices(len(start.role), 1)
        self._adam = torch.optim.Adam(self.all, lr=rate)
        self._clip = clip

    def step(
        self,
        current: GraphDistribution,
        points: Sequence[Choices],
        gains: Sequence[float],
        entropy_weight: float,
    ) -> GraphDistribution:
        """`current` after one step down -sum(gain * log p(point)) - entropy_weight * entropy."""
        with _one_thread():
            self._set(current)
            self._adam.zero_grad()
            gained = torch.tensor(gains, dtype=torch.float64) @ self._log_prob(points)
            torch.autograd.backward(-gained - entropy_weight * self._entropy())
            torch.nn.utils.clip_grad_norm_(self.all, self._clip)
            self._adam.step()
            return self._distribution()

    def _set(self, new: GraphDistribution) -> None:
        """In place, for Adam's moments belong to these tensors."""
        with torch.no_grad():
            for own, value in zip(self.all, _logits(new), strict=True):
                own.copy_(value)

    def _log_prob(self, points: Sequence[Choices]) -> torch.Tensor:
        """Of each raw point, in nats: (points,)."""
        rows = (
            np.array([p.edge[self._pairs] for p in points], dtype=float),
            np.array([p.role for p in points]),
            np.array([p.model for p in points]),
        )
        parts = zip(self._choices(), rows, strict=True)
        return torch.cat([c.log_prob(torch.from_numpy(row)) for c, row in parts], dim=1).sum(1)

    def _entropy(self) -> torch.Tensor:
        """Nats."""
        choices: tuple[Distribution, ...] = self._choices()
        return torch.cat([choice.entropy() for choice in choices]).sum()

    def _distribution(self) -> GraphDistribution:
        edge, role, model = (choice.probs.detach().numpy() for choice in self._choices())
        square = np.zeros((len(role), len(role)))
        square[self._pairs] = edge
        return GraphDistribution(square, role, model)

    def _choices(self) -> tuple[Bernoulli, Categorical, Categorical]:
        edge, role, model = self.all
        return Bernoulli(logits=edge), Categorical(logits=role), Categorical(logits=model)


def _logits(of: GraphDistribution) -> list[torch.Tensor]:
    """Away from 0 and 1, where logits are infinite."""
    edge = of.edge[np.triu_indices(len(of.role), 1)]
    edge, role, model = (np.clip(p, LEAST, 1 - LEAST) for p in (edge, of.role, of.model))
    return [torch.from_numpy(x) for x in (np.log(edge / (1 - edge)), np.log(role), np.log(model))]


@contextmanager
def _one_thread() -> Iterator[None]:
    """On busy cores, waking a second thread for tensors this small made a step ten times slower."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
