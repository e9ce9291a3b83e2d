"""Model mixes within the budget, and the shapes in which a mix is tried (Insight 1)."""

from collections.abc import Iterator, Sequence

from tts_search.agents.base import Mix
from tts_search.core.graph import Edge, Graph, Node
from tts_search.core.roles import vote
from tts_search.core.space import SearchSpace, dissolve_single_votes
from tts_search.errors import ConfigError

SHAPES = ("vote", "fuse", "refine")


def offered_mixes(space: SearchSpace) -> list[Mix]:
    """What an agent may pick from: each model as often as it fits, then the maximal mixes.

    The pure ones come first and are not always maximal, when a cheaper model fits in what is left.
    """
    pure: dict[str, Mix] = {}
    for mix in _fitting(space):
        if len(mix.counts) == 1:
            model = mix.counts[0][0]
            pure[model] = max(pure.get(model, mix), mix, key=lambda m: m.size)
    chosen = list(pure.values())
    return chosen + [mix for mix in maximal_mixes(space) if mix not in chosen]


def maximal_mixes(space: SearchSpace) -> list[Mix]:
    """Mixes to which no further node can be added, answers side by side under the cheapest sink.

    Largest first; the order is fixed by the pool's.
    """
    fitting = {mix.counts: mix for mix in _fitting(space)}
    top = [mix for mix in fitting.values() if not any(c in fitting for c in _one_more(space, mix))]
    return sorted(top, key=lambda mix: (-mix.size, mix.counts))


def _fitting(space: SearchSpace) -> Iterator[Mix]:
    def grow(models: Sequence[str], mix: Mix) -> Iterator[Mix]:
        if mix.size:
            yield mix
        for i, model in enumerate(models):
            more = _plus(mix, model)
            if _fits(space, more):
                yield from grow(models[i:], more)

    yield from grow(space.models, Mix(()))


def _one_more(space: SearchSpace, mix: Mix) -> Iterator[tuple[tuple[str, int], ...]]:
    for model in space.models:
        yield _plus(mix, model, space.models).counts


def _plus(mix: Mix, model: str, order: Sequence[str] = ()) -> Mix:
    counts = dict(mix.counts)
    counts[model] = counts.get(model, 0) + 1
    names = [m for m in order if m in counts] if order else list(counts)
    return Mix(tuple((m, counts[m]) for m in names))


def _fits(space: SearchSpace, mix: Mix) -> bool:
    shape = next(s for s in SHAPES if has_shape(space, s))
    try:
        return space.budget.admits(shaped(space, mix, shape))
    except ConfigError:
        return False


def has_shape(space: SearchSpace, shape: str) -> bool:
    """refine needs an opener only, vote and fuse a role that reads answers."""
    if shape not in SHAPES:
        raise ConfigError(f"a shape must be one of {', '.join(SHAPES)}, but got {shape!r}")
    reader = any(r.calls_model and r.min_parents for r in space.roles)
    return {"vote": vote(space.roles) is not None, "fuse": reader, "refine": True}[shape]


def shaped(space: SearchSpace, mix: Mix, shape: str) -> Graph:
    """All nodes of a mix side by side under a vote, under one fuser of them, or in a chain.

    In "fuse" and "refine" the model with the dearest call comes last. Raises ConfigError when the
    graph needs more slots than there are.
    """
    models = [model for model, count in mix.counts for _ in range(count)]
    models.sort(key=lambda m: space.budget.estimate_call(m, 0))
    opener = space.opener.name
    if shape == "vote":
        free = vote(space.roles)
        assert free
        nodes = [*(Node(opener, m) for m in models), Node(free.name, None)]
        edges = _star(len(models))
    elif shape == "fuse" and len(models) > 1:
        reader = next(r for r in space.roles if r.calls_model and r.min_parents)
        nodes = [*(Node(opener, m) for m in models[:-1]), Node(reader.name, models[-1])]
        edges = _star(len(models) - 1)
    else:
        nodes = [Node(opener, m) for m in models]
        edges = tuple((i, i + 1) for i in range(len(models) - 1))
    if len(nodes) > space.slots:
        raise ConfigError(f"{mix} needs {len(nodes)} slots; type space.slots={len(nodes)}")
    return dissolve_single_votes(Graph(tuple(nodes), edges), space.free_roles)


def _star(leaves: int) -> tuple[Edge, ...]:
    return tuple((i, leaves) for i in range(leaves))
