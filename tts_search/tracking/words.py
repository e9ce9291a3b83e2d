"""Figures as people read them: 1.2k calls, $0.0012, 61.5%, 2 min 05 s."""

import math

_STEPS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def count(value: float) -> str:
    """12, 999, 1.2k, 34.5k, 1.2M."""
    for size, letter in _STEPS:
        if value >= size * 0.9995:
            scaled = value / size
            return f"{scaled:.0f}{letter}" if scaled >= 99.95 else f"{scaled:.1f}{letter}"
    return f"{value:.0f}"


def percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def maximised(value: float, priced: bool) -> str:
    """61.5%, or, where a price is taken off the score, the utility 0.615: no share of anything."""
    return f"{value:.3f}" if priced else percent(value)


def points(share: float) -> str:
    """A difference or a standard error of scores: 3.4 (percentage points, no sign of percent)."""
    return f"{100 * share:.1f}"


def dollars(value: float) -> str:
    """$0, $0.0012, $1.23, $1,234: two digits that count, cents from one dollar on."""
    if value == 0:
        return "$0"
    if value < 0.995:
        digits = 1 - math.floor(math.log10(value))
        return f"${value:.{max(2, digits)}f}"
    return f"${value:,.2f}" if value < 1000 else f"${value:,.0f}"


def cost(value: float) -> str:
    """Budget units: 4, 4.83, 12.5, 1.2k, and tiny absolute units as 1.2e-05."""
    if value == 0:
        return "0"
    if value >= 1000:
        return count(value) if value < 1e9 else f"{value:.1e}"
    return f"{value:.3g}" if value >= 0.001 else f"{value:.1e}"


def quantity(value: float, unit: str) -> str:
    """A physical amount: $0.0012 for USD, 5.1e10 FLOPs, 320 tokens."""
    if unit.upper() == "USD":
        return dollars(value)
    if value >= 1e6:
        mantissa, power = f"{value:.1e}".split("e")
        return f"{mantissa}e{int(power)} {unit}"
    return f"{cost(value)} {unit}"


def duration(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def ranges(numbers: list[int]) -> str:
    """0-3,5: ascending numbers with runs folded."""
    runs: list[list[int]] = []
    for n in sorted(numbers):
        if runs and n == runs[-1][1] + 1:
            runs[-1][1] = n
        else:
            runs.append([n, n])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)
