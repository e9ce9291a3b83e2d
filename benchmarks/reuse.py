"""Calls sent by a 50-candidate search, against the same search without reuse, and re-run.

python -m benchmarks reuse
"""

import asyncio
from pathlib import Path
from tempfile import mkdtemp

from benchmarks.stack import Counting, config, search, table
from tts_search.llm.wrappers import Throttled
from tts_search.parts import innermost

METHODS = ("random", "agent_reinforce")


async def _calls(method: str) -> dict[str, object]:
    cache = Path(mkdtemp()) / "responses.sqlite"
    composed = config(f"optimizer={method}", f"cache={cache}", "search.max_trials=50")
    first, parts, archive = await search(composed)
    again, _, _ = await search(composed)
    plain = Counting(innermost(parts.llm))
    bare = Throttled(plain, 256)
    unshared = Bare(bare)
    same, _, other = await search(composed, llm=unshared)
    assert same.best_key == first.best_key, "the same search must find the same graph"
    assert [t.key for t in archive.trials] == [t.key for t in other.trials]
    return {
        "with reuse": first.calls.sent,
        "without reuse": plain.calls,
        "ratio (at most 0.40)": f"{first.calls.sent / plain.calls:.3f}",
        "re-run (0)": again.calls.sent,
    }


class Bare(Counting):
    """The engine without the cache, with the counters a run reads."""

    sent = reused = failed = 0


def main() -> None:
    for method in METHODS:
        rows = asyncio.run(_calls(method))
        print(table(f"calls of a search over 50 candidates, optimizer={method}", rows))  # noqa: T201
