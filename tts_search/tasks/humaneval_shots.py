"""Worked examples for few-shot prompts of HumanEval: written for this project, in no split."""

_PROBLEMS: tuple[tuple[str, str], ...] = (
    (
        '''def count_longer(words: list, length: int) -> int:
    """Count the words that have more than `length` letters.
    >>> count_longer(["sun", "planet", "moon"], 3)
    2
    """
''',
        """def count_longer(words: list, length: int) -> int:
    return sum(len(word) > length for word in words)""",
    ),
    (
        '''def swap_ends(values: list) -> list:
    """Return a copy of the list with its first and last value swapped.
    >>> swap_ends([4, 7, 9])
    [9, 7, 4]
    >>> swap_ends([])
    []
    """
''',
        """def swap_ends(values: list) -> list:
    swapped = list(values)
    if swapped:
        swapped[0], swapped[-1] = swapped[-1], swapped[0]
    return swapped""",
    ),
    (
        '''from typing import Dict, List


def group_by_initial(names: List[str]) -> Dict[str, List[str]]:
    """Group names by their first letter in upper case; empty names are left out.
    >>> group_by_initial(["ada", "Alan", "Grace"])
    {'A': ['ada', 'Alan'], 'G': ['Grace']}
    """
''',
        """from typing import Dict, List


def group_by_initial(names: List[str]) -> Dict[str, List[str]]:
    groups: Dict[str, List[str]] = {}
    for name in names:
        if name:
            groups.setdefault(name[0].upper(), []).append(name)
    return groups""",
    ),
    (
        '''def halvings(n: int) -> int:
    """How often can the positive number n be halved before it gets odd?
    >>> halvings(12)
    2
    >>> halvings(7)
    0
    """
''',
        """def halvings(n: int) -> int:
    times = 0
    while n % 2 == 0:
        n //= 2
        times += 1
    return times""",
    ),
    (
        '''def longest_rise(heights: list) -> int:
    """Length of the longest run of consecutive values that rise strictly.
    >>> longest_rise([3, 5, 8, 2, 4])
    3
    >>> longest_rise([])
    0
    """
''',
        """def longest_rise(heights: list) -> int:
    longest = current = 0
    for i, height in enumerate(heights):
        current = current + 1 if i and height > heights[i - 1] else 1
        longest = max(longest, current)
    return longest""",
    ),
    (
        '''import math


def clock_angle(hours: int, minutes: int) -> float:
    """The smaller angle, in radians, between the hands of a clock.
    >>> round(clock_angle(3, 0), 4)
    1.5708
    """
''',
        """import math


def clock_angle(hours: int, minutes: int) -> float:
    degrees = abs(30 * (hours % 12) + minutes / 2 - 6 * minutes)
    return math.radians(min(degrees, 360 - degrees))""",
    ),
    (
        '''def mask_digits(text: str) -> str:
    """Replace every digit by '#', except in the last four characters.
    >>> mask_digits("12-345-678")
    '##-###-678'
    """
''',
        """def mask_digits(text: str) -> str:
    masked = ["#" if letter.isdigit() else letter for letter in text[:-4]]
    return "".join(masked) + text[-4:]""",
    ),
)
SHOTS: tuple[tuple[str, str], ...] = tuple(
    (problem, f"```python\n{solution}\n```") for problem, solution in _PROBLEMS
)
