"""The objective on the final screen, where it is more than the score."""

from collections.abc import Iterator

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from tts_search.core.result import ObjectiveUse
from tts_search.tracking.folding import one_line
from tts_search.tracking.words import cost, percent

GRAPH = 60


def draw_objective(use: ObjectiveUse) -> Iterator[RenderableType]:
    """What was searched for, the price of the winner, the front if there is one."""
    line = Text(f"{use.metric} {cost(use.test_price)} {use.unit}", "bold")
    line.append(f"   searched for: {use.searched_as}", "dim")
    yield line
    if use.front:
        yield _front(use)


def _front(use: ObjectiveUse) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), header_style="dim", border_style="dim")
    table.add_column("front, validation", no_wrap=True, justify="right")
    table.add_column(use.metric, justify="right", no_wrap=True)
    table.add_column("of budget", justify="right", no_wrap=True)
    table.add_column("graph", overflow="fold")
    for i, point in enumerate(use.front):
        style = "green" if i == 0 else "default"
        score = point.validation_score
        shown = "not asked" if score is None else percent(score)
        cells = (shown, cost(point.price), cost(point.cost), one_line(point.graph, GRAPH))
        table.add_row(*(Text(cell, style) for cell in cells))
    if use.hypervolume is not None and use.reference is not None:
        table.caption = (
            f"hypervolume {use.hypervolume:.3f} of the trials' front, from score 0 and "
            f"{use.metric} {cost(use.reference)}"
        )
    return table
