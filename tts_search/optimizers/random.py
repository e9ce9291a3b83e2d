"""Random search: the same distribution all along. The measure of every other method."""

from collections.abc import Sequence

from tts_search.core.context import SearchContext
from tts_search.core.distribution import GraphDistribution
from tts_search.core.trial import Proposal, Trial
from tts_search.optimizers.base import Optimizer
from tts_search.optimizers.sampling import Sampler


class RandomSearch(Optimizer):
    """Samples the uniform probabilistic graph. `edge`: probability of each potential edge."""

    name = "random"

    def __init__(self, edge: float = 0.5):
        self._edge = edge

    def start(self, context: SearchContext) -> None:
        super().start(context)
        self._sampler = Sampler(context)
        self._distribution = GraphDistribution.uniform(context.space, self._edge)

    async def ask(self, n: int) -> Sequence[Proposal]:
        return self._sampler.draw(self._distribution, n, "uniform sample")

    def tell(self, trials: Sequence[Trial]) -> None:
        pass  # random search does not learn
