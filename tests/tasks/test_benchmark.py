"""How a data set becomes three splits."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tts_search.core.data import SPLITS, Example, Split, Tokens
from tts_search.errors import ConfigError, DataError
from tts_search.tasks.benchmark import Benchmark
from tts_search.tasks.rows import Row
from tts_search.tasks.source import Rows, Source

from .standins import jsonl


class Letters(Benchmark):
    """Questions `text`, sampled evenly over `kind`."""

    name = "letters"
    profile = Tokens(1, 1)
    rows_of = Source("nobody/letters", ("text", "kind"))

    def __init__(self, rows: Rows, search: int, validation: int, test: int, seed: int = 0):
        super().__init__("hub", search, validation, test, seed)
        self.__dict__["rows"] = rows

    def example(self, row: Row) -> Example | None:
        return Example(row["text"], row["text"], "x", row) if row["text"] else None

    def kind(self, example: Example) -> str:
        return str(example.meta["kind"])

    def extract(self, text: str, example: Example | None = None) -> str | None:
        return text

    async def score(self, example: Example, text: str) -> float:
        return 1.0

    def write(self, answer: str) -> str:
        return answer

    def wrong(self, example: Example, index: int) -> str:
        return "y"


def rows(kinds: Sequence[str], first: int = 0) -> list[Row]:
    return [{"text": f"{first + n}", "kind": kind} for n, kind in enumerate(kinds)]


def ids(task: Benchmark, split: Split) -> list[str]:
    return [example.id for example in task.load(split)]


KINDS = st.lists(st.sampled_from("abc"), min_size=12, max_size=60)


@settings(max_examples=100)
@given(KINDS, st.integers(1, 4), st.integers(1, 4), st.integers(1, 4), st.integers(0, 5))
def test_splits_of_one_part_are_disjoint_and_hold_the_kinds_evenly(
    kinds: list[str], search: int, validation: int, test: int, seed: int
) -> None:
    """A stretch of the order spans a stretch of due times in which each kind is off by at most
    one question, and the stretch itself by one question of each kind."""
    one = rows(kinds)
    task = Letters(Rows("here", one, one), search, validation, test, seed)
    chosen = [example for split in SPLITS for example in task.load(split)]
    assert len({example.id for example in chosen}) == search + validation + test
    whole = Counter(kinds)
    for split, size in (("search", search), ("validation", validation), ("test", test)):
        drawn = Counter(example.meta["kind"] for example in task.load(split))
        for kind, count in whole.items():
            share = count / len(kinds)
            assert abs(drawn[kind] - size * share) <= 1 + share * len(whole)


@pytest.mark.parametrize("seed", range(5))
def test_two_equally_frequent_kinds_share_every_split(seed: int) -> None:
    """Every other question of an alternating order would be of one kind."""
    alternating = rows("ab" * 20)
    task = Letters(Rows("here", alternating, alternating), 10, 10, 20, seed)
    for split in SPLITS:
        assert len({example.meta["kind"] for example in task.load(split)}) == 2


@pytest.mark.parametrize("parts", [1, 2])
def test_the_size_of_the_test_split_has_no_say_in_the_others(parts: int) -> None:
    tune = rows("abc" * 10)
    held_out = tune if parts == 1 else rows("abc" * 10, first=100)
    small, large = (Letters(Rows("here", tune, held_out), 8, 7, size) for size in (3, 15))
    assert ids(small, "search") == ids(large, "search")
    assert ids(small, "validation") == ids(large, "validation")
    assert ids(small, "test") == ids(large, "test")[:3]


def test_a_smaller_search_is_a_prefix_and_another_seed_another_sample() -> None:
    tune = rows("abc" * 10)
    small, large = (Letters(Rows("here", tune, tune), size, 5, 5) for size in (4, 12))
    assert ids(small, "search") == ids(large, "search")[:4]
    assert ids(small, "search") != ids(Letters(Rows("here", tune, tune), 4, 5, 5, 1), "search")


def test_a_question_in_both_parts_is_a_test_question() -> None:
    tune, held_out = rows("aaaaaaaa"), rows("aaaa", first=6)
    task = Letters(Rows("here", tune, held_out), 3, 3, 4)
    assert {*ids(task, "search"), *ids(task, "validation")} == set("012345")


def test_a_worked_example_is_in_no_split() -> None:
    one = rows("aaaaa")
    task = Letters(Rows("here", one, one, rows("a", first=2)), 2, 1, 1)
    assert {question for split in SPLITS for question in ids(task, split)} == set("0134")


def test_repeats_and_rows_without_an_answer_are_left_out() -> None:
    one = [*rows("aaa"), *rows("aaa"), {"text": "", "kind": "a"}]
    assert sorted(ids(Letters(Rows("here", one, one), 1, 1, 1), "search"))
    with pytest.raises(ConfigError, match=r"at most 3, the questions that here has.*got 4"):
        Letters(Rows("here", one, one), 2, 1, 1).load("test")


@pytest.mark.parametrize("split", SPLITS)
def test_an_empty_split_is_refused(split: Split) -> None:
    one = rows("aaa")
    sizes = {"search": 1, "validation": 1, "test": 1, split: 0}
    with pytest.raises(ConfigError, match=rf"task\.{split} must be at least 1, but got 0"):
        Letters(Rows("here", one, one), **sizes).load("search")


def test_an_unknown_split_is_refused() -> None:
    one = rows("aaa")
    with pytest.raises(ConfigError, match=r"no split 'train'; there are search, validation, test"):
        Letters(Rows("here", one, one), 1, 1, 1).load("train")  # type: ignore[arg-type]


def test_a_folder_without_the_part_to_tune_on_is_cut_in_three(tmp_path: Path) -> None:
    source = Source("nobody/letters", ("text", "kind"), tune="validation", shots="dev")
    jsonl(tmp_path / "test.jsonl", rows("aaaa"))
    read = source.read(str(tmp_path))
    assert read.tune is read.test
    assert (read.place, read.shots) == (f"{tmp_path} (test.jsonl alone)", [])
    jsonl(tmp_path / "validation.jsonl", rows("bb", first=10))
    jsonl(tmp_path / "dev.jsonl", rows("c", first=20))
    read = source.read(str(tmp_path))
    assert [len(part) for part in (read.tune, read.test, read.shots)] == [2, 4, 1]
    (tmp_path / "test.jsonl").unlink()
    with pytest.raises(DataError, match=r"test\.jsonl"):
        source.read(str(tmp_path))
