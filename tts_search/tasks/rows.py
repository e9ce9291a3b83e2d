"""Rows of a data set: read from JSON lines with clear errors, sampled evenly over their kinds."""

import hashlib
import json
import random
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from tts_search.errors import DataError

Row = dict[str, Any]
T = TypeVar("T")


def read_jsonl(
    path: Path, fields: Sequence[str], fault: Callable[[Row], str | None] = lambda _: None
) -> list[Row]:
    """Rows of a JSONL file, each an object with `fields` as non-empty strings.

    `fault` names what else a row needs and lacks, or returns None.
    Raises DataError with file, line, field and fix.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {path}: {error}; give a UTF-8 JSONL file") from None
    rows = [
        _row(line, fields, fault, f"{path}, line {number}")
        for number, line in enumerate(lines, 1)
        if line.strip()
    ]
    if not rows:
        raise DataError(
            f"{path} holds no rows; it needs one JSON object a line with {', '.join(fields)}"
        )
    return rows


def text_id(task: str, text: str) -> str:
    """An id of a question that depends on its text alone: `task/` and 12 hex digits."""
    return f"{task}/{hashlib.blake2b(text.encode(), digest_size=6).hexdigest()}"


def evenly(items: Iterable[T], kind: Callable[[T], Hashable], seed: int) -> list[T]:
    """All items in a seeded order of which every prefix holds the kinds in proportion.

    Stratified sampling: the k-th of n items of a kind is due at (k + u) / n of the way, with u
    drawn once for a kind in [0, 1), so no kind comes systematically early.
    """
    kinds: dict[Hashable, list[T]] = defaultdict(list)
    for item in items:
        kinds[kind(item)].append(item)
    due: list[tuple[float, T]] = []
    for name in sorted(kinds, key=str):
        rng = random.Random(f"{seed} {name}")
        members = rng.sample(kinds[name], len(kinds[name]))
        offset = rng.random()
        due += [((rank + offset) / len(members), item) for rank, item in enumerate(members)]
    return [item for _, item in sorted(due, key=lambda pair: pair[0])]


def check_row(
    row: Any, fields: Sequence[str], fault: Callable[[Row], str | None], place: str
) -> Row:
    """The row, if it is an object with `fields` and `fault` finds none. Raises DataError."""
    if not isinstance(row, dict):
        raise DataError(f"{place} is {type(row).__name__}, not an object with {', '.join(fields)}")
    for field in fields:
        value = row.get(field)
        if not isinstance(value, str) or not value.strip():
            raise DataError(
                f"{place} needs the field {field!r} as a non-empty string, "
                f"got {json.dumps(value)[:60]}; add it or remove the line"
            )
    lack = fault(row)
    if lack:
        raise DataError(f"{place} needs {lack}; correct or remove the line")
    return row


def _row(line: str, fields: Sequence[str], fault: Callable[[Row], str | None], place: str) -> Row:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{place} is not JSON ({error}); write one JSON object a line") from None
    return check_row(row, fields, fault, place)
