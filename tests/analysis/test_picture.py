import logging
from pathlib import Path

import pytest
from tracking.examples import random_graph, summary

from tts_search.analysis.picture import draw_pictures, save_pictures


def test_both_pictures_are_written(tmp_path: Path) -> None:
    files = save_pictures(summary(task="math-sample", simulated=True), tmp_path)
    assert [path.name for path in files] == ["best_graph.svg", "best_graph.png"]
    assert files[1].read_bytes().startswith(b"\x89PNG")
    svg = files[0].read_text()
    for text in ("SIMULATED", "SAMPLE", "67.0%", "7.63 of 8", "vote"):
        assert text in svg


def test_same_graph_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    for folder in (first, second):
        folder.mkdir()
        save_pictures(summary(), folder)
    assert (first / "best_graph.svg").read_bytes() == (second / "best_graph.svg").read_bytes()


def test_any_graph_and_any_title(tmp_path: Path) -> None:
    for seed in range(8):
        assert len(draw_pictures(random_graph(seed), "<a> & b", ["x < 1"], tmp_path)) == 2


def test_a_failure_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert save_pictures(summary(), tmp_path / "missing") == []
    assert "could not be drawn" in caplog.text
