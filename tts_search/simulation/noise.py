"""Counter-based random numbers: each belongs to what it is drawn for, in whatever order.

SplitMix64 (Steele, Lea & Flood, OOPSLA 2014), used as a hash. `mix`, `fold` and `uniform` take
Python integers or numpy uint64 arrays alike, and give identical numbers for both.
"""

import hashlib
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

States = NDArray[np.uint64]
Floats = NDArray[np.float64]

GOLDEN = 0x9E3779B97F4A7C15
_MASK = 2**64 - 1


def mix(x: Any) -> Any:
    """A bijection of 64 bits in which every bit of the input reaches every bit of the output."""
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


def fold(state: Any, value: Any) -> Any:
    """The state of a hash after one more 64-bit value; arrays broadcast."""
    return mix(((state ^ value) + GOLDEN) & _MASK)


def uniform(state: Any, stream: int) -> Any:
    """Number `stream` (0, 1, ...) of a state: in [0, 1), 53 bits."""
    return (mix((state + (stream + 1) * GOLDEN % 2**64) & _MASK) >> 11) * 2.0**-53


def uniforms(state: States, streams: int) -> Floats:
    """Numbers 0 .. streams - 1 of an array of states: shape (streams, *state.shape)."""
    steps = [(stream + 1) * GOLDEN % 2**64 for stream in range(streams)]
    shaped = np.array(steps, dtype=np.uint64).reshape(-1, *[1] * state.ndim)
    return np.asarray((mix(state + shaped) >> 11) * 2.0**-53)


def draws(state: int, streams: int) -> list[float]:
    """The same of one state; written out, because every simulated call waits for it."""
    found, x = [], state
    for _ in range(streams):
        x = y = (x + GOLDEN) & _MASK
        y = ((y ^ (y >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        y = ((y ^ (y >> 27)) * 0x94D049BB133111EB) & _MASK
        found.append(((y ^ (y >> 31)) >> 11) * 2.0**-53)
    return found


@lru_cache(maxsize=4096)
def name(text: str) -> int:
    """64 bits that belong to a text."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest)
