"""A run directory, read back."""

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from yaml import YAMLError

from tts_search.errors import DataError
from tts_search.record import Entry, Record

CONFIG, ARCHIVE, SUMMARY = Path(".hydra", "config.yaml"), "archive.jsonl", "summary.json"
DEPTH = 5  # directories between outputs/ or multirun_outputs/ and a run


def read_record(folder: Path) -> Record:
    """Raises DataError, in one line, for what is not a run directory."""
    if not folder.is_dir():
        raise DataError(f"RUN must be the directory of a run, but {folder} does not exist")
    for name in (CONFIG, ARCHIVE):
        if not (folder / name).is_file():
            raise DataError(
                f"RUN must be the directory of a run, but {folder} has no {name}{_newest(folder)}"
            )
    config = _yaml(folder / CONFIG)
    hydra, words = folder / ".hydra" / "hydra.yaml", folder / ".hydra" / "overrides.yaml"
    place = OmegaConf.select(_yaml(hydra), "hydra.runtime.cwd") if hydra.is_file() else None
    overrides = list(_yaml(words)) if words.is_file() else []
    summary = folder / SUMMARY
    return Record(
        folder=folder,
        config=config,
        entries=tuple(_entries(folder / ARCHIVE)),
        summary=_json(summary.read_text("utf-8"), str(summary)) if summary.is_file() else {},
        started_in=Path(place) if place and Path(place).is_dir() else Path.cwd(),
        command=shlex.join(["python", "run.py", *map(str, overrides)]),
    )


def _entries(path: Path) -> Sequence[Entry]:
    """A last line that a killed run left unfinished does not count."""
    lines = path.read_text("utf-8").split("\n")
    entries = []
    for number, text in enumerate(lines[:-1], start=1):
        place = f"{path}, line {number}"
        line = _json(text, place)
        try:
            entries.append(Entry.read(line))
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{place} is no trial ({type(error).__name__}: {error})") from None
    return entries


def _json(text: str, place: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except ValueError as error:
        raise DataError(f"{place} is not JSON ({error})") from None
    if not isinstance(data, dict):
        raise DataError(f"{place} must hold a JSON object, but holds {type(data).__name__}")
    return data


def _yaml(path: Path) -> Any:
    try:
        return OmegaConf.load(path)
    except (OSError, ValueError, YAMLError) as error:
        raise DataError(f"{path} cannot be read ({type(error).__name__})") from None


def _newest(folder: Path) -> str:
    """The latest run below a directory that holds several."""
    levels = ("*/" * depth + ARCHIVE for depth in range(1, DEPTH + 1))
    archives = [p for level in levels for p in folder.glob(level) if (p.parent / CONFIG).is_file()]
    if not archives:
        return "; runs are in outputs/TASK/BUDGET/OPTIMIZER/TIME/"
    latest = max(archives, key=lambda p: p.stat().st_mtime)
    return f"; the latest of the runs below it is {latest.parent}"
