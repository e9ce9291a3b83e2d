"""A graph as boxes from left to right, one column a level, where lines need not cross.

╭─────────────────╮     ╔══════╗
│ 5 × assistant   │  ╭─▶║ vote ║
│ few-shot        │──╯  ╚══════╝
╰─────────────────╯
"""

from collections.abc import Sequence
from itertools import groupby, pairwise

from rich.cells import cell_len
from rich.text import Text

from tts_search.analysis.colours import role_styles
from tts_search.tracking.folding import Folded

GUTTER = 6
JOINTS = " ───│╭╮┬│╰╯┴│├┤┼"
"""By 8 * up + 4 * down + 2 * left + right."""

Bundle = tuple[tuple[int, ...], list[int]]


def draw_boxes(folded: Folded, width: int = 100, height: int = 15) -> Text | None:
    """None if it does not fit, or if lines would have to cross or skip a level."""
    columns = _columns(folded)
    texts = [s for v in range(len(folded.groups)) for s in _lines(folded, v)]
    if columns is None or any(cell_len(s) != len(s) for s in texts):
        return None
    canvas = _Canvas(folded, columns)
    fits = canvas.width <= width and canvas.height <= height
    return canvas.text() if fits and canvas.paint() else None


def _columns(folded: Folded) -> list[list[int]] | None:
    """Groups by level, ordered so that no line crosses another; None if there is no such order."""
    columns: list[list[int]] = [[] for _ in range(1 + max(folded.levels))]
    for v, level in enumerate(folded.levels):
        columns[level].append(v)
    for i in range(len(columns) - 1, 0, -1):
        sources = [p for bundle in _bundles(folded, columns[i]) for p in bundle[0]]
        if sorted(sources) != columns[i - 1]:
            return None
        columns[i - 1] = sources
    return columns


def _bundles(folded: Folded, column: Sequence[int]) -> list[Bundle]:
    """(sources, their readers): neighbours that read the same groups share one bundle of lines."""
    return [(up, list(vs)) for up, vs in groupby(column, key=lambda v: folded.parents[v])]


def _lines(folded: Folded, v: int) -> list[str]:
    group = folded.groups[v]
    return [group.title, group.node.model] if group.node.model else [group.title]


class _Canvas:
    """Characters with styles; `paint` fills it, `text` reads it."""

    def __init__(self, folded: Folded, columns: Sequence[Sequence[int]]) -> None:
        self.folded, self.columns = folded, columns
        self.lines = [_lines(folded, v) for v in range(len(folded.groups))]
        self.styles = role_styles(folded)
        self.widths = [4 + max(len(s) for v in c for s in self.lines[v]) for c in columns]
        self.width = sum(self.widths) + GUTTER * (len(columns) - 1)
        self.height = max(map(self._tall, columns))
        self.cells = [[(" ", "")] * self.width for _ in range(self.height)]
        self.middle: dict[int, int] = {}

    def paint(self) -> bool:
        """False if two bundles of lines would run over each other."""
        left = 0
        for width, column in zip(self.widths, self.columns, strict=True):
            self._stack(column, left, width)
            spans = [self._connect(b, left - GUTTER) for b in _bundles(self.folded, column) if left]
            if any(below[0] <= above[1] for above, below in pairwise(spans)):
                return False
            left += width + GUTTER
        return True

    def text(self) -> Text:
        lines = [Text.assemble(*row, no_wrap=True) for row in self.cells]
        for line in lines:
            line.rstrip()
        return Text("\n", no_wrap=True).join(lines)

    def _tall(self, column: Sequence[int]) -> int:
        return sum(2 + len(self.lines[v]) for v in column)

    def _stack(self, column: Sequence[int], left: int, width: int) -> None:
        """Boxes of one column below each other, the column centred."""
        top = (self.height - self._tall(column)) // 2
        for v in column:
            self._box(v, left, top, width)
            self.middle[v] = top + 1 + (len(self.lines[v]) - 1) // 2
            top += len(self.lines[v]) + 2

    def _box(self, v: int, left: int, top: int, width: int) -> None:
        style, lines = self.styles[self.folded.groups[v].node.role], self.lines[v]
        frame = "╔═╗║╚╝" if v == self.folded.sink else "╭─╮│╰╯"
        self._put(left, top, frame[0] + frame[1] * (width - 2) + frame[2], style)
        for y, line in enumerate(lines, start=top + 1):
            self._put(left, y, frame[3] + " " * (width - 2) + frame[3], style)
            self._put(left + 2, y, line, f"bold {style}" if y == top + 1 else "default")
        bottom = frame[4] + frame[1] * (width - 2) + frame[5]
        self._put(left, top + 1 + len(lines), bottom, style)

    def _connect(self, bundle: Bundle, left: int) -> tuple[int, int]:
        """One upright line in the gutter, fed by all sources, with an arrow to each reader; its
        first and last row."""
        sources, readers = ({self.middle[v] for v in side} for side in bundle)
        low, high = min(sources | readers), max(sources | readers)
        for y in range(low, high + 1):
            shape = 8 * (y > low) + 4 * (y < high) + 2 * (y in sources) + (y in readers)
            self._put(left + 2, y, JOINTS[shape], "dim")
        for y in sources:
            self._put(left, y, "──", "dim")
        for y in readers:
            self._put(left + 3, y, "──▶", "dim")
        return low, high

    def _put(self, x: int, y: int, text: str, style: str) -> None:
        for i, char in enumerate(text, start=x):
            self.cells[y][i] = (char, style)
