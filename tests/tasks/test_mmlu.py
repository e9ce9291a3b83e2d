import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tts_search.core.data import SPLITS
from tts_search.errors import ConfigError, DataError
from tts_search.tasks.mmlu import MMLU

from . import standins
from .shared import needs, place


@pytest.fixture
def task(tmp_path: Path) -> MMLU:
    return MMLU(**standins.write(tmp_path)["mmlu"])  # type: ignore[arg-type]


def row(**changes: Any) -> dict[str, Any]:
    return {**standins.mmlu(7), **changes}


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ("The answer is {letter}.", 1.0),
        ("the answer is ({lower})", 1.0),
        ("**{letter}**", 1.0),
        ("The answer is {text}.", 1.0),
        ("{letter}. {text}", 1.0),
        ("A good question. The answer is {letter}.", 1.0),
        ("The answer is A, B, C or D.", 0.0),
        ("A. B. C. D.", 0.0),
        ("No idea.", 0.0),
    ],
)
async def test_the_final_letter_counts(task: MMLU, reply: str, score: float) -> None:
    for example in task.load("test")[:8]:
        letter = example.answer
        text = example.meta["choices"]["ABCD".index(letter)]
        said = reply.format(letter=letter, lower=letter.lower(), text=text)
        assert await task.score(example, said) == score


def test_questions_are_shown_with_lettered_choices(task: MMLU) -> None:
    lines = task.load("search")[0].question.split("\n")
    assert [line[:3] for line in lines[1:]] == ["A. ", "B. ", "C. ", "D. "]
    assert lines[0] == lines[0].strip()


def test_every_split_holds_the_subjects_evenly(task: MMLU) -> None:
    for split in SPLITS:
        counts = Counter(e.meta["subject"] for e in task.load(split)).values()
        assert len(counts) == 3
        assert max(counts) - min(counts) <= 2


def test_worked_examples_are_of_the_questions_own_subject(task: MMLU) -> None:
    for example in task.load("search")[:6]:
        shots = task.shots(5, example)
        assert all(q.lower().startswith(example.meta["subject"]) for q, _ in shots)
        assert all(task.extract(reply) in "ABCD" for _, reply in shots)
    with pytest.raises(ConfigError, match=r"5 worked examples of \w+, but got shots=6"):
        task.shots(6, task.load("search")[0])


def test_data_without_worked_examples_say_so(tmp_path: Path) -> None:
    path = standins.jsonl(tmp_path / "one.jsonl", map(standins.mmlu, range(30)))
    task = MMLU(str(path), search=10, validation=10, test=10)
    with pytest.raises(ConfigError, match=r"has 0 worked examples.*dev\.jsonl"):
        task.shots(1, task.load("search")[0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"question": ""}, "'question'"),
        ({"subject": None}, "'subject'"),
        ({"choices": None}, "'choices' as a list"),
        ({"choices": ["1"]}, "'choices' as a list"),
        ({"choices": ["1", 2]}, "'choices' to be a text"),
        ({"answer": None}, "'answer' as a whole number from 0 to 3"),
        ({"answer": 4}, "'answer' as a whole number from 0 to 3"),
        ({"answer": True}, "'answer' as a whole number from 0 to 3"),
        ({"answer": "B"}, "'answer' as a whole number from 0 to 3"),
    ],
)
def test_rows_that_cannot_be_asked_or_scored_are_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps(row(**changes)) + "\n")
    with pytest.raises(DataError, match=f"line 1 needs.*{message}") as error:
        MMLU(str(tmp_path / "rows.jsonl")).load("search")
    assert "\n" not in str(error.value)


@needs("mmlu")
async def test_every_gold_letter_is_right_and_every_other_wrong() -> None:
    """Given as a letter, and, where no other choice has the same text, in the choice's words."""
    task = MMLU(str(place("mmlu")), search=2_000, validation=1_000, test=2_900)
    examples = [example for split in SPLITS for example in task.load(split)]
    assert len(examples) == 5_900
    right = [(e, task.write(e.answer)) for e in examples]
    assert all(await asyncio.gather(*(task.score(*pair) for pair in right)))
    wrong = [(e, task.write(task.wrong(e, index))) for e in examples for index in range(3)]
    assert not any(await asyncio.gather(*(task.score(*pair) for pair in wrong)))


@needs("mmlu")
def test_all_subjects_are_sampled_and_have_their_five_examples() -> None:
    """In proportion: the smallest subject holds 0.7% of the rows, one of 120 questions."""
    task = MMLU(str(place("mmlu")))
    assert len({e.meta["subject"] for e in task.load("test")}) == 57
    assert len({e.meta["subject"] for e in task.load("search")}) >= 50
    asked = {example.question for split in SPLITS for example in task.load(split)}
    for example in task.load("test"):
        shots = task.shots(5, example)
        assert len(shots) == 5
        assert not asked & {question for question, _ in shots}
