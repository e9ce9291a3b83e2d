"""Spaces to search, a made-up score for any graph, and the loop that a runner drives."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from core.strategies import MATH, PAPER_POOL, random_pool, random_profile

from tts_search.budgets.dollars import Dollars
from tts_search.budgets.flops import Flops
from tts_search.budgets.latency import Latency
from tts_search.budgets.tokens import TokenCount
from tts_search.core.budget import Budget, BudgetMetric
from tts_search.core.context import SearchContext
from tts_search.core.graph import Graph
from tts_search.core.identity import graph_key
from tts_search.core.roles import RoleSpec
from tts_search.core.space import SearchSpace
from tts_search.core.trial import Evaluation, Proposal, Trial
from tts_search.optimizers.base import Optimizer

ASSISTANT, FUSER = RoleSpec("assistant"), RoleSpec("fuser", 1)
VOTE = RoleSpec("vote", 1, calls_model=False)
ROLES = (ASSISTANT, FUSER, VOTE)

Surface = Callable[[Graph], float]


def paper_space(
    slots: int = 8, limit: float = 18, roles: Sequence[RoleSpec] = ROLES
) -> SearchSpace:
    return SearchSpace(slots, tuple(roles), Budget(Flops(), limit).bind(PAPER_POOL, MATH))


def made_up_space(
    slots: int, models: int, metric: BudgetMetric, limit: float, roles: Sequence[RoleSpec] = ROLES
) -> SearchSpace:
    rng = np.random.default_rng(models)
    pool = random_pool(rng, models)
    budget = Budget(metric, limit).bind(pool, random_profile(rng, pool))
    return SearchSpace(slots, tuple(roles), budget)


SPACES = {
    "paper": paper_space(),
    "tight": paper_space(limit=3),
    "no vote": made_up_space(5, 3, TokenCount(), 9, (ASSISTANT, FUSER)),
    "assistants": made_up_space(4, 2, Dollars(), 12, (ASSISTANT,)),
    "no fuser": made_up_space(6, 3, Latency(), 4, (ASSISTANT, VOTE)),
    "one model": made_up_space(4, 1, Dollars(), 30),
}


def context(space: SearchSpace, seed: int = 0) -> SearchContext:
    return SearchContext(space, seed, "sums", "Add.", "most right answers", batch=24)


def bumpy(graph: Graph) -> float:
    """Better with some width and depth, worse with much of either."""
    return 0.8 / (1 + 0.2 * (graph.width - 3) ** 2 + 0.3 * (graph.depth - 2) ** 2)


def by_name(graph: Graph) -> float:
    """As good as random, but the same each time."""
    return zlib.crc32(graph_key(graph).encode()) / 2**32


SURFACES: dict[str, Surface] = {
    "bumpy": bumpy,
    "random": by_name,
    "constant": lambda _: 0.5,
    "all wrong": lambda _: 0.0,
    "all right": lambda _: 1.0,
}


def judge(
    where: SearchContext, number: int, proposal: Proposal, score: float, dear: float
) -> Trial:
    """A trial whose questions are right in the share `score`, on all nodes alike; it costs `dear` x
    the estimate."""
    estimate = where.space.budget.estimate(proposal.graph)
    right = round(score * where.batch)
    scores = tuple(float(i < right) for i in range(where.batch))
    seen = Evaluation(
        questions=tuple(f"q{i}" for i in range(where.batch)),
        scores=scores,
        costs=(estimate * dear,) * where.batch,
        prompt_tokens=100,
        output_tokens=50,
        calls=len(proposal.graph.nodes),
        failures=0,
        node_scores=(scores,) * len(proposal.graph.nodes),
    )
    fits = where.space.budget.fits(seen.cost)
    return Trial(number, graph_key(proposal.graph), proposal, estimate, seen, fits)


@dataclass
class Course:
    """What an optimizer did: its trials, and whether it said that nothing is left."""

    trials: list[Trial]
    finished: bool

    @property
    def keys(self) -> list[str]:
        return [t.key for t in self.trials]


async def drive(
    optimizer: Optimizer,
    where: SearchContext,
    surface: Surface = bumpy,
    trials: int = 32,
    parallel: int = 4,
    dear: float = 1.0,
    tell: Callable[[Optimizer, list[Trial]], None] = lambda o, ts: o.tell(ts),
) -> Course:
    optimizer.start(where)
    done: list[Trial] = []
    while len(done) < trials:
        places = min(parallel, trials - len(done))
        asked = await optimizer.ask(places)
        assert len(asked) <= places
        if not asked:
            return Course(done, True)
        new = [judge(where, len(done) + i, p, surface(p.graph), dear) for i, p in enumerate(asked)]
        done += new
        tell(optimizer, new)
    return Course(done, False)
