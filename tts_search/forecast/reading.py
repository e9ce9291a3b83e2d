"""What a node reads, as numbers: the regression's values for one call. docs/forecast.md"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tts_search.core.budget import BoundBudget
from tts_search.core.graph import Graph, Node
from tts_search.core.roles import RoleSpec
from tts_search.core.statistics import Floats

Ints = NDArray[np.int64]

BY_ROLE = ("one", "share", "some", "most", "all", "count", "load")
BY_MODEL = ("one", "load", "load squared", "share")
LOAD = 4.0  # answers of mean length that count as a load of 1


class Layout:
    """Which coefficients speak of a node, and with what values.

    A node that reads nothing: one of its role, one of its model. A node that reads: BY_ROLE of its
    role, and BY_MODEL of its model if it calls one.

    share, some, most, all   of the answers read: the share that is right; whether any is, more
                             than half are, all are
    count, load              natural log of their number; their tokens
    """

    def __init__(self, roles: Sequence[RoleSpec], models: Sequence[str]) -> None:
        kinds = [("role", r.name, size) for r in roles for size in (1, len(BY_ROLE))]
        kinds += [("model", m, size) for m in models for size in (1, len(BY_MODEL))]
        ends = np.cumsum([size for _, _, size in kinds])
        self._columns: dict[tuple[str, str, bool], range] = {}
        for (what, name, size), end in zip(kinds, ends.tolist(), strict=True):
            self._columns[what, name, size > 1] = range(end - size, end)
        self.size = int(ends[-1])

    def columns(self, node: Node, reads: bool) -> Ints:
        """Places of the node's coefficients among all `size` of them."""
        own = [*self._columns["role", node.role, reads]]
        if node.model:
            own += self._columns["model", node.model, reads]
        return np.array(own)

    def values(self, node: Node, right: Floats, load: Floats) -> Floats:
        """(..., C) for `columns`. right (k, ...): scores of the k answers read, in [0, 1]; load
        (...) as from `loads`."""
        count, one = len(right), np.ones(right.shape[1:])
        if not count:
            own = [one] if node.model is None else [one, one]
            return np.stack(own, axis=-1)
        share, read = right.mean(axis=0), one * load
        own = [one, share, share > 0, share > 0.5, share == 1, one * np.log(count), read]
        if node.model:
            own += [one, read, read**2, share]
        return np.stack(own, axis=-1)


def loads(graph: Graph, budget: BoundBudget) -> list[float]:
    """How much each node reads, by the mean tokens of the answers; what calls no model passes on
    an answer of the mean length of those it reads."""
    mean = {name: tokens.output for name, tokens in budget.profile.items()}
    written: list[float] = []
    read: list[float] = []
    for node, up in zip(graph.nodes, graph.parents, strict=True):
        heard = sum(written[p] for p in up)
        written.append(mean[node.model] if node.model else heard / max(len(up), 1))
        read.append(heard / (LOAD * sum(mean.values()) / len(mean)))
    return read
