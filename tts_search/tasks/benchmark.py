"""A task on a published data set: rows become questions, questions become three splits."""

import logging
from abc import abstractmethod
from collections.abc import Hashable, Iterable, Sequence
from functools import cached_property

from tts_search.core.data import SPLITS, Example, Split
from tts_search.errors import ConfigError
from tts_search.tasks.base import Task
from tts_search.tasks.rows import Row, evenly
from tts_search.tasks.source import Rows, Source

log = logging.getLogger(__name__)


class Benchmark(Task):
    """Splits that never overlap, sampled evenly over the kinds of questions.

    data      hub, or a PATH: a folder with the data set's parts as JSONL files, or one such file
    search, validation, test  questions of each split
    seed      of the sampling; it is not the seed of the run

    Search takes its questions from the front of the rows to tune on, validation what follows, test
    those of the test rows, or, where the data have one part only, the back of it. So the size of
    the test split has no say in the others. A question in both parts is a test question, and one
    that is a worked example is in no split.
    Raises DataError for unreadable data, ConfigError for splits larger than the data.
    """

    rows_of: Source

    def __init__(self, data: str, search: int, validation: int, test: int, seed: int) -> None:
        self._data, self._seed = data, seed
        self.sizes: dict[Split, int] = {"search": search, "validation": validation, "test": test}

    @abstractmethod
    def example(self, row: Row) -> Example | None:
        """The question of a row; None when the row has nothing that could be scored."""

    def kind(self, example: Example) -> Hashable:
        """Questions of each kind appear in every split in the proportion of the whole."""
        return None

    def sizes_for(self, rows: Rows) -> dict[Split, int]:
        """Questions wanted in each split."""
        return self.sizes

    @property
    def source(self) -> str:
        return self.rows.place

    def load(self, split: Split) -> Sequence[Example]:
        if split not in SPLITS:
            raise ConfigError(f"there is no split {split!r}; there are {', '.join(SPLITS)}")
        return self._splits[split]

    @cached_property
    def rows(self) -> Rows:
        return self.rows_of.read(self._data)

    @cached_property
    def _splits(self) -> dict[Split, list[Example]]:
        rows, sizes = self.rows, self.sizes_for(self.rows)
        shown = {example.question for example in map(self.example, rows.shots) if example}
        if rows.tune is rows.test:
            tune = self._ordered(rows.test, shown)
            test = tune[::-1]
            self._check(sizes, SPLITS, len(tune))
        else:
            test = self._ordered(rows.test, shown)
            tune = self._ordered(rows.tune, shown | {example.question for example in test})
            self._check(sizes, ("search", "validation"), len(tune))
            self._check(sizes, ("test",), len(test))
        searched = sizes["search"]
        return {
            "search": tune[:searched],
            "validation": tune[searched : searched + sizes["validation"]],
            "test": test[: sizes["test"]],
        }

    def _ordered(self, rows: Iterable[Row], without: set[str]) -> list[Example]:
        """Distinct questions in a seeded order of which every stretch holds the kinds evenly."""
        every = [self.example(row) for row in rows]
        distinct = {e.question: e for e in every if e and e.question not in without}
        if len(distinct) < len(every):
            log.info("%s: %d rows left out", self.name, len(every) - len(distinct))
        return evenly(distinct.values(), self.kind, self._seed)

    def _check(self, sizes: dict[Split, int], splits: Sequence[Split], there: int) -> None:
        wanted = sum(sizes[split] for split in splits)
        small = next((split for split in splits if sizes[split] < 1), None)
        if small:
            raise ConfigError(f"task.{small} must be at least 1, but got {sizes[small]}")
        if wanted > there:
            names = " + ".join(f"task.{split}" for split in splits)
            raise ConfigError(
                f"{names} must be at most {there}, the questions that {self.source} has for that, "
                f"but got {wanted}; lower one of them"
            )
