"""Anytime curves: how good the graph is that a method would recommend after so many calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tts_search.core.statistics import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Steps = Sequence[tuple[int, float]]


@dataclass(frozen=True, eq=False)
class Curve:
    """mean and error (standard, of the mean) at every number of calls; arrays (n,).

    nan as long as one of the runs has nothing to recommend.
    """

    calls: Floats
    mean: Floats
    error: Floats


def curve(runs: Sequence[Steps], calls: Floats) -> Curve:
    """Mean over runs, each a step function (calls, value from then on)."""
    values = np.array([at(steps, calls) for steps in runs])
    error = values.std(axis=0, ddof=1) / len(runs) ** 0.5 if len(runs) > 1 else 0 * values[0]
    return Curve(calls, values.mean(axis=0), error)


def at(steps: Steps, calls: Floats) -> Floats:
    """Value of a step function; nan before its first step."""
    starts = np.array([c for c, _ in steps], dtype=float)
    values = np.array([np.nan, *(value for _, value in steps)])
    return np.asarray(values[np.searchsorted(starts, calls, side="right")])


def save_curves(
    panels: Mapping[str, Mapping[str, Curve]], columns: int, ylabel: str, path: Path
) -> Path:
    """A panel for each title, a line for each method with a band of 1.96 standard errors."""
    from matplotlib.figure import Figure

    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    size = (max(7.0, 3.6 * columns), 0.6 + 2.9 * rows if rows > 1 else 4.2)
    figure = Figure(figsize=size, dpi=130, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    for axes, (title, lines) in zip(grid.flat, panels.items(), strict=False):
        _panel(axes, title, lines)
    figure.supylabel(ylabel, fontsize=10)
    figure.supxlabel("model calls of the search", fontsize=10)
    handles, names = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=4, frameon=False, fontsize=9)
    figure.savefig(path, metadata={"Software": None})
    return path


def _panel(axes: "Axes", title: str, lines: Mapping[str, Curve]) -> None:
    for number, (name, line) in enumerate(lines.items()):
        style = "-" if number < 10 else "--"
        colour = f"C{number % 10}"
        axes.plot(line.calls, line.mean, style, color=colour, lw=1.6, label=name)
        half = 1.96 * line.error
        axes.fill_between(line.calls, line.mean - half, line.mean + half, color=colour, alpha=0.12)
    axes.set_title(title, loc="left", fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e5e7eb", linewidth=0.8)
    axes.tick_params(labelsize=8)
