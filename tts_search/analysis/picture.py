"""best_graph.png and best_graph.svg: the winning graph as a picture to put into a paper or a slide.

Same graph, same title, same bytes of SVG: nothing random goes in.
"""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any

from tts_search.analysis.colours import MODELS, NO_MODEL, assign
from tts_search.core.graph import Graph
from tts_search.core.result import Summary
from tts_search.tracking.base import run_labels
from tts_search.tracking.folding import Folded, fold
from tts_search.tracking.words import cost, count, percent

log = logging.getLogger(__name__)

INK, MUTED = "#1f2937", "#6b7280"
FONT = "Helvetica"
SINK = "cluster_sink"


def save_pictures(summary: Summary, folder: Path, stem: str = "best_graph") -> list[Path]:
    """The winner with task, score and cost in the title; the files that could be written."""
    test, use = summary.test, summary.budget
    labels = [label.upper() for label in run_labels(vars(summary))]
    interval = f"95% interval {100 * test.ci95.low:.1f} to {percent(test.ci95.high)}"
    title = " · ".join([summary.task, *labels])
    subtitle = [
        f"{percent(test.score)} on {count(test.n)} held-out questions ({interval})",
        f"{cost(use.measured)} of {cost(use.limit)} {use.unit} per question ({use.metric})",
    ]
    return draw_pictures(summary.best, title, subtitle, folder, stem)


def draw_pictures(
    graph: Graph, title: str, subtitle: Sequence[str], folder: Path, stem: str = "best_graph"
) -> list[Path]:
    """Writes STEM.svg and STEM.png. A failure is a warning: no picture is worth a run."""
    written = []
    try:
        with _quiet_fonts():
            drawing = _lay_out(fold(graph), title, subtitle)
            for suffix in ("svg", "png"):
                path = folder / f"{stem}.{suffix}"
                drawing.draw(str(path))
                written.append(path)
    except Exception as error:
        log.warning("the picture %s could not be drawn: %s", folder / stem, error)
        log.info("no picture", exc_info=True)
    return written


@contextmanager
def _quiet_fonts() -> Iterator[None]:
    """Keeps the font library's remarks on the system's font set-up off the screen.

    It writes to file descriptor 2 itself, so nothing less will do; Python's errors are raised.
    """
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _lay_out(folded: Folded, title: str, subtitle: Sequence[str]) -> Any:
    import pygraphviz

    drawing = pygraphviz.AGraph(directed=True, strict=True)
    drawing.graph_attr.update(
        compound="true",
        rankdir="LR",
        bgcolor="white",
        dpi="160",
        pad="0.35",
        nodesep="0.28",
        ranksep="0.75",
        labelloc="t",
        label=_heading(title, subtitle),
        fontname=FONT,
    )
    drawing.node_attr.update(
        shape="box", style="rounded,filled", fontname=FONT, margin="0.22,0.13", penwidth="1.4"
    )
    drawing.edge_attr.update(color=MUTED, arrowsize="0.75", penwidth="1.2")
    colours = assign((g.node.model for g in folded.groups if g.node.model), MODELS)
    for v, group in enumerate(folded.groups):
        fill, border = colours[group.node.model] if group.node.model else NO_MODEL
        drawing.add_node(
            v,
            label=_label(folded, v),
            fillcolor=fill,
            color=border,
        )
    for v, parents in enumerate(folded.parents):
        for p in parents:
            ends = {"lhead": SINK} if v == folded.sink else {}
            drawing.add_edge(p, v, **ends)
    _frame_sink(drawing, folded.sink)
    drawing.layout(prog="dot")
    return drawing


def _frame_sink(drawing: Any, sink: int) -> None:
    """A second line around the sink. As a cluster, because edges run into a second periphery."""
    border = drawing.get_node(sink).attr["color"]
    look = {"style": "rounded", "color": border, "penwidth": "1.4", "margin": "4", "label": ""}
    drawing.add_subgraph([sink], name=SINK, **look)


def _heading(title: str, subtitle: Sequence[str]) -> str:
    lines = '<BR/><FONT POINT-SIZE="5"> </FONT>' + "".join(
        f'<BR/><FONT POINT-SIZE="12" COLOR="{MUTED}">{escape(line)}</FONT>' for line in subtitle
    )
    return f'<<FONT POINT-SIZE="18" COLOR="{INK}"><B>{escape(title)}</B></FONT>{lines}<BR/> >'


def _label(folded: Folded, v: int) -> str:
    """Role in bold, the model below it."""
    group = folded.groups[v]
    role = f'<FONT POINT-SIZE="14" COLOR="{INK}"><B>{escape(group.title)}</B></FONT>'
    if not group.node.model:
        return f"<{role}>"
    model = f'<FONT POINT-SIZE="11" COLOR="{MUTED}">{escape(group.node.model)}</FONT>'
    return f"<{role}<BR/>{model}>"
