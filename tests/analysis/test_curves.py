import logging
from pathlib import Path

import pytest

from tts_search.analysis.curves import best_so_far, save_curve
from tts_search.archive import Point

POINTS = [
    Point(100, 0.5, True),
    Point(200, 0.9, False),
    Point(300, 0.45, True),
    Point(400, 0.65, True),
]


def test_only_what_fits_the_budget_counts() -> None:
    assert best_so_far(POINTS) == [(100, 0.5), (400, 0.65)]


@pytest.mark.parametrize("points", [POINTS, POINTS[:1], POINTS[1:2], []])
def test_a_curve_of_any_length(points: list[Point], tmp_path: Path) -> None:
    path = save_curve(points, "arithmetic", tmp_path / "anytime.png")
    assert path
    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_failure_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert save_curve(POINTS, "x", tmp_path / "missing" / "anytime.png") is None
    assert "could not be drawn" in caplog.text
