"""Where the rows of a data set come from: the hub, or files with the hub's fields."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tts_search.errors import DataError
from tts_search.tasks import hub
from tts_search.tasks.rows import Row, check_row, read_jsonl


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows by what they may be used for.

    place   where they came from, for the record
    tune    for search and validation; the same list as `test` when the data have one part only
    test    for the final score
    shots   for worked examples; may be empty
    """

    place: str
    tune: list[Row]
    test: list[Row]
    shots: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Source:
    """A data set by its hub id, the configurations it is made of, and the names of its parts.

    tune     the part to search and validate on; None if there is but the one to test on
    fields   each a non-empty string in every row
    fault    what else a row needs and lacks, or None
    names    what `task.data` may be besides a path
    shots    the part that holds worked examples; None if no part is set aside for them
    """

    repo: str
    fields: tuple[str, ...]
    configs: tuple[str, ...] = ("default",)
    tune: str | None = "train"
    test: str = "test"
    shots: str | None = None
    names: tuple[str, ...] = ("hub",)
    fault: Callable[[Row], str | None] = lambda _: None

    def read(self, data: str) -> Rows:
        """Rows for `task.data`: `hub`, a folder of PART.jsonl files, or one JSONL file.

        Where the part to tune on is missing, all splits are cut from the other. Raises DataError.
        """
        return self._hub() if data == "hub" else self._path(Path(data).expanduser())

    def checked(self, place: str, parts: Mapping[str, list[Row]]) -> Rows:
        """Rows that did not come from files, checked like those that do, by part."""
        for part, rows in parts.items():
            for number, row in enumerate(rows, 1):
                check_row(row, self.fields, self.fault, f"{place}, {part} row {number}")
        test = parts[self.test]
        return Rows(
            place, parts.get(self.tune or "") or test, test, parts.get(self.shots or "", [])
        )

    def _hub(self) -> Rows:
        parts = [part for part in (self.tune, self.test, self.shots) if part]
        return self.checked(f"hub {self.repo}", hub.load(self.repo, self.configs, parts))

    def _path(self, path: Path) -> Rows:
        if path.is_file():
            rows = self._file(path)
            return Rows(str(path), rows, rows)
        if not path.is_dir():
            names = " and ".join(f"{part}.jsonl" for part in (self.tune, self.test) if part)
            raise DataError(
                f"task.data must be {', '.join(self.names)} or an existing path, got {path}; "
                f"give a folder with {names}, or one JSONL file"
            )
        test = self._file(path / f"{self.test}.jsonl")
        tune, shots = self._part(path, self.tune), self._part(path, self.shots)
        place = str(path) if tune or not self.tune else f"{path} ({self.test}.jsonl alone)"
        return Rows(place, tune or test, test, shots)

    def _part(self, path: Path, part: str | None) -> list[Row]:
        file = path / f"{part}.jsonl"
        return self._file(file) if part and file.exists() else []

    def _file(self, path: Path) -> list[Row]:
        return read_jsonl(path, self.fields, self.fault)
