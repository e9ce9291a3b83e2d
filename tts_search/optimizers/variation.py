"""Random small changes of a point, and a blend of two. Decode makes a graph of any of them."""

from collections.abc import Callable

import numpy as np

from tts_search.core.space import Choices, SearchSpace

Rng = np.random.Generator


def mutate(point: Choices, space: SearchSpace, rng: Rng) -> Choices:
    """One change, of a kind chosen at random. The point given stays as it is."""
    kinds: list[Callable[[Choices, SearchSpace, Rng], Choices]]
    kinds = [change_model, change_role, flip_edge, add, remove, duplicate]
    return kinds[rng.integers(len(kinds))](point, space, rng)


def cross(one: Choices, other: Choices, rng: Rng) -> Choices:
    """Each slot, with the edges into it, from either point."""
    first = rng.random(len(one.model)) < 0.5
    return Choices(
        np.where(first, one.model, other.model),
        np.where(first, one.role, other.role),
        np.where(first[None, :], one.edge, other.edge),
    )


def change_model(point: Choices, space: SearchSpace, rng: Rng) -> Choices:
    """Of a node in use, to another one of the pool."""
    model = point.model.copy()
    slot = _used(point, rng)
    model[slot] = 1 + _other(int(model[slot]) - 1, len(space.models), rng)
    return Choices(model, point.role, point.edge)


def change_role(point: Choices, space: SearchSpace, rng: Rng) -> Choices:
    role = point.role.copy()
    slot = _used(point, rng)
    role[slot] = _other(int(role[slot]), len(space.roles), rng)
    return Choices(point.model, role, point.edge)


def flip_edge(point: Choices, space: SearchSpace, rng: Rng) -> Choices:
    """Between two nodes in use."""
    used = np.flatnonzero(point.model)
    if len(used) < 2:
        return add(point, space, rng)
    src, dst = np.sort(rng.choice(used, 2, replace=False))
    edge = point.edge.copy()
    edge[src, dst] = 1 - edge[src, dst]
    return Choices(point.model, point.role, edge)


def add(point: Choices, space: SearchSpace, rng: Rng) -> Choices:
    """A random node, read by one above it and reading any below it with probability 1/2."""
    slot = _used(point, rng)
    wider = _opened(point, slot)
    if wider is None:
        return change_model(point, space, rng)
    model, role, edge = wider.model, wider.role, wider.edge
    model[slot - 1] = rng.integers(1, len(space.models) + 1)
    role[slot - 1] = rng.integers(len(space.roles))
    edge[: slot - 1, slot - 1] = rng.random(slot - 1) < 0.5
    edge[slot - 1, slot] = 1
    return wider


def remove(point: Choices, space: SearchSpace, rng: Rng) -> Choices:
    """A node; its readers read what it read. The last one stays."""
    if np.count_nonzero(point.model) < 2:
        return change_model(point, space, rng)
    slot = _used(point, rng)
    model, edge = point.model.copy(), point.edge.copy()
    model[slot] = 0
    edge |= np.outer(edge[:, slot], edge[slot])
    return Choices(model, point.role, edge)


def duplicate(point: Choices, space: SearchSpace, rng: Rng) -> Choices:
    """One more sample of a node, with the same predecessors and readers. Of the sink: its answer
    is worked on once more."""
    slot = _used(point, rng)
    wider = _opened(point, slot)
    if wider is None:
        return change_role(point, space, rng)
    wider.model[slot - 1] = wider.model[slot]
    wider.role[slot - 1] = wider.role[slot]
    wider.edge[: slot - 1, slot - 1] = wider.edge[: slot - 1, slot]
    if slot == np.flatnonzero(wider.model)[-1]:
        wider.edge[slot - 1, slot] = 1
    else:
        wider.edge[slot - 1, slot:] = wider.edge[slot, slot:]
    return wider


def _opened(point: Choices, slot: int) -> Choices | None:
    """A copy in which all below `slot` has moved down by one, so that slot - 1 is free and
    without edges; None where no slot below is off."""
    free = np.flatnonzero(point.model[:slot] == 0)
    if not len(free):
        return None
    n, taken = len(point.model), int(free[-1])
    order = [*range(taken), *range(taken + 1, slot), taken, *range(slot, n)]
    model, role = point.model[order].copy(), point.role[order].copy()
    edge = point.edge[np.ix_(order, order)].copy()
    edge[slot - 1, :] = edge[:, slot - 1] = 0
    return Choices(model, role, edge)


def _used(point: Choices, rng: Rng) -> int:
    return int(rng.choice(np.flatnonzero(point.model)))


def _other(choice: int, choices: int, rng: Rng) -> int:
    """Any but the one given, unless there is no other."""
    return (choice + int(rng.integers(1, choices))) % choices if choices > 1 else choice
