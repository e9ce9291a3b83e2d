"""What the search must know of a role: its needs and whether it costs a call."""

from collections.abc import Sequence
from dataclasses import dataclass

from tts_search.errors import ConfigError


@dataclass(frozen=True, slots=True)
class RoleSpec:
    """`min_parents`: fewest predecessors it can work on. `calls_model`: False costs nothing."""

    name: str
    min_parents: int = 0
    calls_model: bool = True


def opener(roles: Sequence[RoleSpec]) -> RoleSpec:
    """The first role that answers without predecessors: what a source node does."""
    found = next((r for r in roles if r.min_parents == 0 and r.calls_model), None)
    if found is None:
        raise ConfigError(
            "one role must answer without predecessors, but none of "
            f"{', '.join(r.name for r in roles) or 'no roles'} does; "
            "type roles=[assistant,...]"
        )
    return found


def vote(roles: Sequence[RoleSpec]) -> RoleSpec | None:
    """The first role that combines answers without a call, if any."""
    return next((r for r in roles if not r.calls_model), None)
