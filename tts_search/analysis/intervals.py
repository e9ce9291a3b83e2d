"""Scores with their intervals drawn on one axis: ├──●──┤."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from tts_search.core.statistics import Interval


@dataclass(frozen=True)
class Axis:
    """Scores from `low` to `high`, multiples of 5%, on `width` columns."""

    low: float
    high: float
    width: int = 34

    @classmethod
    def around(cls, intervals: Sequence[Interval], width: int = 34) -> "Axis":
        low = math.floor(min(i.low for i in intervals) * 20 + 1e-9) / 20
        high = math.ceil(max(i.high for i in intervals) * 20 - 1e-9) / 20
        return cls(low, max(high, low + 0.05), width)

    def place(self, score: float) -> int:
        share = (score - self.low) / (self.high - self.low)
        return round(min(max(share, 0.0), 1.0) * (self.width - 1))

    def header(self) -> Text:
        """40% ─────────── 70%"""
        left, right = f"{100 * self.low:.0f}%", f"{100 * self.high:.0f}%"
        middle = " " + "─" * (self.width - len(left) - len(right) - 2) + " "
        return Text(left + middle + right, "dim")

    def bar(self, score: float, interval: Interval, style: str) -> Text:
        cells = [" "] * self.width
        low, high = self.place(interval.low), self.place(interval.high)
        cells[low : high + 1] = "─" * (high - low + 1)
        cells[low], cells[high] = "├", "┤"
        cells[self.place(score)] = "●"
        return Text("".join(cells), style, no_wrap=True)
