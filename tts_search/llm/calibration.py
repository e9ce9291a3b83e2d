"""What a simulated model can do, and the hash-derived random numbers it draws."""

import hashlib
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from tts_search.errors import ConfigError

NORMAL = NormalDist()
_EIGHT = struct.Struct("<8Q").unpack


@dataclass(frozen=True, slots=True)
class Ability:
    """accuracy: share of questions answered right alone; output_tokens: mean of one reply."""

    accuracy: float
    output_tokens: float
    family: str = ""

    def __post_init__(self) -> None:
        if not (0 < self.accuracy < 1 and self.output_tokens >= 1):
            raise ConfigError(
                "llm.models needs 0 < accuracy < 1 and output_tokens >= 1, but got "
                f"accuracy={self.accuracy}, output_tokens={self.output_tokens}"
            )


@dataclass(frozen=True, slots=True)
class Habits:
    """How all models behave beyond their accuracy. Shares and probabilities in [0, 1].

    difficulty  share of variance that lies in the question
    kinship     share of variance that the models of a family have in common
    repair      share of questions whose wrong draft can be repaired at all
    corrupt     chance that a model which would err alone spoils a right draft
    discern     chance that a model which would be right alone spots a right minority
    comfort     answers a reader takes in without trouble
    overload    loss of attention with each answer beyond `comfort`
    fusers      roles that only choose among answers; all others refine what they choose
    """

    difficulty: float = 0.45
    kinship: float = 0.15
    repair: float = 0.5
    corrupt: float = 0.2
    discern: float = 0.6
    comfort: int = 3
    overload: float = 0.12
    fusers: Sequence[str] = ("fuser",)

    def __post_init__(self) -> None:
        if not 0 <= self.difficulty + self.kinship < 1:
            raise ConfigError(
                "llm.habits: difficulty + kinship must lie in [0, 1), but got "
                f"{self.difficulty} + {self.kinship}"
            )


def uniforms(text: str) -> list[float]:
    """Eight numbers in [0, 1) that belong to the text."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass")).digest()
    return [(number >> 11) * 2.0**-53 for number in _EIGHT(digest)]


def normal(text: str) -> float:
    """One standard normal number that belongs to the text."""
    return NORMAL.inv_cdf(max(uniforms(text)[0], 1e-12))


def popular(uniform: float) -> int:
    """Index of a wrong answer: 0 half of the time, 1 a quarter, ...: wrong answers coincide."""
    return int(-math.log2(1.0 - uniform))
