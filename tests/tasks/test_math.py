import asyncio
import json
import logging
import random
from collections import Counter
from pathlib import Path

import pytest

from tts_search.core.data import SPLITS
from tts_search.errors import ConfigError, DataError
from tts_search.tasks import hub, math_data
from tts_search.tasks.answers import latex
from tts_search.tasks.math import Math
from tts_search.tasks.math_shots import SHOTS
from tts_search.tasks.rows import read_jsonl

from .shared import needs, place

REAL = place("math")
needs_real = needs("math")
TYPES = {
    "Algebra", "Counting & Probability", "Geometry", "Intermediate Algebra", "Number Theory",
    "Prealgebra", "Precalculus",
}  # fmt: skip


def row(number: int, kind: str = "Algebra", level: str = "Level 1") -> dict[str, str]:
    solution = rf"It is $\boxed{{{number}}}$."
    return {"problem": f"What is {number}?", "level": level, "type": kind, "solution": solution}


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path):
    """A folder with 44 train and 20 test rows in the hub's fields."""
    write(tmp_path / "train.jsonl", [row(n, "Algebra" if n % 4 else "Geometry") for n in range(44)])
    write(tmp_path / "test.jsonl", [row(n) for n in range(1000, 1020)])
    return tmp_path


def test_search_reads_train_and_test_reads_test(folder):
    task = Math(str(folder), search=10, validation=4, test=20)
    assert task.label == "math"
    assert task.source == str(folder)
    assert all(int(example.answer) < 44 for example in task.load("search"))
    assert {int(example.answer) for example in task.load("test")} == set(range(1000, 1020))


def test_sampling_keeps_the_proportions_of_types(folder):
    kinds = Counter(
        e.meta["type"] for e in Math(str(folder), search=20, validation=4, test=1).load("search")
    )
    assert kinds == {"Algebra": 15, "Geometry": 5}


def test_sampling_is_seeded_and_a_small_split_is_a_prefix(folder):
    small = Math(str(folder), search=10, validation=4, test=5).load("search")
    assert Math(str(folder), search=30, validation=4, test=5).load("search")[:10] == small
    assert Math(str(folder), search=10, validation=4, test=5, seed=1).load("search") != small


def test_an_id_depends_on_the_problem_alone(folder, tmp_path):
    task = Math(str(folder), search=40, validation=4, test=5)
    ids = {e.answer: e.id for split in SPLITS for e in task.load(split)}
    rows = [row(n, "Algebra" if n % 4 else "Geometry") for n in range(44)]
    random.Random(0).shuffle(rows)
    path = write(tmp_path / "one.jsonl", rows)
    again = Math(str(path), search=20, validation=4, test=16).load("search")
    assert len(again) == 20
    assert all(ids[example.answer] == example.id for example in again)


def test_a_problem_in_both_files_is_a_test_problem(tmp_path):
    write(tmp_path / "train.jsonl", [row(1), row(2), row(2), row(3), row(4)])
    write(tmp_path / "test.jsonl", [row(3)])
    task = Math(str(tmp_path), search=2, validation=1, test=1)
    tuned = [*task.load("search"), *task.load("validation")]
    assert sorted(example.answer for example in tuned) == ["1", "2", "4"]


def test_one_file_is_cut_in_three(tmp_path):
    path = write(tmp_path / "one.jsonl", [row(n) for n in range(21)])
    task = Math(str(path), search=8, validation=3, test=10)
    answers = [example.answer for split in SPLITS for example in task.load(split)]
    assert len(set(answers)) == 21


def test_more_questions_than_there_are_is_a_config_error(folder):
    with pytest.raises(ConfigError, match=r"task\.search \+ task\.validation.*at most 44.*got 45"):
        Math(str(folder), search=41, validation=4).load("search")
    with pytest.raises(ConfigError, match=r"task\.test must be at most 20.*got 21"):
        Math(str(folder), search=4, validation=4, test=21).load("test")
    with pytest.raises(ConfigError, match=r"task\.validation must be at least 1.*got 0"):
        Math(str(folder), search=4, validation=0, test=2).load("test")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"train\.jsonl holds no rows.*problem, level, type, solution"),
        ("\n\n", r"holds no rows"),
        ("{}\n", r"line 1 needs the field 'problem'.*got null"),
        (json.dumps(row(1)) + "\n{broken\n", r"line 2 is not JSON.*one JSON object a line"),
        ("[1]\n", r"line 1 is list, not an object"),
        (json.dumps({**row(1), "level": 3}), r"line 1 needs the field 'level'.*got 3"),
        (json.dumps({**row(1), "type": " "}), r"line 1 needs the field 'type'"),
        (json.dumps({**row(1), "solution": "It is 5."}), r"line 1 needs.*'solution'.*boxed"),
        (json.dumps({**row(1), "solution": r"\boxed{\frac{1}{2}"}), r"boxed.*that closes"),
        ("[" * 100_000, r"line 1 is not JSON"),
    ],
)  # fmt: skip
def test_bad_data_files_are_named_with_line_field_and_fix(folder, text, message):
    (folder / "train.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message) as error:
        Math(str(folder), search=1, validation=4, test=1).load("search")
    assert "\n" not in str(error.value)
    assert str(folder / "train.jsonl") in str(error.value)


def test_bytes_that_are_no_text_are_a_data_error(folder):
    (folder / "test.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="cannot read"):
        Math(str(folder)).load("search")


@pytest.mark.parametrize("data", ["nowhere/at/all", "Auto", ""])
def test_a_path_that_does_not_exist_lists_the_choices(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"auto, hub, sample|cannot read"):
        Math(data).load("search")


def test_without_the_hub_the_sample_stands_in_loudly(monkeypatch, caplog):
    monkeypatch.setattr(hub, "available", lambda _: False)
    task = Math()
    with caplog.at_level(logging.WARNING):
        examples = [example for split in SPLITS for example in task.load(split)]
    assert task.label == "math-sample"
    assert task.source == "built-in sample"
    assert len({example.id for example in examples}) == len(examples) >= 120
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "NOT THE MATH BENCHMARK" in record.getMessage()
    assert "task.data=PATH" in record.getMessage()


def test_a_hub_that_fails_halfway_leads_to_the_sample(monkeypatch, caplog):
    def fail(*_: object) -> None:
        raise DataError("loading failed: 403")

    monkeypatch.setattr(hub, "available", lambda _: True)
    monkeypatch.setattr(hub, "load", fail)
    assert Math().label == "math-sample"
    assert "403" in caplog.text
    with pytest.raises(DataError, match="403"):
        Math("hub").load("search")


def test_a_hub_that_answers_is_math(monkeypatch):
    splits = {"train": [row(n) for n in range(9)], "test": [row(n) for n in range(20, 29)]}
    monkeypatch.setattr(hub, "available", lambda _: True)
    monkeypatch.setattr(hub, "load", lambda *_: splits)
    task = Math(search=5, validation=4, test=9)
    assert (task.label, task.source) == ("math", f"hub {math_data.MATH.repo}")
    assert len(task.load("test")) == 9


def sample() -> list[dict[str, str]]:
    path = Path(math_data.__file__).with_name("data") / "math_sample.jsonl"
    assert path.stat().st_size < 200_000
    return read_jsonl(path, math_data.MATH.fields)


def test_the_sample_covers_the_kinds_of_math():
    rows = sample()
    answers = [latex.boxed(r["solution"]) for r in rows]
    assert {r["type"] for r in rows} == TYPES
    assert {r["level"] for r in rows} == {f"Level {n}" for n in range(1, 6)}
    assert all(answers)
    for kind in (
        r"\frac{",
        r"\sqrt{",
        r"\infty",
        r"\text{",
        "%",
        "pmatrix",
        r"\pi",
        r"\pm",
        "(",
        "_",
    ):
        assert any(kind in str(answer) for answer in answers), kind
    assert not {question for question, _ in SHOTS} & {r["problem"] for r in rows}


async def test_worked_examples_score_as_right():
    task = Math("sample")
    for question, reply in task.shots(len(SHOTS)):
        assert task.extract(reply), question
    await task.aclose()


@needs_real
async def test_every_gold_answer_of_math_equals_itself():
    task = Math(str(REAL), search=7_000, test=1_000)
    examples = [example for split in SPLITS for example in task.load(split)]
    scores = await asyncio.gather(*(task.score(e, task.write(e.answer)) for e in examples))
    assert [e.answer for e, score in zip(examples, scores, strict=True) if score != 1.0] == []
    assert [e.answer for e in examples if task.extract(task.write(e.answer)) is None] == []
    await task.aclose()


@needs_real
async def test_simulated_wrong_answers_of_math_are_wrong():
    task = Math(str(REAL), search=300, validation=4, test=300)
    for index in (0, 3):
        replies = [(e, task.write(task.wrong(e, index))) for e in task.load("test")]
        scores = await asyncio.gather(*(task.score(*pair) for pair in replies))
        assert [e.answer for (e, _), score in zip(replies, scores, strict=True) if score] == []
    await task.aclose()


@needs_real
def test_a_sample_of_math_holds_types_and_levels_as_the_whole_does():
    task, rows = (
        Math(str(REAL), search=200, validation=4, test=200),
        read_jsonl(REAL / "train.jsonl", ()),
    )
    chosen = Counter((e.meta["type"], e.meta["level"]) for e in task.load("search"))
    for kind, count in Counter((r["type"], r["level"]) for r in rows).items():
        assert abs(chosen[kind] - 200 * count / len(rows)) <= 1
