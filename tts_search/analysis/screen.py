"""The final screen: what won, how sure that is, what it costs, what the search has cost."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.align import Align
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tts_search.analysis.account import render_account
from tts_search.analysis.drawing import draw
from tts_search.analysis.front import draw_objective
from tts_search.analysis.intervals import Axis
from tts_search.analysis.verdict import Standing, verdicts
from tts_search.core.result import BudgetUse, Summary
from tts_search.core.statistics import Interval
from tts_search.tracking.base import run_labels
from tts_search.tracking.words import cost, count, percent, quantity

WIDTH = 100
WINNER = "search winner"
MARKS: dict[Standing, tuple[str, str]] = {
    "better": ("▲", "green"),
    "worse": ("▼", "red"),
    "open": ("≈", "yellow"),
    "same": ("=", "yellow"),
}
BANNERS = {
    "simulated": "SIMULATED  no model answered: these figures say nothing about real models",
    "sample": "SAMPLE  a small sample of the data set: not comparable with published scores",
}


def render_summary(
    summary: Summary, folder: Path | None = None, files: Sequence[Path] = ()
) -> RenderableType:
    """The screen, as wide as the console but at most 100 columns; `folder` and `files` say
    where the results are."""
    return _Screen(summary, folder, tuple(files))


@dataclass(frozen=True)
class _Screen:
    summary: Summary
    folder: Path | None
    files: tuple[Path, ...]

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        summary, width = self.summary, min(WIDTH, options.max_width)
        parts: list[RenderableType] = [*_banners(summary), *_winner(summary, width - 8)]
        if summary.objective:
            parts += [Text(), *draw_objective(summary.objective)]
        parts += [_scores(summary, max(12, width - 64)), _verdicts(summary), Text()]
        yield Panel(
            Group(*parts, render_account(summary, self.folder, self.files)),
            title=_title(summary, width),
            box=box.ROUNDED,
            border_style="dim",
            padding=(1, 2),
            width=width,
        )


def _title(summary: Summary, width: int) -> Text:
    agent = f" ({summary.agent})" if summary.agent else ""
    engine = re.sub(r":[0-9a-f]{8,}$", "", summary.engine)  # without the hash of its settings
    words = [f"{summary.optimizer}{agent}", engine, f"seed {summary.seed}"]
    title = Text().append(f" {summary.task} ", "bold default").append(f"· {' · '.join(words)} ")
    title.truncate(width - 8, overflow="ellipsis")
    return title


def _banners(summary: Summary) -> list[RenderableType]:
    labels = run_labels(vars(summary))
    width = max((len(BANNERS[label]) for label in labels), default=0)
    lines = [Text(f" {BANNERS[label]:<{width}} ", "bold black on yellow") for label in labels]
    return [*map(Align.center, lines), Text()] if lines else []


def _winner(summary: Summary, width: int) -> list[RenderableType]:
    graph = Align.center(draw(summary.best, width, height=12))
    test = summary.test
    score = Text().append(percent(test.score), "bold green").append(" held-out score", "bold")
    score.append(f"   95% interval {_range(test.ci95)}   n = {count(test.n)} questions")
    if test.failures:
        score.append(f"   {test.failures} failed, scored 0", "red")
    return [graph, Text(), score, _cost_line(summary.budget), _unit_line(summary)]


def _cost_line(use: BudgetUse, width: int = 24) -> Text:
    """━━━━━━━──── 4.83 of 6 x cheapest call per question, measured"""
    share = use.measured / use.limit
    filled = round(min(share, 1.0) * width)
    over = share > 1 + 1e-9
    colour = "red" if over else "cyan"
    line = Text().append("━" * filled, colour).append("─" * (width - filled), "dim")
    line.append(f"  {cost(use.measured)}", f"bold {colour}")
    line.append(f" of {cost(use.limit)} {use.unit} per question, measured")
    return line.append("  over the limit", "bold red") if over else line


def _unit_line(summary: Summary) -> Text:
    """The estimate, and what a unit is unless it is a physical one already."""
    use = summary.budget
    text = Text(f"estimated {cost(use.estimated)} · {use.metric} budget", "dim")
    if use.unit == use.native_unit:
        return text
    only = summary.budget.cheapest or "the cheapest model"
    amount = quantity(use.unit_value, use.native_unit)
    return text.append(f" · 1 unit = one call of {only} = {amount}")


def _scores(summary: Summary, axis_width: int) -> RenderableType:
    rows = [(WINNER, summary.test.score, summary.test.ci95, summary.test.cost)]
    rows += [(b.name, b.score, b.ci95, b.cost) for b in summary.baselines]
    axis = Axis.around([interval for _, _, interval, _ in rows], min(axis_width, 34))
    table = Table(
        box=box.SIMPLE_HEAD, padding=(0, 1), expand=True, header_style="dim", border_style="dim"
    )
    table.add_column("held-out", min_width=18, max_width=26, overflow="fold")
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column(axis.header(), no_wrap=True)
    table.add_column("95% interval", no_wrap=True)
    table.add_column("cost", justify="right", no_wrap=True)
    for i, (name, score, interval, price) in enumerate(rows):
        style = "green" if i == 0 else "default"
        table.add_row(
            Text(name, f"bold {style}" if i == 0 else style),
            Text(percent(score), f"bold {style}"),
            axis.bar(score, interval, style),
            Text(_range(interval), style),
            Text(cost(price), style),
        )
    return table


def _range(interval: Interval) -> str:
    return f"{100 * interval.low:.1f} – {percent(interval.high)}"


def _verdicts(summary: Summary) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    for verdict in verdicts(summary):
        mark, style = MARKS[verdict.standing]
        table.add_row(Text(f" {mark}", f"bold {style}"), Text(verdict.text))
    if not summary.baselines:
        table.add_row("", Text("no baseline was scored: the score stands alone", "yellow"))
    return table
