"""Questions and their answers, as every layer passes them on."""

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Split = Literal["search", "validation", "test"]
"""What a question is for: `search` scores candidates, `validation` chooses among the finalists,
`test` scores the one that was chosen."""

SPLITS: tuple[Split, ...] = get_args(Split)


@dataclass(frozen=True, slots=True)
class Example:
    """One question. `id` is stable across runs and processes; `meta` is the task's own."""

    id: str
    question: str
    answer: str
    meta: dict[str, Any] = field(default_factory=dict, compare=False, hash=False, repr=False)


@dataclass(frozen=True, slots=True)
class CallSite:
    """Where in a run a call comes from. Told to engines for simulation and logs, never hashed.

    answers    what is read, in key order
    key, seed  identity of the node's call (core/identity.py), and the run's seed
    sampling   ModelSpec.sampling: what, besides role and answers, decides a greedy reply
    """

    example: Example
    role: str
    answers: tuple[str, ...] = ()
    key: str = ""
    seed: int = 0
    sampling: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Tokens:
    """Mean or exact token counts of a call: `prompt` (A, read) and `output` (B, generated)."""

    prompt: float
    output: float
