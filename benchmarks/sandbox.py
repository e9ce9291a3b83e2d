"""What the sandbox adds to a program: against the same interpreter, script and flags without it.

python -m benchmarks sandbox

Both start a fresh interpreter for an empty program, in turns, one after the other; medians. The
first runs under all limits of the sandbox too, the second under none but those it sets itself.
"""

import os
import subprocess
import time
from statistics import median

from benchmarks.stack import table
from tts_search.tasks.sandbox import bubblewrap
from tts_search.tasks.sandbox.execution import Execution, Limits
from tts_search.tasks.sandbox.inside import READY
from tts_search.tasks.sandbox.sandbox import Sandbox

LIMITS = Limits(seconds=3.0, memory=512 << 20, disk=16 << 20, output=64 << 10, processes=4)
ROUNDS = 100


def _plain() -> float:
    """Seconds of inside.py by itself."""
    report, theirs = os.pipe()
    words = (theirs, bubblewrap.NOBODY - 1, LIMITS.seconds, LIMITS.memory, LIMITS.disk, 100_000)
    start = time.perf_counter()
    subprocess.run(
        [*bubblewrap.interpreter(), str(bubblewrap.INSIDE), *map(str, words)],
        input=b"nonce\n",
        pass_fds=(theirs,),
        env={},
        check=True,
    )
    seconds = time.perf_counter() - start
    os.close(theirs)
    with open(report, "rb") as pipe:
        assert pipe.read() == READY + b"nonce"
    return seconds


def _sandboxed(bwrap: str, way: bubblewrap.Way) -> float:
    start = time.perf_counter()
    outcome = Execution(LIMITS, "").run(bwrap, way, bubblewrap.NOBODY - 1)
    assert outcome.passed, outcome
    return time.perf_counter() - start


def main() -> None:
    bwrap, way = Sandbox().found()
    times = [(_plain(), _sandboxed(bwrap, way)) for _ in range(ROUNDS + 5)][5:]
    plain, sandboxed = (median(column) for column in zip(*times, strict=True))
    added = median(inside - outside for outside, inside in times)
    rows = {
        "plain interpreter": f"{1e3 * plain:.1f} ms",
        "in the sandbox": f"{1e3 * sandboxed:.1f} ms: ratio {sandboxed / plain:.2f}",
        "added": f"{1e3 * added:.1f} ms (below 20)",
    }
    print(table(f"one empty program, median of {ROUNDS}, {bwrap}", rows))  # noqa: T201
