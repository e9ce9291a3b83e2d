import pytest

from tts_search.tracking import words


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (12, "12"), (999, "999"), (1234, "1.2k"), (999_950, "1.0M"), (123_456, "123k")],
)
def test_count(value: float, text: str) -> None:
    assert words.count(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "$0"), (0.0012, "$0.0012"), (0.01234, "$0.012"), (0.5, "$0.50"), (1.234, "$1.23"),
     (1234.5, "$1,234"), (1.2e-7, "$0.00000012")],
)  # fmt: skip
def test_dollars(value: float, text: str) -> None:
    assert words.dollars(value) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(5.1e10, "FLOPs", "5.1e10 FLOPs"), (0.0012, "USD", "$0.0012"), (320, "tokens", "320 tokens"),
     (0.41, "s", "0.41 s"), (2e-5, "s", "2.0e-05 s"), (0, "s", "0 s")],
)  # fmt: skip
def test_quantity(value: float, unit: str, text: str) -> None:
    assert words.quantity(value, unit) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.43, "0.4 s"), (42, "42 s"), (125, "2 min 05 s"), (7260, "2 h 01 min")]
)
def test_duration(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


def test_ranges() -> None:
    assert words.ranges([0, 1, 2, 5, 7, 8]) == "0-2,5,7-8"
    assert words.ranges([]) == ""


def test_a_utility_is_no_share() -> None:
    assert words.maximised(0.6151, priced=False) == "61.5%"
    assert words.maximised(0.6151, priced=True) == "0.615"
    assert words.maximised(-0.02, priced=True) == "-0.020"
