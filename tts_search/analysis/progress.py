"""The live display of a run: finished phases, the bar of the current one, the best so far."""

import logging
from types import TracebackType

import rich
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import (
    BarColumn,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as Bars
from rich.text import Text

from tts_search.tracking.words import count, percent, points

log = logging.getLogger(__name__)


class RichProgress:
    """`tts_search.tracking.progress.Progress` on a console.

    On a terminal a live display; anywhere else (CI, a file) one plain line a phase. Use rich's
    shared console, the default, so that log lines of its handler go above the bar.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or rich.get_console()
        self.bars = _bars(self.console)
        self.live: Live | None = None
        self.current: TaskID | None = None
        self.headline = Text()

    def phase(self, name: str, total: int | None = None, unit: str = "calls") -> None:
        log.info("phase %s, %s", name, f"{total} {unit}" if total else "no fixed size")
        if not self.console.is_terminal or self.console.is_dumb_terminal:
            size = f"  {count(total)} {unit}" if total else ""
            self.console.print(f"{name}{size}", markup=False, highlight=False)
            return
        self._end_phase()
        self.current = self.bars.add_task(name, total=total, unit=unit)
        if self.live is None:
            self.live = Live(
                get_renderable=self._display, console=self.console, refresh_per_second=5
            )
            self.live.start()

    def advance(self, n: int = 1) -> None:
        if self.current is not None:
            self.bars.advance(self.current, n)

    def best(self, score: float, se: float, graph_text: str) -> None:
        self.headline = Text().append("  best so far  ", "dim")
        self.headline.append(percent(score), "bold green")
        self.headline.append(f" ± {points(se)}" if se else "", "dim")
        self.headline.append(f"   {graph_text}")
        self.headline.no_wrap, self.headline.overflow = True, "ellipsis"

    def note(self, text: str) -> None:
        log.info("%s", text)
        if self.live is not None:
            self.live.console.print(f"  {text}", style="dim", markup=False, highlight=False)

    def close(self) -> None:
        """Ends the display; the last state stays on the screen. Harmless twice."""
        self._end_phase()
        if self.live is not None:
            self.live.stop()
            self.live = None

    def __enter__(self) -> "RichProgress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _end_phase(self) -> None:
        """Freezes the bar of the phase, full if its size was unknown."""
        if self.current is None:
            return
        task = self.bars.tasks[self.current]
        if task.total is None:
            done = task.completed
            unit = task.fields["unit"] if done else ""
            self.bars.update(self.current, total=done or 1, completed=done or 1, unit=unit)
        self.bars.stop_task(self.current)
        self.current = None

    def _display(self) -> RenderableType:
        return Group(self.bars.get_renderable(), self.headline)


def _bars(console: Console) -> Bars:
    return Bars(
        _MarkColumn("dots", style="cyan"),
        TextColumn("{task.description}", style="bold"),
        BarColumn(bar_width=32, complete_style="cyan", finished_style="green"),
        _DoneColumn(),
        _SpeedColumn(),
        TimeElapsedColumn(),
        console=console,
        auto_refresh=False,
        expand=False,
    )


class _MarkColumn(SpinnerColumn):
    """A tick for a phase that has ended, even if its limit was not reached."""

    def render(self, task: Task) -> RenderableType:
        return super().render(task) if task.stop_time is None else Text("✓", "green")


class _DoneColumn(ProgressColumn):
    """1.2k of 4.0k calls; nothing where nothing was counted."""

    def render(self, task: Task) -> Text:
        if not task.fields["unit"] or (task.total is None and not task.completed):
            return Text()
        done = count(task.completed)
        goal = f" of {count(task.total)}" if task.total is not None else ""
        return Text(f"{done}{goal} {task.fields['unit']}", justify="right")


class _SpeedColumn(ProgressColumn):
    """12.3/s: over the last seconds, over the whole phase once it has ended."""

    def render(self, task: Task) -> Text:
        speed = task.speed
        if task.stop_time is not None and task.elapsed:
            speed = task.completed / task.elapsed if task.fields["unit"] else None
        return Text(f"{speed:.1f}/s" if speed else "", "dim", justify="right")
