"""Step functions of what would be recommended, and their mean."""

import numpy as np
import pytest

from tts_search.analysis.anytime import at, curve, save_curves


def test_a_recommendation_holds_from_its_call_until_the_next():
    values = at([(10, 0.3), (30, 0.2), (31, 0.9)], np.array([0.0, 9, 10, 29, 30, 31, 99]))
    assert values == pytest.approx([np.nan, np.nan, 0.3, 0.3, 0.2, 0.9, 0.9], nan_ok=True)


def test_a_mean_waits_for_the_last_run_and_states_its_error():
    found = curve([[(0, 1.0)], [(5, 3.0)]], np.array([0.0, 5.0]))
    assert found.mean == pytest.approx([np.nan, 2.0], nan_ok=True)
    assert found.error[1] == pytest.approx(1.0)  # standard deviation sqrt 2 of two


def test_one_run_has_no_error_to_show():
    assert curve([[(0, 1.0)]], np.array([1.0])).error == pytest.approx([0.0])


def test_pictures_are_drawn(tmp_path):
    line = curve([[(0, 1.0)], [(0, 2.0)]], np.linspace(0, 9, 5))
    panels = {f"world {i}": {"random": line, "other": line} for i in range(5)}
    path = save_curves(panels, 3, "%", tmp_path / "c.png")
    assert path.read_bytes().startswith(b"\x89PNG")
    again = save_curves(panels, 3, "%", tmp_path / "d.png")
    assert again.read_bytes() == path.read_bytes()
