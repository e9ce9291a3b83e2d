"""What the intervals allow to say of the winner, in plain words.

Two 95% intervals may overlap although the scores differ at 95%, so the *difference* is judged, by
its own interval, made of the two (Newcombe 1998, method 10; Zou & Donner 2008). That takes the
scores as independent; on the same questions they mostly go together, so it errs on the side of
"not distinguishable".
"""

from dataclasses import dataclass
from math import hypot
from typing import Literal

from tts_search.core.result import Baseline, Summary, TestScore
from tts_search.core.statistics import Interval
from tts_search.tracking.words import points

Standing = Literal["better", "worse", "open", "same"]


@dataclass(frozen=True)
class Verdict:
    standing: Standing
    text: str


def difference(test: TestScore, other: Baseline) -> Interval:
    """95% interval of test minus other, from their own 95% intervals."""
    gap = test.score - other.score
    down = hypot(test.score - test.ci95.low, other.ci95.high - other.score)
    up = hypot(test.ci95.high - test.score, other.score - other.ci95.low)
    return Interval(gap - down, gap + up)


def verdicts(summary: Summary) -> tuple[Verdict, ...]:
    """One sentence a baseline."""
    return tuple(
        Verdict("same", f"the same graph as {other.name}")
        if other.key == summary.best_key
        else _verdict(summary.test, other)
        for other in summary.baselines
    )


def _verdict(test: TestScore, other: Baseline) -> Verdict:
    gap, interval = test.score - other.score, difference(test, other)
    figures = f"{_signed(gap)} points, 95% interval {_signed(interval.low)} to "
    figures += _signed(interval.high)
    if round(interval.low, 3) > 0:  # as printed: an interval shown from 0.0 settles nothing
        return Verdict("better", f"better than {other.name}: {figures}")
    if round(interval.high, 3) < 0:
        return Verdict("worse", f"worse than {other.name}: {figures}")
    return Verdict("open", f"not distinguishable from {other.name} at 95%: {figures}")


def _signed(share: float) -> str:
    text = points(abs(share))
    return text if text == "0.0" else f"{'+' if share > 0 else '−'}{text}"
