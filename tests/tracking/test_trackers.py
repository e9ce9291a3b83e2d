import io
import logging
from pathlib import Path

import pytest
from rich.console import Console

from tracking.examples import summary, trial
from tts_search.tracking.base import Harmless, Tracker, run_labels
from tts_search.tracking.console import ConsoleTracker
from tts_search.tracking.none import NoTracker

INFO = {"task": "arithmetic", "optimizer": "random", "seed": 1}


def play(tracker: Tracker) -> None:
    tracker.start(INFO)
    tracker.log_trial(trial(0, 0.5))
    tracker.log_trial(trial(1, 0.65, within_budget=False))
    tracker.finish(summary(), [Path("archive.jsonl")])


def test_none() -> None:
    play(NoTracker())


def test_console_prints_a_line_a_trial() -> None:
    out = io.StringIO()
    play(ConsoleTracker(Console(file=out, width=100)))
    head, first, second = out.getvalue().splitlines()
    assert "arithmetic · random · 1" in head
    assert " ".join(first.split()) == "0 50.0% ± 10.2 cost 4.5 5 wide 2 deep wider"
    assert "over budget" in second


class Broken:
    """Fails at every step, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def start(self, *_: object) -> None:
        self.asked += 1
        raise OSError("disk full")

    log_trial = finish = start


def test_a_broken_tracker_warns_once_and_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    broken = Broken()
    with caplog.at_level(logging.WARNING):
        play(Harmless(broken))
    assert broken.asked == 1
    assert [r.message for r in caplog.records] == [
        "Broken failed and is off for the rest of the run: disk full"
    ]


def test_labels() -> None:
    assert run_labels(INFO) == ()
    assert run_labels({"task": "math-sample", "simulated": True}) == ("simulated", "sample")
    assert run_labels({"task": "math", "data": "gsm8k-sample"}) == ("sample",)
