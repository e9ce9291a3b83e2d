"""Which of many sampled graphs are worth a call: the most promising by a surrogate."""

from collections.abc import Sequence

import numpy as np

from tts_search.core.context import SearchContext
from tts_search.core.distribution import GraphDistribution
from tts_search.core.graph import Graph
from tts_search.core.identity import graph_key
from tts_search.core.space import Choices
from tts_search.core.trial import Proposal, Trial
from tts_search.errors import ConfigError
from tts_search.optimizers.surrogate import Surrogate
from tts_search.optimizers.variation import mutate

LEAST = 5  # trials before the surrogate is asked
MEMORY = 300  # trials it learns from: the best, and the latest


class Screen:
    """Draws many graphs and keeps those with the highest mean + optimism * standard deviation.

    sampled, varied, uniform   graphs drawn from the probabilities, by small changes of the
             `leaders` best graphs, and from the whole space
    optimism  of the upper confidence bound (Srinivas et al. 2010); 0 only exploits

    Graphs of one step are chosen one after the other, each as if the ones before had scored what
    was predicted (the kriging believer; Ginsbourger et al. 2010), so that they differ.
    """

    def __init__(
        self,
        sampled: int = 64,
        varied: int = 64,
        uniform: int = 32,
        leaders: int = 6,
        optimism: float = 1.0,
    ) -> None:
        if min(sampled, varied, uniform) < 0 or sampled + varied + uniform < 1 or leaders < 1:
            raise ConfigError(
                "optimizer.screen needs sampled + varied + uniform >= 1 and leaders >= 1, but got "
                f"{sampled}, {varied}, {uniform} and {leaders}"
            )
        self._sampled, self._varied, self._uniform = sampled, varied, uniform
        self._leaders = leaders
        self._optimism = optimism

    def start(self, context: SearchContext) -> None:
        self._context = context
        self._rng = context.rng("screen")
        self._surrogate = Surrogate(context.space.budget)

    def choose(
        self, distribution: GraphDistribution, trials: Sequence[Trial], n: int, reason: str
    ) -> list[Proposal]:
        """Up to n graphs that are in no trial; none while there is too little to learn from."""
        known = _remembered([t for t in trials if t.within_budget])
        if len(known) < LEAST:
            return []
        graphs = [t.graph for t in known]
        scores = [t.score for t in known]
        variances = [t.evaluation.standard_error**2 for t in known]
        self._surrogate.fit(graphs, scores, variances)
        drawn = self._drawn(distribution, known, {graph_key(t.graph) for t in trials})
        chosen: list[Proposal] = []
        while drawn and len(chosen) < n:
            mean, spread = self._surrogate.predict([graph for graph, _ in drawn])
            best = int(np.argmax(mean + self._optimism * spread))
            graph, point = drawn.pop(best)
            expects = f"{mean[best]:.3f} +- {spread[best]:.3f} expected"
            chosen.append(Proposal(graph, f"{expects}; {reason}", "screened", point))
            graphs.append(graph)
            scores.append(float(mean[best]))
            variances.append(float(np.mean(variances)))
            self._surrogate.fit(graphs, scores, variances, [self._surrogate.kernel])
        return chosen

    def _drawn(
        self, distribution: GraphDistribution, known: Sequence[Trial], tried: set[str]
    ) -> list[tuple[Graph, Choices]]:
        """Distinct graphs that were not tried, with a point of each."""
        space, rng = self._context.space, self._rng
        mean, _ = self._surrogate.predict([t.graph for t in known])
        leaders = [known[i].graph for i in np.argsort(-mean)[: self._leaders]]
        everywhere = GraphDistribution.uniform(space)
        points = [distribution.sample(rng) for _ in range(self._sampled)]
        points += [self._variant(leaders) for _ in range(self._varied)]
        points += [everywhere.sample(rng) for _ in range(self._uniform)]
        found: dict[str, tuple[Graph, Choices]] = {}
        for point in points:
            graph = space.decode(point)
            key = graph_key(graph)
            if key not in tried:
                found.setdefault(key, (graph, point))
        return list(found.values())

    def _variant(self, leaders: Sequence[Graph]) -> Choices:
        """One to three small changes of a leader."""
        space, rng = self._context.space, self._rng
        point = space.encode(leaders[int(rng.integers(len(leaders)))])
        for _ in range(int(rng.integers(1, 4))):
            point = mutate(point, space, rng)
        return point


def _remembered(trials: Sequence[Trial]) -> list[Trial]:
    if len(trials) <= MEMORY:
        return list(trials)
    latest = trials[-MEMORY // 2 :]
    best = sorted(trials[: -MEMORY // 2], key=lambda t: -t.score)[: MEMORY // 2]
    return [*best, *latest]
