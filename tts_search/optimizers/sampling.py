"""Drawing graphs that were not tried before."""

from collections.abc import Iterator, Sequence

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
        drawn: list[Proposal] = []
        for proposal in self._stream(distribution, n * self._patience, reason, stage):
            if self.is_new(proposal.graph):
                drawn.append(proposal)
                if len(drawn) == n:
                    break
        return drawn

    def _stream(
        self, distribution: GraphDistribution, samples: int, reason: str, stage: str
    ) -> Iterator[Proposal]:
        for _ in range(samples):
            point = distribution.sample(self._rng)
            yield Proposal(self._space.decode(point), reason, stage, point)
