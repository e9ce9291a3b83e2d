import logging
from pathlib import Path

import pytest
from tracking.examples import trial

from tts_search.analysis.curves import best_so_far, save_curve

TRIALS = [trial(0, 0.5), trial(1, 0.9, within_budget=False), trial(2, 0.45), trial(3, 0.65)]


def test_only_what_fits_the_budget_counts() -> None:
    assert best_so_far(TRIALS) == [(100, 0.5), (400, 0.65)]


@pytest.mark.parametrize("trials", [TRIALS, TRIALS[:1], TRIALS[1:2], []])
def test_a_curve_of_any_length(trials: list[object], tmp_path: Path) -> None:
    path = save_curve(trials, "arithmetic", tmp_path / "anytime.png")  # type: ignore[arg-type]
    assert path
    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_failure_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert save_curve(TRIALS, "x", tmp_path / "missing" / "anytime.png") is None
    assert "could not be drawn" in caplog.text
