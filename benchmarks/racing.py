"""Racing against full evaluation: model calls of the search, and the graph that it finds.

python -m benchmarks racing [--seeds 24] [--first 0] [--jobs 2] [SETTING=VALUE ...]

On a simulated world (llm/world=mmlu for another), where the true score of every graph is known.
Every seed, from --first on, is another sample of questions and other luck; all arms meet the same.
Settings apply to all arms, e.g. search.max_trials=40; those of evaluation to racing alone.
"""

import argparse
import asyncio
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np
from omegaconf import OmegaConf

from benchmarks.stack import config, table
from tts_search import finals
from tts_search.archive import Archive
from tts_search.config import settings
from tts_search.core.context import SearchContext
from tts_search.core.data import Example
from tts_search.core.space import SearchSpace
from tts_search.core.trial import Trial
from tts_search.environment.ledger import Ledger
from tts_search.environment.simulated import SimulatedEnvironment
from tts_search.parts import assemble
from tts_search.runner import Search
from tts_search.simulation.world import World
from tts_search.tracking.progress import SilentProgress

METHODS = ("random", "agent_reinforce", "agent_reinforce_foresight")
SMALL, LARGE = 40, 120  # questions of a batch
ARMS = {
    f"full, {LARGE}": ("evaluation=full", f"search.batch={LARGE}"),
    f"full, {SMALL}": ("evaluation=full", f"search.batch={SMALL}"),
    f"racing, {LARGE}": ("evaluation=racing", f"search.batch={LARGE}"),
}
COMMON = (
    *("cache=null", "tracker=none", "budget.limit=18"),
    *("search.max_tokens=null", "search.max_trials=100"),
)
VALIDATION = 160


class Found(NamedTuple):
    """calls: sent in the search; finals: after it, before the test; score: true, in percent;
    dropped: share of trials that were stopped; ahead: trials that are the margin or more above
    their rival on the whole batch; lost: those of them that were stopped."""

    calls: int
    finals: int
    score: float
    dropped: float
    ahead: int = 0
    lost: int = 0


async def _search(words: tuple[str, ...], seed: int) -> Found:
    composed = config(*COMMON, *words, f"seed={seed}")
    parts, use = assemble(composed), settings(composed)
    world = World.of(OmegaConf.to_container(composed.llm.world))  # type: ignore[arg-type]
    profile = {model.name: world.tokens(model.served) for model in parts.pool.models}
    budget = parts.budget.bind(parts.pool, profile)
    space = SearchSpace(composed.space.slots, parts.role_specs, budget)
    context = SearchContext(space, seed, "simulated", batch=use.batch)
    parts.optimizer.start(context)
    search = Search(
        environment=SimulatedEnvironment(world, budget, seed),  # type: ignore[arg-type]
        optimizer=parts.optimizer,
        archive=Archive(),
        ledger=Ledger(),
        limits=parts.limits,
        batch=_questions("search", seed, use.batch),
        parallel=use.parallel,
        share=1 - use.finals_share,
        tracker=parts.tracker,
        progress=SilentProgress(),
        policy=parts.evaluation,
        forecast=parts.evaluation.forecast(context),
    )
    await search.run()
    calls = search.ledger.calls
    best = await finals.choose(search, _questions("validation", seed, VALIDATION), use.finalists)
    score = 100 * search.environment.true_score(best.graph)  # type: ignore[attr-defined]
    dropped = np.mean([not trial.complete for trial in search.archive.trials])
    await parts.aclose()
    margin = composed.evaluation.get("margin")
    ahead = [] if margin is None else _ahead(search, margin)
    lost = sum(not trial.complete for trial in ahead)
    return Found(calls, search.ledger.calls - calls, score, float(dropped), len(ahead), lost)


def _ahead(search: Search, margin: float) -> list[Trial]:
    """The rival of a trial is the best within budget of the steps before."""
    trials, ids = list(search.archive.trials), tuple(e.id for e in search.batch)
    found = []
    for trial in trials:
        whole = search.environment.score(trial.graph, ids).evaluation  # type: ignore[attr-defined]
        rivals = [t.score for t in trials if t.step < trial.step and t.complete and t.within_budget]
        fits = search.environment.budget.fits(whole.cost)
        if rivals and fits and whole.mean >= max(rivals) + margin:
            found.append(trial)
    return found


def _questions(split: str, seed: int, count: int) -> list[Example]:
    return [Example(f"{split}/{seed}/{i}", "", "") for i in range(count)]


def run(words: tuple[str, ...], seed: int) -> Found:
    """One search on the simulated world, by itself."""
    return asyncio.run(_search(words, seed))


def interval(values: np.ndarray) -> str:
    """Mean and 95% interval over seeds (normal; 20 seeds or more)."""
    half = 1.96 * values.std(ddof=1) / np.sqrt(len(values))
    return f"{values.mean():+.2f} ({values.mean() - half:+.2f} to {values.mean() + half:+.2f})"


def compare(found: dict[str, list[Found]]) -> dict[str, object]:
    """Each arm beside the first."""
    rows: dict[str, object] = {}
    first = np.array(next(iter(found.values())))
    for name, results in found.items():
        here = np.array(results)
        calls, after, score, dropped, _, _ = here.mean(axis=0)
        ahead, lost = here[:, 4:].sum(axis=0)
        rows[name] = (
            f"calls {calls:6.0f} ({calls / first[:, 0].mean():.2f}), with finals "
            f"{calls + after:6.0f} ({(calls + after) / first[:, :2].sum(axis=1).mean():.2f}), "
            f"stopped {dropped:4.0%}, true score {score:.2f}, "
            f"difference {interval(here[:, 2] - first[:, 2])}"
            + (f", of {ahead:.0f} ahead by the margin {lost:.0f} stopped" if ahead else "")
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks racing")
    parser.add_argument("--seeds", type=int, default=24)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("settings", nargs="*")
    chosen = parser.parse_args()
    seeds = range(chosen.first, chosen.first + chosen.seeds)
    for method in METHODS:
        found: dict[str, list[Found]] = {}
        for name, words in ARMS.items():
            own = [w for w in chosen.settings if "racing" in name or "evaluation." not in w]
            play = partial(run, (f"optimizer={method}", *words, *own))
            with ProcessPoolExecutor(chosen.jobs) as workers:
                found[name] = list(workers.map(play, seeds))
        print(table(f"{method}, {len(seeds)} seeds", compare(found)))  # noqa: T201
