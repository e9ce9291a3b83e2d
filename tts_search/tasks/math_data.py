"""Where MATH problems come from: the hub, files in the hub's format, or the built-in sample."""

import logging
from importlib import resources

from tts_search.errors import DataError
from tts_search.tasks import hub
from tts_search.tasks.answers import latex
from tts_search.tasks.rows import Row, read_jsonl
from tts_search.tasks.source import Rows, Source

SAMPLE = "built-in sample"
log = logging.getLogger(__name__)


def fault(row: Row) -> str | None:
    if latex.boxed(row["solution"]) is None:
        return r"the field 'solution' to end with its answer in a \boxed{...} that closes"
    return None


MATH = Source(
    repo="EleutherAI/hendrycks_math",
    fields=("problem", "level", "type", "solution"),
    configs=(
        "algebra",
        "counting_and_probability",
        "geometry",
        "intermediate_algebra",
        "number_theory",
        "prealgebra",
        "precalculus",
    ),
    names=("auto", "hub", "sample"),
    fault=fault,
)


def find(data: str) -> Rows:
    """Rows for `task.data`: auto (the hub, else the sample), hub, sample or a path."""
    if data == "sample":
        return _sample("task.data=sample asks for it")
    if data != "auto":
        return MATH.read(data)
    if not hub.available(MATH.repo):
        return _sample(f"the hub is out of reach and {MATH.repo} is not in the local cache")
    try:
        return MATH.read("hub")
    except DataError as error:
        return _sample(str(error))


def _sample(reason: str) -> Rows:
    with resources.as_file(resources.files(__package__) / "data" / "math_sample.jsonl") as path:
        rows = read_jsonl(path, MATH.fields, MATH.fault)
    log.warning(
        "NOT THE MATH BENCHMARK: using the built-in sample of %d easy problems, because %s. "
        "Results are named math-sample. For real MATH set task.data=PATH to a folder with "
        "train.jsonl and test.jsonl, or task.data=hub",
        len(rows),
        reason,
    )
    return Rows(SAMPLE, rows, rows)
