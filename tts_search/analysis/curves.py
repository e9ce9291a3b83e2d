"""anytime.png: how good the search was after how many calls."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tts_search.archive import Point

if TYPE_CHECKING:
    from matplotlib.axes import Axes

log = logging.getLogger(__name__)

BLUE, GREY, INK = "#2b6cb0", "#9ca3af", "#1f2937"


def save_curve(points: Sequence[Point], title: str, path: Path) -> Path | None:
    """Every trial as a dot, the best so far within budget as a line, both on the search split,
    against the calls an empty cache would have had to send. None, with a warning, on failure."""
    try:
        return _draw(points, title, path)
    except Exception as error:
        log.warning("the curve %s could not be drawn: %s", path, error)
        return None


def best_so_far(points: Sequence[Point]) -> list[tuple[int, float]]:
    """(calls, score) wherever a trial within budget beats all before it."""
    steps: list[tuple[int, float]] = []
    for point in points:
        if point.within_budget and (not steps or point.score > steps[-1][1]):
            steps.append((point.calls, point.score))
    return steps


def _draw(points: Sequence[Point], title: str, path: Path) -> Path:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), dpi=160, layout="constrained")
    axes = figure.subplots()
    for inside, fill in ((True, GREY), (False, "none")):
        chosen = [p for p in points if p.within_budget is inside]
        if chosen:
            calls, scores = [p.calls for p in chosen], [100 * p.score for p in chosen]
            name = "trial" if inside else "trial over budget"
            axes.scatter(calls, scores, s=16, color=fill, edgecolors=GREY, label=name)
    steps = best_so_far(points)
    if steps:
        steps.append((points[-1].calls, steps[-1][1]))
        calls, scores = [c for c, _ in steps], [100 * s for _, s in steps]
        axes.step(calls, scores, where="post", color=BLUE, lw=2, label="best so far, as measured")
    _dress(axes, title)
    if points:
        figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    figure.savefig(path, metadata={"Software": None})
    return path


def _dress(axes: "Axes", title: str) -> None:
    axes.set_title(title, loc="left", color=INK, fontweight="bold", fontsize=11)
    axes.set_xlabel("calls of the search (reused ones included)", color=INK)
    axes.set_ylabel("score on the search questions, %", color=INK)
    axes.set_xlim(left=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e5e7eb", linewidth=0.8)
    axes.set_axisbelow(True)
