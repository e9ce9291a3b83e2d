"""One search of the comparison: the real loop and finals, in a simulated environment."""

import asyncio
import time
from typing import cast

from tts_search import fronts
from tts_search.agents.base import Agent
from tts_search.archive import Archive, Candidate
from tts_search.build import build
from tts_search.compare.arena import Arena, arena_of
from tts_search.compare.outcome import NOTHING, Claim, Outcome
from tts_search.compare.plan import Job, Plan
from tts_search.config import SearchSettings, settings
from tts_search.core.context import SearchContext
from tts_search.core.data import Example
from tts_search.core.graph import Graph
from tts_search.core.statistics import mean_interval
from tts_search.environment.environment import Environment
from tts_search.environment.ledger import Ledger
from tts_search.errors import BudgetError
from tts_search.evaluation import Policy
from tts_search.limits import Limits
from tts_search.optimizers.base import Optimizer
from tts_search.parts import build_agent, build_llm, build_optimizer
from tts_search.runner import Search
from tts_search.tracking.folding import one_line
from tts_search.tracking.none import NoTracker
from tts_search.tracking.progress import SilentProgress


class Recommended:
    """Notes, after every step of a search, whether the leader by the method's own data, or its
    front, has changed: (calls, graphs)."""

    def __init__(self, search: Search) -> None:
        self._search, self._keys = search, list[str]()
        self.steps: list[tuple[int, list[Graph]]] = []
        search.told = self._note

    def _note(self) -> None:
        leaders = _leaders(self._search)
        keys = [leader.key for leader in leaders]
        if keys != self._keys:
            self._keys = keys
            self.steps.append((self._search.spend().calls, [c.graph for c in leaders]))


def _leaders(search: Search) -> list[Candidate]:
    """What would be recommended now: the leader, or a whole front; empty if there is nothing."""
    environment = search.environment
    if environment.objective.front:
        return search.archive.front(environment.budget.limit)
    return search.ranking()[:1]


def play(plan: Plan, job: Job) -> Outcome:
    """Run it. Equal arguments, equal outcome, but for the seconds."""
    return asyncio.run(_played(plan, job))


async def _played(plan: Plan, job: Job) -> Outcome:
    started = time.perf_counter()
    arena = arena_of(plan, job)
    optimizer = _optimizer(arena, job)
    try:
        search = _search(arena, job, optimizer)
        noted = Recommended(search)
        stopped_by = await search.run()
        searched, leader = search.spend(), _leader(arena, search)
        final, worth = await _final(plan, arena, job, search)
    finally:
        await optimizer.aclose()
    return Outcome(
        job=job,
        steps=tuple((calls, arena.worth(graphs)) for calls, graphs in noted.steps),
        trials=searched.trials,
        searched=searched.calls,
        calls=search.spend().calls,
        leader=leader,
        final=final,
        worth=worth,
        stopped_by=stopped_by,
        seconds=time.perf_counter() - started,
    )


def _optimizer(arena: Arena, job: Job) -> Optimizer:
    """Bound to the search, told what a real run would tell it."""
    config, agent = arena.config, None
    if "agent" in config.optimizer:
        agent = _agent(arena)
    optimizer = build_optimizer(config.optimizer, agent)
    optimizer.start(_context(arena, job))
    return optimizer


def _context(arena: Arena, job: Job) -> SearchContext:
    limit, objective = arena.space.budget.limit, arena.objective
    return SearchContext(
        space=arena.space,
        seed=job.block + 2**32 * job.twin,
        task="simulated",
        description="Answer the question.",
        goal=f"{objective.words(fronts=True)} at no more than {limit:g} units a question",
        batch=settings(arena.config).batch,
        objective=objective,
    )


def _agent(arena: Arena) -> Agent:
    task = build(arena.config.task)
    return build_agent(arena.config, build_llm(arena.config.llm, None, task), task)


def _search(arena: Arena, job: Job, optimizer: Optimizer) -> Search:
    own: SearchSettings = settings(arena.config)
    policy: Policy = build(arena.config.evaluation)
    return Search(
        environment=cast(Environment, arena.environment(job.block)),  # the same methods
        optimizer=optimizer,
        archive=Archive(),
        ledger=Ledger(),
        limits=Limits(own.max_trials, own.max_calls, own.max_tokens, own.max_dollars),
        batch=questions(job, "search", own.batch),
        parallel=own.parallel,
        share=1 - own.finals_share,
        tracker=NoTracker(),
        progress=SilentProgress(),
        policy=policy,
        forecast=policy.forecast(_context(arena, job)),
    )


def questions(job: Job, split: str, count: int) -> list[Example]:
    """Of this block alone; a simulated world needs no more of a question than its id."""
    return [Example(f"{job.block}/{split}/{i}", "", "") for i in range(count)]


def _leader(arena: Arena, search: Search) -> Claim:
    """What would be returned without finals, and how good it would be said to be."""
    for leader in _leaders(search):
        return _claim(arena, leader.key, leader.graph, leader.scores)
    return NOTHING


async def _final(plan: Plan, arena: Arena, job: Job, search: Search) -> tuple[Claim, float]:
    """The recommended graph, and what the recommendation is worth."""
    validation = questions(job, "validation", plan.validation)
    try:
        chosen = await fronts.choose(search, validation, settings(arena.config).finalists)
    except BudgetError:  # no graph kept within the budget
        return NOTHING, 0.0
    best, test = chosen[0], questions(job, "test", plan.test)
    seen = (await search.environment.evaluate(best.graph, test)).evaluation
    claim = _claim(arena, best.key, best.graph, list(seen.scores))
    return claim, arena.worth([choice.graph for choice in chosen])


def _claim(arena: Arena, key: str, graph: Graph, scores: list[float]) -> Claim:
    mean = sum(scores) / len(scores)
    return Claim(key, one_line(graph), mean, mean_interval(scores), arena.place.truth.score(graph))
