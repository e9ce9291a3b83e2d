"""Does the order matter in which waiting calls are sent to an endpoint that is full?

python -m benchmarks scheduling [--steps 200] [--budget 18]     (half a minute, in virtual time)

An endpoint with a fixed number of places; a call holds one for a time proportional to its output
tokens: lognormal around the model's mean in the simulated world, with SPREAD the standard deviation
of the logarithm (assumed). A step is 4 random graphs (8 slots) on 48 questions; calls that graphs
share are sent once. Whenever a place is free, of the calls that wait goes first

  fifo      the one that has waited longest. As from Environment.evaluate_many: graph by graph,
            question by question, then nodes as their predecessors finish
  longest   the one with the longest path of calls still to come, itself included, by mean tokens
  shared    the one in most of the graphs
  both      longest, then shared

and the longest wait decides what is left. Mean over steps of the makespan as a ratio to that of
fifo, with standard error. No order can be below the bound: all work spread evenly over the places,
or the slowest chain of calls.
"""

import argparse
import heapq
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from benchmarks.forecast import WORLDS, drawn
from benchmarks.stack import CONF, table
from tts_search.compare.arena import Arena, arena_of
from tts_search.compare.plan import Plan
from tts_search.core.graph import Graph
from tts_search.core.identity import call_keys

GRAPHS, QUESTIONS, PLACES, SPREAD = 4, 48, (16, 64, 256), 0.7


@dataclass(frozen=True, eq=False)
class Step:
    """The calls on one question, without doubles, in the order in which graphs name them; a vote
    is a call that takes no place and no time.

    tokens   mean output; 0 of a vote
    readers  calls that wait for this one
    path     mean tokens along the longest path from here to a sink, this one included
    shared   graphs it is in
    owner    the first graph it is in
    """

    tokens: tuple[float, ...]
    parents: tuple[tuple[int, ...], ...]
    readers: tuple[tuple[int, ...], ...]
    path: tuple[float, ...]
    shared: tuple[int, ...]
    owner: tuple[int, ...]


def step_of(arena: Arena, graphs: Sequence[Graph]) -> Step:
    pool, place = arena.place.pool, dict[str, int]()
    tokens, parents = list[float](), list[tuple[int, ...]]()
    owner, shared = list[int](), Counter[int]()
    for number, graph in enumerate(graphs):
        keys = call_keys(graph, pool)
        for v, node in enumerate(graph.nodes):
            if keys[v] not in place:
                place[keys[v]] = len(tokens)
                tokens.append(arena.place.profile[node.model].output if node.model else 0.0)
                parents.append(tuple(place[keys[p]] for p in graph.parents[v]))
                owner.append(number)
            shared[place[keys[v]]] += 1
    readers = [tuple(r for r, up in enumerate(parents) if v in up) for v in range(len(tokens))]
    path = [0.0] * len(tokens)
    for v in reversed(range(len(tokens))):  # predecessors come before
        path[v] = tokens[v] + max((path[r] for r in readers[v]), default=0.0)
    shares = tuple(shared[v] for v in range(len(tokens)))
    return Step(tuple(tokens), tuple(parents), tuple(readers), tuple(path), shares, tuple(owner))


Policy = Callable[[Step, int], tuple[float, ...]]
"""(step, call) -> its rank: the least goes first, ties by arrival."""

POLICIES: dict[str, Policy] = {
    "fifo": lambda _step, _v: (),
    "longest": lambda step, v: (-step.path[v],),
    "shared": lambda step, v: (-step.shared[v],),
    "both": lambda step, v: (-step.path[v], -step.shared[v]),
}


def times(step: Step, rng: np.random.Generator) -> np.ndarray:
    """(calls, questions)"""
    shape = (len(step.tokens), QUESTIONS)
    luck = rng.lognormal(-(SPREAD**2) / 2, SPREAD, shape)  # of mean 1
    return np.array(step.tokens)[:, None] * luck


def makespan(step: Step, taken: np.ndarray, places: int, policy: Policy) -> float:
    rank = [policy(step, v) for v in range(len(step.tokens))]
    missing = [[len(up)] * QUESTIONS for up in step.parents]
    waiting: list[tuple[tuple[float, ...], int, int, int]] = []
    running: list[tuple[float, int, int]] = []
    arrived, now = count(), 0.0

    def ready(v: int, q: int) -> None:
        if step.tokens[v]:
            heapq.heappush(waiting, (rank[v], next(arrived), v, q))
        else:
            done(v, q)

    def done(v: int, q: int) -> None:
        for reader in step.readers[v]:
            missing[reader][q] -= 1
            if not missing[reader][q]:
                ready(reader, q)

    for owner in range(GRAPHS):
        own = [v for v, up in enumerate(step.parents) if step.owner[v] == owner and not up]
        for q in range(QUESTIONS):
            for v in own:
                ready(v, q)
    while waiting or running:
        while waiting and len(running) < places:
            _, _, v, q = heapq.heappop(waiting)
            heapq.heappush(running, (now + taken[v, q], v, q))
        now, v, q = heapq.heappop(running)
        done(v, q)
    return now


def bound(step: Step, taken: np.ndarray, places: int) -> float:
    """No order can be faster."""
    chain = np.zeros_like(taken)
    for v, up in enumerate(step.parents):
        chain[v] = taken[v] + (chain[list(up)].max(axis=0) if up else 0.0)
    return max(float(taken.sum()) / places, float(chain.max()))


def steps_of(count: int, budget: float) -> list[Step]:
    """In the simulated worlds by turns."""
    plan = Plan(CONF, ("random",), WORLDS, (budget,), 1)
    arenas = [arena_of(plan, job) for job in plan.jobs()]
    turns = [arenas[number % len(arenas)] for number in range(count)]
    return [step_of(a, drawn(a.space, GRAPHS, seed=i)) for i, a in enumerate(turns)]


def ratios(steps: Sequence[Step]) -> np.ndarray:
    """(steps, places, policies without the first and the bound): makespan over that of fifo."""
    rows = []
    for number, step in enumerate(steps):
        taken = times(step, np.random.default_rng(number))
        spans = [
            [makespan(step, taken, places, policy) for policy in POLICIES.values()]
            + [bound(step, taken, places)]
            for places in PLACES
        ]
        rows.append(np.array(spans)[:, 1:] / np.array(spans)[:, :1])
    return np.array(rows)


def made_of(steps: Sequence[Step]) -> str:
    asked = [[n for n, t in zip(s.shared, s.tokens, strict=True) if t] for s in steps]
    sent, shared = sum(map(len, asked)), sum(n > 1 for own in asked for n in own)
    return f"{QUESTIONS * sent / len(steps):.0f}, of which {shared / sent:.0%} are shared"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks scheduling")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--budget", type=float, default=18.0)
    chosen = parser.parse_args()
    steps = steps_of(chosen.steps, chosen.budget)
    found = ratios(steps)
    mean, error = found.mean(axis=0), found.std(axis=0, ddof=1) / np.sqrt(len(found))
    names = [*list(POLICIES)[1:], "bound"]
    rows: dict[str, object] = {"calls of a step (mean)": made_of(steps)}
    for i, places in enumerate(PLACES):
        cells = zip(names, mean[i], error[i], strict=True)
        rows[f"{places} places"] = ", ".join(f"{name} {m:.3f} ± {e:.3f}" for name, m, e in cells)
    title = f"makespan against fifo, {len(steps)} steps of {GRAPHS} graphs, {chosen.budget:g} units"
    print(table(title, rows))  # noqa: T201
