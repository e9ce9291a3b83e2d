"""The rules agent: a small deterministic policy that follows the three insights. No LLM."""

from collections.abc import Callable, Mapping, Sequence
from math import ceil, sqrt

import numpy as np

from tts_search.agents import moves
from tts_search.agents.base import AgentUsage, Feedback, Mix, Pick, Update
from tts_search.core.context import SearchContext
from tts_search.core.distribution import GraphDistribution
from tts_search.core.graph import Graph
from tts_search.core.space import SearchSpace
from tts_search.core.trial import Trial


class RulesAgent:
    """Insight 1: a few mixes, one for each leading family, pure before mixed, best first.
    Insights 2 and 3: from the best graph, keep moving along width and depth, also against each
    other, wherever that is untried or has not hurt; share the mass among the elite, those moves
    and, less and less, the whole space.

    elite    share of the graphs that the next probabilities are drawn towards
    moves    mass on the favoured moves; explore: mass on the uniform distribution at the start
    half_life  trials after which exploration has halved
    """

    name = "rules"

    def __init__(
        self,
        elite: float = 0.15,
        moves: float = 0.35,
        explore: float = 0.2,
        half_life: float = 40.0,
    ):
        self._elite = elite
        self._moves = moves
        self._explore = explore
        self._half_life = half_life

    @property
    def usage(self) -> AgentUsage:
        return AgentUsage()

    async def aclose(self) -> None:
        pass

    async def pick_mixes(
        self, context: SearchContext, mixes: Sequence[Mix], singles: Sequence[Trial], count: int
    ) -> Pick:
        alone = {**context.published, **{moves.family(t.graph): t.score for t in singles}}
        ranked = sorted(range(len(mixes)), key=lambda i: -promise(mixes[i], alone))
        leaders: dict[str, int] = {}
        for i in ranked:
            leaders.setdefault(_leader(mixes[i]), i)
        chosen = [*leaders.values(), *(i for i in ranked if i not in leaders.values())][:count]
        return Pick(tuple(chosen), "best family first, pure before mixed")

    async def update(
        self, context: SearchContext, current: GraphDistribution, feedback: Feedback
    ) -> Update:
        fit = [t for t in feedback.trials if t.within_budget]
        if not fit:
            uniform = GraphDistribution.uniform(context.space)
            return Update(current.mixed(uniform, 0.5), "no graph kept the budget: look wider")
        ranked = sorted(fit, key=lambda t: (-t.score, t.evaluation.cost, t.number))
        elite = ranked[: max(2, ceil(self._elite * len(ranked)))]
        favoured, words = self._favoured(context.space, ranked) if feedback.guided else ([], "")
        explore = self._explore * 0.5 ** (len(feedback.trials) / self._half_life)
        distribution = _average(context.space, [t.graph for t in elite])
        if favoured:
            distribution = distribution.mixed(_average(context.space, favoured), self._moves)
        distribution = distribution.mixed(GraphDistribution.uniform(context.space), explore)
        return Update(distribution, f"best {ranked[0].score:.3f} ({ranked[0].graph}); {words}")

    def _favoured(self, space: SearchSpace, ranked: Sequence[Trial]) -> tuple[list[Graph], str]:
        """Moves from the best graph that are untried or have not hurt, and the verdict on each."""
        best = ranked[0]
        found, words = [], []
        for name, move, lies_there in MOVES:
            there = [t for t in ranked[1:] if lies_there(t.graph, best.graph)]
            hurts = bool(there) and all(clearly_worse(t, best) for t in there)
            words.append(f"{name} {'hurts' if hurts else 'open' if there else 'untried'}")
            graph = None if hurts else moves.legal(move(best.graph, space), space)
            if graph is not None:
                found.append(graph)
        return found, ", ".join(words)


Move = Callable[[Graph, SearchSpace], Graph]
LiesThere = Callable[[Graph, Graph], bool]

MOVES: tuple[tuple[str, Move, LiesThere], ...] = (
    ("wider", moves.wider, lambda g, b: g.width > b.width and g.depth == b.depth),
    ("narrower", lambda g, _: moves.narrower(g), lambda g, b: g.width < b.width),
    ("deeper", moves.deeper, lambda g, b: g.depth > b.depth and g.width == b.width),
    ("shallower", lambda g, _: moves.shallower(g), lambda g, b: g.depth < b.depth),
    (
        "wider and shallower",
        lambda g, space: moves.wider(moves.shallower(g), space),
        lambda g, b: g.width > b.width and g.depth < b.depth,
    ),
    (
        "narrower and deeper",
        lambda g, space: moves.deeper(moves.narrower(g), space),
        lambda g, b: g.width < b.width and g.depth > b.depth,
    ),
)


def promise(mix: Mix, alone: Mapping[str, float]) -> float:
    """Guessed score of a mix: its best family alone, plus what replicates may add, less a little
    for every further family. Unknown models count as even odds."""
    guesses = []
    for model, count in mix.counts:
        p = alone.get(model, 0.5)
        guesses.append(p + 0.25 * (1 - p) * (1 - 1 / sqrt(count)))
    return max(guesses) - 0.02 * (len(mix.counts) - 1)


def clearly_worse(trial: Trial, best: Trial) -> bool:
    """Paired on common questions: mean difference beyond one standard error of it."""
    theirs = dict(zip(trial.evaluation.questions, trial.evaluation.scores, strict=True))
    pairs = zip(best.evaluation.questions, best.evaluation.scores, strict=True)
    gaps = np.array([score - theirs[q] for q, score in pairs if q in theirs])
    if len(gaps) < 2:
        return False
    return bool(gaps.mean() > gaps.std(ddof=1) / sqrt(len(gaps)) and gaps.mean() > 0)


def _leader(mix: Mix) -> str:
    return max(mix.counts, key=lambda pair: pair[1])[0]


def _average(space: SearchSpace, graphs: Sequence[Graph]) -> GraphDistribution:
    """Choice by choice mean of the aligned graphs, the first (best) counting twice."""
    total: GraphDistribution | None = None
    for i, graph in enumerate([graphs[0], *graphs]):
        at = GraphDistribution.around(space, space.encode(moves.aligned(graph)))
        total = at if total is None else total.mixed(at, 1 / (i + 1))
    assert total is not None
    return total
