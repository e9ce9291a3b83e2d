"""A graph as text for the terminal: boxes from left to right, or lanes where lines would cross."""

from rich.text import Text

from tts_search.analysis.boxes import draw_boxes
from tts_search.analysis.lanes import draw_lanes
from tts_search.core.graph import Graph
from tts_search.tracking.folding import fold


def draw(graph: Graph, width: int = 100, height: int = 15) -> Text:
    """The graph within `width` columns, replicates folded, colours by role, the sink framed twice.

    Boxes where they fit `height` lines and no two lines would cross; otherwise lanes, which
    can draw any graph, one line a group of replicates.
    """
    folded = fold(graph)
    return draw_boxes(folded, width, height) or draw_lanes(folded, width)
