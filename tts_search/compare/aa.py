"""A/A: a method against itself, by the very test of the tables. It must seldom see a difference."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tts_search.compare.outcome import Outcome
from tts_search.core.ranks import sign_flip
from tts_search.core.statistics import Interval, wilson

LEVEL = 0.05
LEAST = 6  # blocks: two-sided, the smallest p of n differences is 2 / 2^n


@dataclass(frozen=True)
class AA:
    """called: comparisons with p <= LEVEL."""

    method: str
    comparisons: int
    called: int

    @property
    def interval(self) -> Interval:
        """95%, of the share called different."""
        return wilson(self.called, self.comparisons)

    def __str__(self) -> str:
        low, high = self.interval
        return (
            f"SIMULATED A/A, {self.method}: called different in {self.called} of "
            f"{self.comparisons} comparisons, {100 * self.called / self.comparisons:.1f}% "
            f"[{100 * low:.1f}, {100 * high:.1f}]; promised: at most {100 * LEVEL:g}%"
        )


def aa(method: str, outcomes: Iterable[Outcome], comparisons: int) -> AA:
    """Of twins: two courses of the method in every block. Each comparison has blocks of its own:
    those whose seed is the same modulo `comparisons`."""
    gaps: list[dict[tuple[str, float, int], list[tuple[int, float]]]]
    gaps = [{} for _ in range(comparisons)]
    for one in outcomes:
        if one.job.method == method:
            block = (one.job.world, one.job.budget, one.job.seed)
            twins = gaps[one.job.seed % comparisons].setdefault(block, [])
            twins.append((one.job.twin, one.worth))
    called = sum(sign_flip(_differences(found.values())) <= LEVEL for found in gaps)
    return AA(method, comparisons, called)


def _differences(blocks: Iterable[Sequence[tuple[int, float]]]) -> list[float]:
    found = []
    for twins in blocks:
        (_, first), (_, second) = sorted(twins)
        found.append(first - second)
    return found
