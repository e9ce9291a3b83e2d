"""What the loop does with a forecast: which samples are tried, and which trials it believes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from tts_search.core.context import SearchContext
from tts_search.core.distribution import GraphDistribution
from tts_search.core.objective import BoundObjective
from tts_search.core.statistics import Floats
from tts_search.core.trial import Proposal, Trial
from tts_search.errors import ConfigError
from tts_search.forecast.forecast import Forecast
from tts_search.optimizers.sampling import Sampler

TRIES = 4  # samples spent on each candidate: near the end of a search most graphs are known
LEAST = 0.02  # standard deviation, in score, of what no forecast knows of a graph

Value = Callable[[float, float], float]
"""(mean score, mean price) -> what is maximised."""


class Foresight:
    """A forecast learned from every node of every graph tried (docs/forecast.md).

    candidates  graphs sampled for every update, of which the most promising are tried; 0: as many
                as are tried, so that the forecast has no say
    leaders     trials are ranked by their score drawn towards the forecast, as far as its errors so
                far advise: a leader owes part of its score to luck
    """

    def __init__(self, candidates: int = 256, leaders: bool = True) -> None:
        if candidates < 0:
            raise ConfigError(f"foresight.candidates must be at least 0, but got {candidates}")
        self._candidates = candidates
        self._leaders = leaders

    def start(self, context: SearchContext, name: str) -> None:
        """Forget all earlier searches. Called once before each."""
        rng = context.rng(f"{name}/foresight")
        self._forecast = Forecast(context.space, max(context.batch, 1), rng)
        self._objective = context.objective
        self._told = -1
        self._estimates: Mapping[str, float] = {}

    def tell(self, trials: Sequence[Trial], known: Sequence[Trial]) -> None:
        """`trials` are new; `known` are all that are remembered, with them."""
        for trial in trials:
            self._forecast.add(trial.graph, trial.evaluation)
        if self._leaders and self._forecast.informed:
            self._estimates = self._believed(known)

    @property
    def estimates(self) -> Mapping[str, float]:
        """Utility of the trials by graph key."""
        return self._estimates

    def choose(
        self, distribution: GraphDistribution, sampler: Sampler, n: int, reason: str, value: Value
    ) -> list[Proposal]:
        """The n most promising of the candidates; none if it has nothing to go by."""
        if not (self._candidates and self._forecast.informed):
            return []
        pool = sampler.pool(distribution, self._candidates, TRIES * self._candidates, reason)
        foreseen = [self._forecast.score(p.graph) for p in pool]
        prices = [_price(self._objective, p) for p in pool]
        worth = [value(score, price) for score, price in zip(foreseen, prices, strict=True)]
        best = sorted(range(len(pool)), key=lambda i: -worth[i])[:n]
        for i in best:
            sampler.is_new(pool[i].graph)
        words = "forecast {:.3f}, the best of {}; {}"
        return [replace(pool[i], reason=words.format(foreseen[i], len(pool), reason)) for i in best]

    def _believed(self, trials: Sequence[Trial]) -> dict[str, float]:
        if not trials:
            return {}
        foreseen, beyond, noise = np.array([self._compared(trial) for trial in trials]).T
        scores = foreseen + earned(beyond, noise)
        weight = self._objective.weight
        return {
            t.key: float(score) - weight * t.evaluation.price
            for t, score in zip(trials, scores, strict=True)
        }

    def _compared(self, trial: Trial) -> tuple[float, float, float]:
        """Score on the batch as foreseen, how far the trial was beyond it on the questions it
        answered, and the variance of that by luck."""
        seen = trial.evaluation
        chances = self._forecast.chances(trial.graph, seen.questions)
        gaps, n = np.array(seen.scores) - chances, len(chances)
        luck = gaps.var(ddof=1) if n > 1 else chances.mean() * (1 - chances.mean())
        return self._forecast.score(trial.graph), float(gaps.mean()), float(luck) / n


def earned(beyond: Floats, noise: Floats) -> Floats:
    """How much of what trials scored beyond their forecast is theirs and not luck. Empirical Bayes
    (Efron & Morris 1973): a share of it, the larger the more all such gaps exceed their noise."""
    spread = max(float((beyond**2 - noise).mean()), LEAST**2)
    return np.asarray(spread / (spread + noise) * beyond)


def _price(objective: BoundObjective, proposal: Proposal) -> float:
    return objective.meter.estimate(proposal.graph) if objective.meter else 0.0
