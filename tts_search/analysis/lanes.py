"""Any graph as text, one line a group, answers running down in lanes (as `git log --graph`).

    ●      0-2  3 × assistant · few-shot
    │ ●    3    assistant · zero-shot
    ├─●    4    refiner · few-shot    reads 0-3
    ◉─╯    5    vote                  reads 0-2,4

A lane carries an answer from its node down to the last node that reads it. A lane that a
horizontal line merely crosses stays unbroken (│), a lane that is read there joins it (├ ┼ ┴ ╯).
"""

from rich.cells import cell_len
from rich.text import Text

from tts_search.analysis.colours import role_styles
from tts_search.tracking.folding import Folded

NODE, SINK = "●", "◉"


def draw_lanes(folded: Folded, width: int = 100) -> Text:
    """One line a group, never wider than `width`."""
    rows, lanes = _rows(folded)
    styles = role_styles(folded)
    numbers = max(len(g.numbers) for g in folded.groups)
    names = max(cell_len(_label(folded, v)) for v in range(len(folded.groups)))
    lines = []
    for v, row in enumerate(rows):
        style = styles[folded.groups[v].node.role]
        line = Text(no_wrap=True)
        for char in "".join(row).ljust(2 * lanes):
            line.append(char, f"bold {style}" if char in (NODE, SINK) else "dim")
        line.append(f"  {folded.groups[v].numbers:<{numbers}}  ", "dim")
        line.append_text(label(folded, v, style))
        if folded.parents[v]:
            line.append(" " * (names - cell_len(_label(folded, v))))
            line.append(f"  reads {folded.reads(v)}", "dim")
        line.truncate(width, overflow="ellipsis")
        lines.append(line)
    return Text("\n", no_wrap=True).join(lines)


def label(folded: Folded, v: int, style: str) -> Text:
    """Role in its colour, then the model; the sink is underlined."""
    group = folded.groups[v]
    text = Text().append(group.title, f"bold {'underline ' * (v == folded.sink)}{style}")
    return text.append(f" · {group.node.model}") if group.node.model else text


def _label(folded: Folded, v: int) -> str:
    return label(folded, v, "default").plain


def _rows(folded: Folded) -> tuple[list[list[str]], int]:
    """Characters of every line, two for a lane, and the number of lanes."""
    lanes: list[int | None] = []
    rows = []
    for v, parents in enumerate(folded.parents):
        ending = [x for x, u in enumerate(lanes) if u in parents and folded.last_reader[u] == v]
        free = [x for x, u in enumerate(lanes) if u is None]
        place = (ending or free or [len(lanes)])[0]
        if place == len(lanes):
            lanes.append(None)
        rows.append(_row(lanes, set(parents), set(ending), place, v == folded.sink))
        for x in ending:
            lanes[x] = None
        lanes[place] = v
    return rows, len(lanes)


def _row(
    lanes: list[int | None], parents: set[int], ending: set[int], place: int, sink: bool
) -> list[str]:
    touched = [x for x, u in enumerate(lanes) if u in parents] + [place]
    low, high = min(touched), max(touched)
    cells = []
    for x, u in enumerate(lanes):
        if x == place:
            char = SINK if sink else NODE
        elif u is None:
            char = "─" if low < x < high else " "
        elif u in parents:
            char = _joint(x, low, high, x in ending)
        else:
            char = "│"
        cells.append(char + ("─" if low <= x < high else " "))
    return cells


def _joint(x: int, low: int, high: int, ends: bool) -> str:
    if x == low:
        return "╰" if ends else "├"
    if x == high:
        return "╯" if ends else "┤"
    return "┴" if ends else "┼"
