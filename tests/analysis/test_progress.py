import io
import logging

from rich.console import Console
from rich.logging import RichHandler

from tts_search.analysis.progress import RichProgress
from tts_search.tracking.progress import Progress, SilentProgress


def play(progress: Progress) -> None:
    progress.phase("profile", 20)
    progress.advance(20)
    progress.phase("search", 4000)
    progress.best(0.615, 0.034, "5 × assistant → vote")
    progress.advance(1200)
    progress.note("stopped early")
    progress.phase("test")
    progress.advance()
    progress.close()
    progress.close()


def test_off_a_terminal_one_plain_line_a_phase() -> None:
    out = io.StringIO()
    play(RichProgress(Console(file=out, width=100)))
    assert out.getvalue().splitlines() == ["profile  20 calls", "search  4.0k calls", "test"]


def test_on_a_terminal_bars_best_and_log_lines() -> None:
    out = io.StringIO()
    console = Console(file=out, width=100, force_terminal=True, _environ={"TERM": "xterm"})
    log = logging.Logger("run")
    log.addHandler(RichHandler(console=console, show_path=False))
    with RichProgress(console) as progress:
        progress.phase("search", 4000)
        log.warning("a call failed")
        play(progress)
    text = out.getvalue()
    for shown in ("a call failed", "61.5%", "± 3.4", "5 × assistant", "1.2k of 4.0k", "stopped"):
        assert shown in text, shown


def test_silence() -> None:
    play(SilentProgress())
