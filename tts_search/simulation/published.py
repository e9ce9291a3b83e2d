"""Accuracies that the shipped worlds are fitted to.

Percent, by task and by the models of a graph ("2x3b 3x1b": two of 3B and three of 1B). Figures of
the authors' release of arXiv 2511.00086: single models, and means over random graphs of exactly
these models, whose counts cost about as much as one 8B model.
"""

from collections.abc import Mapping

PUBLISHED: Mapping[str, Mapping[str, float]] = {
    "math": {
        "1b": 31, "3b": 40, "8b": 49, "70b": 68,
        "9x1b": 39, "1x3b 6x1b": 44, "2x3b 3x1b": 45, "3x3b": 54,
    },
    "mmlu": {
        "1b": 31, "3b": 43, "8b": 64, "70b": 84,
        "9x1b": 30, "1x3b 6x1b": 39, "2x3b 3x1b": 45, "3x3b": 41,
    },
    "humaneval": {
        "1b": 31, "3b": 48, "8b": 60, "70b": 68,
        "7x1b": 38, "1x3b 3x1b": 48,
    },
}  # fmt: skip


def sizes(mix: str) -> list[str]:
    """One size for each node: "2x3b 1x1b" is 3b, 3b, 1b."""
    parts = [part.rpartition("x") for part in mix.split()]
    return [size for count, _, size in parts for _ in range(int(count or 1))]
