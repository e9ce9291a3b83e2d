"""Calls sent while 50 candidates are tried, against the same search without reuse, and a re-run.

python -m benchmarks reuse

Both searches really run, on the simulated engine and the pool of `make run`; calls are counted at
the engine, from the first of the token profile to the last of the 50th candidate.
"""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp

from benchmarks.stack import Counting, config, search, table
from tts_search.core.trial import Trial
from tts_search.llm.base import LLM, innermost
from tts_search.llm.wrappers import Throttled, wrap
from tts_search.parts import assemble

METHODS, SEEDS = ("random", "agent_reinforce"), (0, 1, 2)


class Bare(Throttled):
    """The engine without the cache, with the counters a run reads."""

    sent = reused = failed = 0


class Watch:
    """A tracker that notes how many calls had reached the engine after each trial."""

    def __init__(self, engine: Counting) -> None:
        self.engine = engine
        self.calls: list[int] = []
        self.keys: list[str] = []

    def start(self, run_info: Mapping[str, object]) -> None: ...

    def log_trial(self, trial: Trial) -> None:
        self.calls.append(self.engine.calls)
        self.keys.append(trial.key)

    def finish(self, summary: object, files: Sequence[Path] = ()) -> None: ...


async def _search(method: str, seed: int, cache: Path | None) -> Watch:
    """50 candidates; cache None sends every call."""
    composed = config(
        "pool=embedded", f"optimizer={method}", f"seed={seed}", "search.max_trials=50",
        "search.finalists=1", "search.max_tokens=null", "task.test=10", "cache=null",
    )  # fmt: skip
    engine = Counting(innermost(assemble(composed).llm))
    llm: LLM = wrap(engine, cache_path=cache, concurrency=256) if cache else Bare(engine, 256)
    watch = Watch(engine)
    await search(composed, llm=llm, tracker=watch)
    return watch


async def _compare(method: str) -> dict[str, object]:
    rows: dict[str, object] = {}
    for seed in SEEDS:
        cache = Path(mkdtemp()) / "responses.sqlite"
        shared, bare = await _search(method, seed, cache), await _search(method, seed, None)
        assert shared.keys == bare.keys, "both must try the same candidates"
        again = await _search(method, seed, cache)
        with_reuse, without = shared.calls[-1], bare.calls[-1]
        rows[f"seed {seed}"] = (
            f"{with_reuse} of {without} calls: ratio {with_reuse / without:.2f} (at most 0.40); "
            f"re-run {again.calls[-1]} (0)"
        )
    return rows


def main() -> None:
    for method in METHODS:
        rows = asyncio.run(_compare(method))
        print(table(f"calls of a search over 50 candidates, {method}", rows))  # noqa: T201
