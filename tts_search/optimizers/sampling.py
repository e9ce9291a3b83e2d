"""Drawing graphs that were not tried before."""

from collections.abc import Sequence

from tts_search.core.context import SearchContext
from tts_search.core.distribution import GraphDistribution
from tts_search.core.graph import Graph
from tts_search.core.identity import graph_key
from tts_search.core.trial import Proposal


class Sampler:
    """Samples a distribution without repeats: a graph scored on the batch has nothing new to say.

    patience  samples spent on finding each new graph before the source counts as dry
    """

    def __init__(self, context: SearchContext, patience: int = 200):
        self._space = context.space
        self._rng = context.rng("sampler")
        self._patience = patience
        self._seen: set[str] = set()

    def is_new(self, graph: Graph) -> bool:
        """True the first time a graph is shown, up to isomorphism."""
        key = graph_key(graph)
        new = key not in self._seen
        self._seen.add(key)
        return new

    def draw(
        self, distribution: GraphDistribution, n: int, reason: str, stage: str = "sample"
    ) -> Sequence[Proposal]:
        """n new graphs; fewer, or none, if the distribution holds no more within patience."""
        drawn = self.pool(distribution, n, n * self._patience, reason, stage)
        self._seen.update(graph_key(proposal.graph) for proposal in drawn)
        return drawn

    def pool(
        self,
        distribution: GraphDistribution,
        n: int,
        samples: int,
        reason: str,
        stage: str = "sample",
    ) -> list[Proposal]:
        """As many as n different graphs to choose from, found in that many samples. They stay new
        until they are shown."""
        found: dict[str, Proposal] = {}
        for _ in range(samples):
            point = distribution.sample(self._rng)
            graph = self._space.decode(point)
            key = graph_key(graph)
            if key not in self._seen and key not in found:
                found[key] = Proposal(graph, reason, stage, point)
                if len(found) == n:
                    break
        return list(found.values())
