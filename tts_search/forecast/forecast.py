"""What any graph would score, from what the nodes of the graphs tried did. docs/forecast.md"""

from collections.abc import Sequence

import numpy as np

from tts_search.core.graph import Graph, Node
from tts_search.core.roles import RoleSpec
from tts_search.core.space import SearchSpace
from tts_search.core.statistics import Floats
from tts_search.core.trial import Evaluation
from tts_search.forecast.logistic import EFFECTS, Block, Prior, Weights, fit
from tts_search.forecast.outcomes import Outcomes
from tts_search.forecast.reading import BY_ROLE, Layout, loads

RUNS = 16  # of a graph through the questions, by chance
SD = 1.5  # of the prior, in logits
PASSED_ON = {"one": -1.5, "share": 0.75, "most": 3.0}  # prior mean: what most say is passed on


class Forecast:
    """A regression of whether a node is right on its role, its model, what it reads and the
    question; a graph is then played through by chance, node by node.

    Learned on the questions of one batch, it speaks of these: of the score that a graph would have
    on them in the mean over the luck of its calls. The same draws of chance serve all graphs.
    """

    def __init__(self, space: SearchSpace, questions: int, rng: np.random.Generator) -> None:
        self._budget = space.budget
        self._layout = Layout(space.roles, space.models)
        self._outcomes = Outcomes(space.budget, questions)
        mean = _prior_mean(self._layout, space.roles)
        self._prior = Prior(mean, np.full(len(mean), SD), SD)
        self._weights = Weights(mean, np.zeros((questions, EFFECTS)))
        self._luck = rng.random((space.slots, RUNS, questions))
        self._stale = False

    def add(self, graph: Graph, seen: Evaluation) -> None:
        """Learn from a graph that was tried; the same again changes nothing."""
        self._outcomes.add(graph, seen)
        self._stale = True

    @property
    def informed(self) -> bool:
        """Whether it has seen anything; before, it knows no more than its prior."""
        return len(self._outcomes) > 0

    def score(self, graph: Graph) -> float:
        """Expected mean score on the batch. A graph that was tried is judged by all that is known,
        not by its own score alone."""
        return float(self._chances(graph).mean())

    def chances(self, graph: Graph, questions: Sequence[str]) -> Floats:
        """P(right) on each of these questions of the batch (len(questions),)."""
        return self._chances(graph)[self._outcomes.places(questions)]

    def _chances(self, graph: Graph) -> Floats:
        self._fit()
        right = np.zeros((len(graph.nodes), *self._luck.shape[1:]))
        load = loads(graph, self._budget)
        for v, node in enumerate(graph.nodes):
            up = graph.parents[v]
            x = self._layout.values(node, right[list(up)], np.array(load[v]))
            columns, z = self._layout.columns(node, bool(up)), _bearing(node, bool(up))
            right[v] = self._luck[v] < self._weights.chance(columns, z, x)
        return np.asarray(right[-1].mean(axis=0))

    def _fit(self) -> None:
        if not self._stale:
            return
        blocks = [
            Block(
                self._layout.columns(calls.node, len(calls.right) > 0),
                _bearing(calls.node, len(calls.right) > 0),
                self._layout.values(calls.node, np.nan_to_num(calls.right), calls.load),
                calls.scores,
            )
            for calls in self._outcomes.grouped()
        ]
        self._weights = fit(blocks, self._prior, self._weights)
        self._stale = False


def _bearing(node: Node, reads: bool) -> Floats:
    """Which effects of a question bear on a node: none where no model is asked."""
    return np.array([1.0, float(reads)]) if node.model else np.zeros(EFFECTS)


def _prior_mean(layout: Layout, roles: tuple[RoleSpec, ...]) -> Floats:
    """Readers of whatever role are expected to pass on what most of the answers read say."""
    mean = np.zeros(layout.size)
    for role in roles:
        columns = layout.columns(Node(role.name, None), reads=True)
        for name, value in PASSED_ON.items():
            mean[columns[BY_ROLE.index(name)]] = value
    return mean
