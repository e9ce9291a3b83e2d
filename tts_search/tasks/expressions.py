"""Expressions such as `7*8+3`: drawn from a family such as `a*b+c`, and worked out."""

import random
import re

DRAWN = 20_000  # distinct expressions drawn of a large family


def draw(family: str, digits: int, seed: int) -> list[str]:
    """Distinct expressions of a family in random order: all of them, or DRAWN of a large one."""
    low, high = 10 ** (digits - 1), 10**digits
    letters = len(re.findall("[a-z]", family))
    space = (high - low) ** letters
    # A fixed number of draws, whatever the split sizes: a split keeps its questions as it grows.
    codes = random.Random(f"{seed} {family} {digits}").sample(range(space), min(space, DRAWN))
    return [_spell(family, code, low, high - low) for code in codes]


def _spell(family: str, code: int, low: int, base: int) -> str:
    def digit(_: re.Match[str]) -> str:
        nonlocal code
        code, rest = divmod(code, base)
        return str(low + rest)

    return re.sub("[a-z]", digit, family)


def solve(expression: str) -> tuple[int, list[str]]:
    """Value of `7*8+3` and its steps (`7 * 8 = 56`, `56 + 3 = 59`), products before the rest."""
    parts = re.findall(r"\d+|[-+*]", expression)
    value, steps = int(parts[0]), []
    while len(parts) > 1:
        at = parts.index("*") if "*" in parts else 1
        left, operator, right = parts[at - 1 : at + 2]
        x, y = int(left), int(right)
        value = x * y if operator == "*" else x + y if operator == "+" else x - y
        steps.append(f"{left} {operator} {right} = {value}")
        parts[at - 1 : at + 2] = [str(value)]
    return value, steps


def spaced(expression: str) -> str:
    """`7 * 8 + 3`: small models read numbers better apart from signs."""
    return re.sub(r"[-+*]", r" \g<0> ", expression)
