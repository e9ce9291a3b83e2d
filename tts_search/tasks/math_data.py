"""Where MATH problems come from: the hub, files in the hub's format, or the built-in sample."""

import logging
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from tts_search.errors import DataError
from tts_search.tasks import hub
from tts_search.tasks.answers import latex
from tts_search.tasks.rows import Row, evenly, read_jsonl

HUB_ID = "EleutherAI/hendrycks_math"
CONFIGS = (
    "algebra",
    "counting_and_probability",
    "geometry",
    "intermediate_algebra",
    "number_theory",
    "prealgebra",
    "precalculus",
)
FIELDS = ("problem", "level", "type", "solution")
SAMPLE = "built-in sample"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MathRows:
    """Distinct problems with an answer, each split in the order in which it is to be taken."""

    source: str
    search: list[Row]
    test: list[Row]


def find(data: str, seed: int) -> MathRows:
    """Rows for `task.data`: auto, hub, sample or a path. Raises DataError.

    Searching reads train and the final score reads test; a single file is cut in half.
    """
    if data == "hub":
        return _from_hub(seed)
    if data == "sample":
        return _from_sample("task.data=sample asks for it", seed)
    if data != "auto":
        return _from_path(Path(data).expanduser(), seed)
    if not hub.available(HUB_ID):
        reason = f"the hub is out of reach and {HUB_ID} is not in the local cache"
        return _from_sample(reason, seed)
    try:
        return _from_hub(seed)
    except DataError as error:
        return _from_sample(str(error), seed)


def _from_hub(seed: int) -> MathRows:
    rows = hub.load(HUB_ID, CONFIGS, ("train", "test"))
    return _splits(f"hub {HUB_ID}", rows["train"], rows["test"], seed)


def _from_sample(reason: str, seed: int) -> MathRows:
    with resources.as_file(resources.files(__package__) / "data" / "math_sample.jsonl") as path:
        rows = _halves(SAMPLE, read_jsonl(path, FIELDS, _fault), seed)
    log.warning(
        "NOT THE MATH BENCHMARK: using the built-in sample of easy problems (at most %d to search "
        "and %d to test), because %s. Results are named math-sample. For real MATH set "
        "task.data=PATH to a folder with train.jsonl and test.jsonl, or task.data=hub",
        len(rows.search),
        len(rows.test),
        reason,
    )
    return rows


def _from_path(path: Path, seed: int) -> MathRows:
    if path.is_file():
        return _halves(str(path), read_jsonl(path, FIELDS, _fault), seed)
    if not path.is_dir():
        raise DataError(
            f"task.data must be auto, hub, sample or an existing path, got {path}; give a folder "
            "with train.jsonl and test.jsonl"
        )
    train, test = (read_jsonl(path / f"{part}.jsonl", FIELDS, _fault) for part in ("train", "test"))
    return _splits(str(path), train, test, seed)


def _fault(row: Row) -> str | None:
    if latex.boxed(row["solution"]) is None:
        return r"the field 'solution' to end with its answer in a \boxed{...} that closes"
    return None


def _halves(source: str, rows: list[Row], seed: int) -> MathRows:
    ordered = _ordered(rows, seed)
    return MathRows(source, ordered[0::2], ordered[1::2])


def _splits(source: str, train: list[Row], test: list[Row], seed: int) -> MathRows:
    """A problem that stands in both files is a test problem."""
    held_out = {row["problem"] for row in test}
    search = [row for row in train if row["problem"] not in held_out]
    return MathRows(source, _ordered(search, seed), _ordered(test, seed))


def _ordered(rows: list[Row], seed: int) -> list[Row]:
    """Distinct problems, sampled evenly. Two of MATH have an empty box: nothing to score."""
    distinct = {row["problem"]: row for row in rows if latex.boxed(row["solution"])}
    if len(distinct) < len(rows):
        log.info("math: %d rows repeat or state no answer", len(rows) - len(distinct))
    return evenly(distinct.values(), lambda row: (row["type"], row["level"]), seed)
