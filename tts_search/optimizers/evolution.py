"""Evolution of graphs: tournaments among the best so far, crossover, small mutations."""

from collections.abc import Sequence

from tts_search.agents.moves import aligned
from tts_search.core.context import SearchContext
from tts_search.core.distribution import GraphDistribution
from tts_search.core.identity import graph_key
from tts_search.core.trial import Proposal, Trial
from tts_search.errors import ConfigError
from tts_search.optimizers.base import Optimizer
from tts_search.optimizers.sampling import Sampler
from tts_search.optimizers.variation import cross, mutate


class Evolution(Optimizer):
    """(mu + lambda) evolution with tournament selection.

    population  graphs kept, the best so far; as many are drawn at random first
    tournament  graphs of which the best becomes a parent
    crossover   share of the children that have two parents
    patience    mutations piled on a child in search of a graph not tried before
    """

    name = "evolution"

    def __init__(
        self, population: int = 8, tournament: int = 3, crossover: float = 0.5, patience: int = 20
    ):
        if population < 2 or tournament < 1 or not 0 <= crossover <= 1:
            raise ConfigError(
                "optimizer needs population >= 2, tournament >= 1 and crossover in [0, 1], but "
                f"got {population}, {tournament} and {crossover}"
            )
        self._size = population
        self._tournament = tournament
        self._crossover = crossover
        self._patience = patience

    def start(self, context: SearchContext) -> None:
        super().start(context)
        self._rng = context.rng("evolution")
        self._random = Sampler(context, patience=1000)
        self._told: set[str] = set()
        self._best: list[Trial] = []

    async def ask(self, n: int) -> Sequence[Proposal]:
        asked: list[Proposal] = []
        while len(asked) < n and (proposal := self._next()):
            asked.append(proposal)
        return asked

    def tell(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            key = graph_key(trial.graph)
            if key not in self._told:
                self._told.add(key)
                self._best.append(trial)
        self._best = sorted(self._best, key=_rank)[: self._size]

    def _next(self) -> Proposal | None:
        if len(self._told) < self._size:
            return self._drawn("first population")
        return self._child() or self._drawn("no new child found: a random graph")

    def _child(self) -> Proposal | None:
        space, first, second = self.context.space, self._parent(), self._parent()
        point = space.encode(aligned(first.graph))
        reason = f"child of trial {first.number}"
        if self._rng.random() < self._crossover and second is not first:
            point = cross(point, space.encode(aligned(second.graph)), self._rng)
            reason += f" and trial {second.number}"
        for _ in range(self._patience):
            point = mutate(point, space, self._rng)
            graph = space.decode(point)
            if self._random.is_new(graph):
                return Proposal(graph, reason, "child", point)
        return None

    def _parent(self) -> Trial:
        """The best of a few drawn with replacement; `_best` is in order."""
        return self._best[int(self._rng.integers(len(self._best), size=self._tournament).min())]

    def _drawn(self, reason: str) -> Proposal | None:
        uniform = GraphDistribution.uniform(self.context.space)
        return next(iter(self._random.draw(uniform, 1, reason, "random")), None)


def _rank(trial: Trial) -> tuple[bool, float, float, int]:
    """Within budget as measured first, then score, then cost."""
    return (not trial.within_budget, -trial.score, trial.evaluation.cost, trial.number)
