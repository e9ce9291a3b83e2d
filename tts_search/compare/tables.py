"""What the outcomes of a plan say: standings, pairs, and whether the intervals hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import inf
from typing import NamedTuple

import numpy as np

from tts_search.compare.outcome import Outcome
from tts_search.compare.parallel import Cell
from tts_search.compare.worth import Measure
from tts_search.core.ranks import holm, nested_interval, ranks, sign_flip, vargha_delaney
from tts_search.core.statistics import Floats, median_interval, wilson
from tts_search.core.survival import survival_interval, survival_median

NEAR = 0.95  # of the best known true score


class Estimate(NamedTuple):
    """A value with its 95% interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Standing:
    """A method over blocks. Scores and gaps are the true worth of its final recommendation, in
    percent: score, utility, or hypervolume.

    rank, score, gap   means; the gap is that to the best known
    median             of the scores; only meaningful within one world and budget
    near               share of runs whose search recommended a graph of NEAR the best known
    calls              median until then; inf: fewer than half of the runs got there
    """

    method: str
    rank: Estimate
    score: Estimate
    gap: Estimate
    median: Estimate
    near: float
    calls: Estimate


@dataclass(frozen=True)
class Pair:
    """difference  mean of first - second, in percentage points
    effect      Vargha-Delaney A within world and budget, mean over these
    p_blocks    Holm-adjusted; blocks swapped: on these very worlds, with new seeds
    p_worlds    the same for whole worlds swapped: on worlds drawn like these
    """

    first: str
    second: str
    difference: Estimate
    effect: float
    p_blocks: float
    p_worlds: float


@dataclass(frozen=True)
class Coverage:
    """How often a 95% interval holds the true score, and how far its score is above it."""

    covered: int
    runs: int
    share: Estimate
    optimism: float


@dataclass(frozen=True, eq=False)
class Results:
    """best: best known worth in each world and budget; the outcomes' own are included. measure:
    what worth is."""

    methods: Sequence[str]
    outcomes: Sequence[Outcome]
    best: Mapping[Cell, float]
    measure: Measure = "score"

    @cached_property
    def blocks(self) -> list[dict[str, Outcome]]:
        """Outcomes by method, block by block, in a fixed order."""
        found: dict[tuple[str, float, int], dict[str, Outcome]] = {}
        for one in self.outcomes:
            block = (one.job.world, one.job.budget, one.job.seed)
            found.setdefault(block, {})[one.job.method] = one
        return [found[block] for block in sorted(found)]

    @cached_property
    def cells(self) -> list[Cell]:
        """Of each block."""
        jobs = [next(iter(block.values())).job for block in self.blocks]
        return [(job.world, job.budget) for job in jobs]

    @cached_property
    def true(self) -> Floats:
        """Worth (blocks, methods), in percent."""
        return 100 * np.array([[b[m].worth for m in self.methods] for b in self.blocks])

    def within(self, cell: Cell) -> "Results":
        """The part of one world and budget."""
        own = [o for o in self.outcomes if (o.job.world, o.job.budget) == cell]
        return Results(self.methods, own, self.best, self.measure)

    def standings(self) -> list[Standing]:
        """Best mean rank first."""
        worlds = [world for world, _ in self.cells]
        placed = ranks(self.true)
        gaps = 100 * np.array([[self.best[cell]] for cell in self.cells]) - self.true
        columns = np.hstack([placed, self.true, gaps])
        bounds = nested_interval(columns, worlds, _mean)
        means, m = columns.mean(axis=0).tolist(), len(self.methods)
        found = []
        for i, method in enumerate(self.methods):
            rank, score, gap = (Estimate(means[j], *bounds[j]) for j in range(i, 3 * m, m))
            near, calls = self._reached(method)
            scores = self.true[:, i]
            median = Estimate(float(np.median(scores)), *median_interval(scores.tolist()))
            found.append(Standing(method, rank, score, gap, median, near, calls))
        return sorted(found, key=lambda s: (s.rank.value, s.method))

    def _reached(self, method: str) -> tuple[float, Estimate]:
        """Runs that ended early keep what they had until the search limit of the others."""
        end = max(o.searched for o in self.outcomes)
        pairs = zip(self.blocks, self.cells, strict=True)
        when = np.array([b[method].calls_to(NEAR * self.best[cell]) for b, cell in pairs])
        reached = when < inf
        times = np.where(reached, when, end)
        median = survival_median(times, reached)
        return float(reached.mean()), Estimate(median, *survival_interval(times, reached))

    def pairs(self) -> list[Pair]:
        """Every two methods."""
        found = [(a, b) for a, b in combinations(range(len(self.methods)), 2)]
        tests = [[self._test(a, b, by) for a, b in found] for by in ("blocks", "worlds")]
        adjusted = zip(found, *map(holm, tests), strict=True)
        return [self._pair(a, b, p, q) for (a, b), p, q in adjusted]

    def _test(self, a: int, b: int, by: str) -> float:
        gaps = self.true[:, a] - self.true[:, b]
        if by == "blocks":
            return sign_flip(gaps)
        names = np.array([world for world, _ in self.cells])
        return sign_flip([float(gaps[names == world].mean()) for world in np.unique(names)])

    def _pair(self, a: int, b: int, p_blocks: float, p_worlds: float) -> Pair:
        gaps, worlds = self.true[:, a] - self.true[:, b], [world for world, _ in self.cells]
        (bounds,) = nested_interval(
            gaps[:, None], worlds, lambda rows: np.asarray(rows.mean(axis=0))
        )
        of = np.array([f"{world} {budget:g}" for world, budget in self.cells])
        rows = [of == cell for cell in np.unique(of)]
        effect = np.mean([vargha_delaney(self.true[r, a], self.true[r, b]) for r in rows])
        difference = Estimate(float(gaps.mean()), *bounds)
        names = self.methods[a], self.methods[b]
        return Pair(*names, difference, float(effect), p_blocks, p_worlds)

    def coverage(self) -> dict[str, Coverage]:
        """Of the interval a run reports, and of the one that its search batch would have given."""
        found = {}
        for name in ("final", "leader"):
            claims = [claim for o in self.outcomes if (claim := getattr(o, name)).key]
            hits = sum(claim.covered for claim in claims)
            above = 100 * float(np.mean([claim.score - claim.true for claim in claims] or [0]))
            share = Estimate(hits / max(len(claims), 1), *wilson(hits, len(claims)))
            found[name] = Coverage(hits, len(claims), share, above)
        return found


def _mean(rows: Floats) -> Floats:
    return np.asarray(rows.mean(axis=0))


def best_known(outcomes: Sequence[Outcome], searched: Mapping[Cell, float]) -> dict[Cell, float]:
    """Over all graphs that any method recommended at any time, and the reference search."""
    best = dict(searched)
    for one in outcomes:
        cell = (one.job.world, one.job.budget)
        seen = [true for _, true in one.steps] + [one.worth]
        best[cell] = max(best.get(cell, 0.0), *seen)
    return best
