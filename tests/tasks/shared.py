"""Rows of the real data sets, where there are any beside the checkout."""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("TTS_SEARCH_DATA", Path(__file__).parents[3] / "shared" / "data"))


def place(task: str) -> Path:
    return SHARED / task


def needs(task: str) -> pytest.MarkDecorator:
    """Skips, saying so, where the task's rows are not to be had."""
    return pytest.mark.skipif(
        not place(task).is_dir(),
        reason=f"no rows at {place(task)}; set TTS_SEARCH_DATA to a folder holding {task}/",
    )
