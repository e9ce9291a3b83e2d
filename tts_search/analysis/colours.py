"""Colours by name: the same role or model has the same colour wherever it is drawn."""

from collections.abc import Iterable, Sequence
from typing import TypeVar
from zlib import crc32

from tts_search.tracking.folding import Folded

T = TypeVar("T")

ROLES = ("cyan", "yellow", "blue", "magenta", "green")
"""Terminal colours, readable on dark and light grounds alike; red is kept for failures."""

MODELS = (
    ("#dbe9f6", "#2b6cb0"),
    ("#fde7d3", "#c05621"),
    ("#dff3e3", "#2f855a"),
    ("#f3e1f1", "#97266d"),
    ("#fdf3c7", "#b7791f"),
    ("#d9f2f0", "#2c7a7b"),
    ("#e8e4f8", "#553c9a"),
    ("#fbdede", "#c53030"),
)
"""(fill, border) of a model's nodes in pictures."""

NO_MODEL = ("#f4f4f5", "#52525b")
"""(fill, border) of a role that calls no model."""


def assign(names: Iterable[str], palette: Sequence[T]) -> dict[str, T]:
    """A colour for each name: by its hash, on a clash the next free one; repeats when none is."""
    chosen: dict[str, int] = {}
    for name in sorted(set(names)):
        start = crc32(name.encode()) % len(palette)
        order = [(start + i) % len(palette) for i in range(len(palette))]
        chosen[name] = next((i for i in order if i not in chosen.values()), start)
    return {name: palette[i] for name, i in chosen.items()}


def role_styles(folded: Folded) -> dict[str, str]:
    return assign((g.node.role for g in folded.groups), ROLES)
