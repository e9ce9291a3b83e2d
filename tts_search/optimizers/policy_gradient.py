"""REINFORCE on edge, role and model logits with Adam, as GPTSwarm does for edges."""

from collections.abc import Iterator
from dataclasses import dataclass

from tts_search.agents.base import Update
from tts_search.core.context import SearchContext
from tts_search.core.distribution import GraphDistribution
from tts_search.core.identity import graph_key
from tts_search.core.space import Choices
from tts_search.errors import ConfigError
from tts_search.optimizers.logits import Logits
from tts_search.optimizers.update import Step, Updater, raw_point, reward


@dataclass(frozen=True, eq=False)
class Draw:
    """A raw point drawn from the current probabilities, its reward, and its share of the mean."""

    point: Choices
    reward: float
    weight: float


class PolicyGradient(Updater):
    """One Adam step on -mean(log p(raw point) * (reward - baseline)) - entropy_weight * entropy.

    Williams 1992; Zhuge et al. 2024 (GPTSwarm: Adam at 0.1, 4 samples, hundreds of steps; searches
    here take ten to thirty). log p is of raw choices, and decode is part of the reward: the
    estimate needs no correction for the budget.

    The loop tries no graph twice, so its samples are of p given that the graph is new. What a
    known graph earned is known: `repeats` further points are drawn, those that decode to a known
    graph stand for that part of p, and the new graphs weigh what is left (almost nothing where
    the loop had to widen). repeats=0 leaves it out. What bias remains is that the samples of one
    step differ from each other.

    rate            Adam's learning rate, in logits
    entropy_weight  score that one nat of entropy is worth
    clip            largest norm of the gradient
    decay           of the baseline, a moving average of the rewards of earlier steps; the first
                    step is measured against itself
    """

    def __init__(
        self,
        rate: float = 0.3,
        entropy_weight: float = 0.01,
        clip: float = 1.0,
        decay: float = 0.8,
        repeats: int = 64,
    ):
        if rate <= 0 or clip <= 0:
            raise ConfigError(f"rate and clip must be above 0, but got {rate:g} and {clip:g}")
        if not 0 <= decay <= 1:
            raise ConfigError(f"decay must lie in [0, 1], but got {decay:g}; type decay=0.8")
        self._rate = rate
        self._entropy_weight = entropy_weight
        self._clip = clip
        self._decay = decay
        self._repeats = repeats

    def start(self, context: SearchContext) -> None:
        self._rng = context.rng("policy gradient")
        self.logits = Logits(GraphDistribution.uniform(context.space), self._rate, self._clip)
        self._baseline: float | None = None

    async def update(self, step: Step) -> Update:
        draws = list(self._draws(step))
        earned = sum(draw.weight * draw.reward for draw in draws)
        baseline = earned if self._baseline is None else self._baseline
        self._baseline = self._decay * baseline + (1 - self._decay) * earned
        points = [draw.point for draw in draws]
        gains = [draw.weight * (draw.reward - baseline) for draw in draws]
        after = self.logits.step(step.current, points, gains, self._entropy_weight)
        return Update(
            after,
            f"policy-gradient step against baseline {baseline:.3f}, {len(draws)} samples, "
            f"entropy {after.entropy():.1f} nats",
        )

    def _draws(self, step: Step) -> Iterator[Draw]:
        """The new graphs, and repeats of known ones; weights sum to 1."""
        fresh = {t.number for t in step.latest}
        known = {graph_key(t.graph): reward(t) for t in step.trials if t.number not in fresh}
        space, repeated = step.context.space, 0
        for _ in range(self._repeats if known else 0):
            point = step.current.sample(self._rng)
            key = graph_key(space.decode(point))
            if key in known:
                repeated += 1
                yield Draw(point, known[key], 1 / self._repeats)
        left = 1 - repeated / (self._repeats or 1)
        for trial in step.latest:
            yield Draw(raw_point(step.context, trial), reward(trial), left / len(step.latest))
