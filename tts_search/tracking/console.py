"""tracker=console: one line a trial, above the progress bar."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import rich
from rich.console import Console
from rich.text import Text

from tts_search.core.result import Summary
from tts_search.core.trial import Trial
from tts_search.tracking.words import cost, maximised, points


class ConsoleTracker:
    """`console`: the shared one of rich by default, so that a live bar is not broken."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or rich.get_console()
        self.best = -1.0

    def start(self, run_info: Mapping[str, Any]) -> None:
        words = [str(run_info[k]) for k in ("task", "optimizer", "seed") if k in run_info]
        self.console.print(Text(" · ".join(words), "bold"))

    def log_trial(self, trial: Trial) -> None:
        better = trial.within_budget and trial.score > self.best
        if better:
            self.best = trial.score
        self.console.print(trial_line(trial, better), no_wrap=True, overflow="ellipsis")

    def finish(self, summary: Summary | None, files: Sequence[Path] = ()) -> None:
        pass


def trial_line(trial: Trial, better: bool = False) -> Text:
    """12  61.5% ± 3.4  cost 4.83  5 wide 2 deep  why"""
    graph, seen = trial.graph, trial.evaluation
    line = Text().append(f"{trial.number:>5}  ", "dim")
    figure = maximised(trial.score, priced=bool(seen.prices))
    line.append(f"{figure:>6}", "bold green" if better else "bold")
    line.append(f" ± {points(seen.standard_error):<4}", "dim")
    line.append("  cost ", "dim").append(f"{cost(seen.cost):<5}")
    line.append(f"  {graph.width} wide {graph.depth} deep")
    line.append("" if trial.within_budget else "  over budget", "red")
    line.append(f"  {seen.failures} failed" if seen.failures else "", "red")
    return line.append(f"  {trial.proposal.reason}", "dim")
