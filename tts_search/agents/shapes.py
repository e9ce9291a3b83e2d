"""The shapes a reply may have, built for a search space: validation and grammar from one source.

Numbers are whole percents, 0..100: short for a small model under a grammar, natural for a large
one. Rows are keyed by slot, so a reply labels what it says. For 3 slots, 2 roles, 1 model:

    {"reason": "...", "edges": {"0": [20, 90], "1": [80]},
     "roles": {"0": [100, 0], ...}, "models": {"0": [10, 90], ...}}

edges[i] holds the edges from slot i to slots i+1..N-1, so a cycle cannot be written. Also read:
lists of rows in place of objects, and edge rows of full width N if nothing points backwards.
"""

from collections.abc import Sequence
from functools import partial
from reprlib import repr as short
from typing import Annotated, Any

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    create_model,
)

from tts_search.core.distribution import Floats, GraphDistribution
from tts_search.core.space import SearchSpace

LONGEST_REASON = 300  # characters kept; the schema asks for fewer


def _one_line(text: str) -> str:
    """Short, on one line, and writable as UTF-8."""
    return " ".join(text.encode(errors="replace").decode().split())[:LONGEST_REASON]


def _not_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a whole number, not true or false")
    return value


def _some_weight(row: list[int]) -> list[int]:
    if sum(row) == 0:
        raise ValueError("a row must not be all 0")
    return row


Reason = Annotated[
    str, AfterValidator(_one_line), WithJsonSchema({"type": "string", "maxLength": 200})
]
Percent = Annotated[int, Field(ge=0, le=100), BeforeValidator(_not_bool)]


class Reply(BaseModel):
    """What every reply has. Further fields are not asked for, but harmless."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": False})

    reason: Reason


class PickReply(Reply):
    """`mixes`: list of int."""

    mixes: Any


class UpdateReply(Reply):
    """Each of `edges`, `roles`, `models` holds rows of percents by slot."""

    edges: Any
    roles: Any
    models: Any

    def distribution(self) -> GraphDistribution:
        """Edge percents over 100; rows of roles and models normalised to 1."""
        rows = self.model_dump()
        slots = len(rows["roles"])
        edge = np.zeros((slots, slots))
        for i in range(slots - 1):
            edge[i, i + 1 :] = np.asarray(rows["edges"][str(i)]) / 100
        return GraphDistribution(edge, _normal(rows["roles"]), _normal(rows["models"]))


def _normal(rows: dict[str, list[int]]) -> Floats:
    weights = np.asarray([rows[str(i)] for i in range(len(rows))], dtype=float)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def pick_shape(mixes: int, count: int) -> type[PickReply]:
    """Indices below `mixes`, best first. More than `count` are read; the caller cuts them."""
    index = Annotated[int, Field(ge=0, lt=mixes), BeforeValidator(_not_bool)]
    asked = {"type": "integer", "minimum": 0, "maximum": mixes - 1}
    schema = {"type": "array", "items": asked, "minItems": 1, "maxItems": count}
    chosen: Any = Annotated[list[index], Field(min_length=1), WithJsonSchema(schema)]
    return create_model("Pick", __base__=PickReply, mixes=(chosen, ...))


def update_shape(space: SearchSpace) -> type[UpdateReply]:
    n = space.slots
    role: Any = Annotated[_row(len(space.roles)), AfterValidator(_some_weight)]
    model: Any = Annotated[_row(len(space.models) + 1), AfterValidator(_some_weight)]
    edges: Any = Annotated[
        _by_slot("Edges", [_row(n - 1 - i) for i in range(n - 1)]),
        BeforeValidator(partial(_upper, slots=n)),
        AfterValidator(_percents_meant),
    ]
    return create_model(
        "Update",
        __base__=UpdateReply,
        edges=(edges, ...),
        roles=(_by_slot("Roles", [role] * n), ...),
        models=(_by_slot("Models", [model] * n), ...),
    )


def _row(width: int) -> Any:
    return Annotated[list[Percent], Field(min_length=width, max_length=width)]


def _by_slot(name: str, rows: Sequence[Any]) -> Any:
    fields: dict[str, Any] = {str(i): (row, ...) for i, row in enumerate(rows)}
    shape = create_model(name, __config__=ConfigDict(extra="forbid"), **fields)
    return Annotated[shape, BeforeValidator(_keyed)]


def _keyed(value: Any) -> Any:
    """A list of rows as an object of rows."""
    return {str(i): row for i, row in enumerate(value)} if isinstance(value, list) else value


def _upper(value: Any, slots: int) -> Any:
    """Edge rows of full width, cut to what lies beyond the slot itself."""
    kept = _keyed(value)
    if not isinstance(kept, dict):
        return kept
    kept = dict(kept)
    for i in range(slots):
        row = kept.get(str(i))
        if isinstance(row, list) and len(row) == slots:
            _refuse_backward(i, row[: i + 1])
            kept[str(i)] = row[i + 1 :]
    if kept.get(str(slots - 1)) == []:  # the last slot has nothing to point at
        del kept[str(slots - 1)]
    return kept


def _refuse_backward(slot: int, row: Sequence[Any]) -> None:
    for dst, percent in enumerate(row):
        if percent not in (0, None):
            raise ValueError(
                "an edge must go from a lower to a higher slot (no cycles, no self-loops), but "
                f"{slot} -> {dst} got {short(percent)}"
            )


def _percents_meant(edges: BaseModel) -> BaseModel:
    """Refuse 0/1 where 0..100 is asked for: 1 would be read as one percent."""
    values = {p for row in edges.model_dump().values() for p in row}
    if 1 in values and values <= {0, 1}:
        raise ValueError("edges are percents from 0 to 100: write 100 for always, not 1")
    return edges
