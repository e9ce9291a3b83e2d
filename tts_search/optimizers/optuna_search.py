"""Optuna's samplers as search methods, by its ask and tell. A sampler is all that tells them apart.

The parameters are the raw point: the model of each slot (0 = off), its role, a bit for each pair
of slots, all categorical. Two ways to ask for them:

whole        every parameter of every point. What a sampler needs that models one fixed set of
             parameters: a Gaussian process, a crossover.
conditional  the role of a slot, and the bits of a pair, only where the slots are in use, so that
             no score is put down to a choice that changed nothing.

Many points stand for one graph. A graph that was tried before is not tried again: the sampler is
told what is known of it and asked again, `patience` times, then a graph is drawn at random.
"""

import logging
import warnings
from abc import abstractmethod
from collections.abc import Sequence
from typing import Literal

import numpy as np
import optuna
from optuna.samplers import BaseSampler

from tts_search.core.context import SearchContext
from tts_search.core.distribution import GraphDistribution
from tts_search.core.identity import graph_key
from tts_search.core.space import Choices, SearchSpace
from tts_search.core.trial import Proposal, Trial
from tts_search.errors import ConfigError
from tts_search.optimizers.base import Optimizer
from tts_search.optimizers.sampling import Sampler

DIRECTIONS: dict[str, Literal["maximize", "minimize"]] = {"score": "maximize", "cost": "minimize"}
FRONT: tuple[Literal["maximize", "minimize"], ...] = ("maximize", "minimize")  # score, price


class OptunaSearch(Optimizer):
    """objectives: of DIRECTIONS; cost is the measured one, in budget units."""

    def __init__(
        self,
        objectives: Sequence[str] = ("score",),
        patience: int = 10,
        conditional: bool = False,
    ):
        wrong = [o for o in objectives if o not in DIRECTIONS]
        if wrong or len(set(objectives)) < len(objectives) or "score" not in objectives:
            raise ConfigError(
                f"optimizer.objectives must be [score] or [score,cost], but got "
                f"[{','.join(map(str, objectives))}]"
            )
        self._objectives = tuple(objectives)
        self._patience = patience
        self._conditional = conditional

    @abstractmethod
    def sampler(self, seed: int) -> BaseSampler:
        """A fresh sampler."""

    def start(self, context: SearchContext) -> None:
        super().start(context)
        _log_as_others()
        with (
            warnings.catch_warnings()
        ):  # some settings, such as group of TPE, count as experimental
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = self.sampler(int(context.rng(self.name).integers(2**31)))
        self._priced = self.fronts and context.objective.front
        directions = FRONT if self._priced else [DIRECTIONS[o] for o in self._objectives]
        self._study = optuna.create_study(sampler=sampler, directions=directions)
        self._random = Sampler(context, patience=1000)
        self._waiting: dict[str, list[optuna.Trial]] = {}
        self._known: dict[str, Trial] = {}

    async def ask(self, n: int) -> Sequence[Proposal]:
        asked: list[Proposal] = []
        while len(asked) < n and (proposal := self._next()):
            asked.append(proposal)
        return asked

    def tell(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            key = graph_key(trial.graph)
            if self._known.setdefault(key, trial) is trial:
                for asked in self._waiting.pop(key, []):
                    self._report(asked, trial)

    @property
    def front(self) -> list[Trial]:
        """Trials within budget that no other one beats in one objective and matches in the rest,
        in the order tried."""
        fit = {key: trial for key, trial in self._known.items() if trial.within_budget}
        best = {t.user_attrs["graph"] for t in self._study.best_trials} if fit else set()
        return [trial for key, trial in fit.items() if key in best]

    def _next(self) -> Proposal | None:
        for _ in range(self._patience):
            asked = self._study.ask()
            point = suggest(asked, self.context.space, self._conditional)
            graph = self.context.space.decode(point)
            key = graph_key(graph)
            if self._random.is_new(graph):
                self._waiting[key] = [asked]
                return Proposal(graph, f"suggested by {self.name}", point=point)
            self._repeated(asked, key)
        return self._drawn()

    def _repeated(self, asked: optuna.Trial, key: str) -> None:
        if key in self._known:
            self._report(asked, self._known[key])
        else:
            self._waiting[key].append(asked)

    def _drawn(self) -> Proposal | None:
        uniform = GraphDistribution.uniform(self.context.space)
        note = f"{self.name} repeats itself: a random graph"
        for proposal in self._random.draw(uniform, 1, note, "random"):
            assert proposal.point
            self._study.enqueue_trial(parameters(proposal.point))
            asked = self._study.ask()
            suggest(asked, self.context.space, self._conditional)
            self._waiting[graph_key(proposal.graph)] = [asked]
            return proposal
        return None

    def _report(self, asked: optuna.Trial, trial: Trial) -> None:
        over = trial.evaluation.cost / self.context.space.budget.limit - 1
        asked.set_user_attr("graph", graph_key(trial.graph))
        asked.set_constraint("budget", min(over, 0.0) if trial.within_budget else over)
        values = {"score": trial.score, "cost": trial.evaluation.cost}
        self._study.tell(
            asked, trial.point if self._priced else [values[o] for o in self._objectives]
        )


def suggest(trial: optuna.Trial, space: SearchSpace, conditional: bool) -> Choices:
    """The point that a trial stands for. Choices that are not asked for are 0."""
    n = space.slots
    models, roles = range(len(space.models) + 1), range(len(space.roles))
    model = np.array([trial.suggest_categorical(f"model {i}", models) for i in range(n)])
    used = model > 0 if conditional else np.full(n, True)
    role, edge = np.zeros(n, dtype=np.int64), np.zeros((n, n), dtype=np.int64)
    for j in np.flatnonzero(used):
        role[j] = trial.suggest_categorical(f"role {j}", roles)
        for i in np.flatnonzero(used[:j]):
            edge[i, j] = trial.suggest_categorical(f"edge {i} {j}", (0, 1))
    return Choices(model, role, edge)


def parameters(point: Choices) -> dict[str, int]:
    """A whole point under the names of `suggest`."""
    n = len(point.model)
    return {
        **{f"model {i}": int(point.model[i]) for i in range(n)},
        **{f"role {i}": int(point.role[i]) for i in range(n)},
        **{f"edge {i} {j}": int(point.edge[i, j]) for j in range(n) for i in range(j)},
    }


def _log_as_others() -> None:
    """Optuna's lines go where all others go, those below a warning nowhere."""
    optuna.logging.disable_default_handler()
    optuna.logging.enable_propagation()
    optuna.logging.set_verbosity(logging.WARNING)
