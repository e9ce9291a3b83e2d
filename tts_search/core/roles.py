"""What the search must know of a role: its needs and whether it costs a call."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RoleSpec:
    """`min_parents`: fewest predecessors it can work on. `calls_model`: False costs nothing."""

    name: str
    min_parents: int = 0
    calls_model: bool = True
