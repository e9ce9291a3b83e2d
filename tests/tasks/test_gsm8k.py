import asyncio
import json
from pathlib import Path

import pytest

from tts_search.core.data import SPLITS
from tts_search.errors import ConfigError, DataError
from tts_search.tasks.gsm8k import GSM8K
from tts_search.tasks.gsm8k_shots import SHOTS

from . import standins
from .shared import needs, place


@pytest.fixture
def task(tmp_path: Path) -> GSM8K:
    return GSM8K(**standins.write(tmp_path)["gsm8k"])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ("17 * 9 = 153 and 153 - 20 = 133. The answer is {}.", 1.0),
        ("So she has **{}** shells left.", 1.0),
        ("#### {}", 1.0),
        ("${}.00", 1.0),
        ("The answer is {}.\n\nQuestion: Bob has 5 shells. How many?\nThe answer is 5.", 1.0),
        ("The answer is {}0.", 0.0),
        ("The answer is 1{}.", 0.0),
        ("I do not know.", 0.0),
    ],
)
async def test_the_final_number_counts(task: GSM8K, reply: str, score: float) -> None:
    for example in task.load("test")[:5]:
        assert await task.score(example, reply.format(example.answer)) == score


def test_search_and_validation_read_train(task: GSM8K) -> None:
    tuned = [*task.load("search"), *task.load("validation")]
    assert {int(e.question.split()[2]) // 17 for e in tuned} <= {*range(60)}
    assert {int(e.question.split()[2]) // 17 for e in task.load("test")} <= {*range(60, 120)}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"question": "How many?"}, r"line 1 needs the field 'answer'"),
        ({"question": "How many?", "answer": "Five."}, r"needs.*to end with '#### NUMBER'"),
        ({"question": "How many?", "answer": "#### many"}, r"needs.*to end with '#### NUMBER'"),
    ],
)
def test_rows_without_a_number_to_score_are_refused(
    tmp_path: Path, row: dict[str, str], message: str
) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(DataError, match=message):
        GSM8K(str(tmp_path / "rows.jsonl")).load("search")


async def test_worked_examples_score_as_their_last_number() -> None:
    task = GSM8K()
    for _, reply in task.shots(len(SHOTS)):
        steps, answer = reply.split(" The answer is ")
        assert task.extract(reply) == answer.rstrip(".") == task.extract(steps)
    with pytest.raises(ConfigError, match=f"{len(SHOTS)} worked examples"):
        task.shots(len(SHOTS) + 1)


@needs("gsm8k")
async def test_every_gold_answer_equals_itself_and_no_neighbour() -> None:
    task = GSM8K(str(place("gsm8k")), search=7_000, validation=400, test=600)
    examples = [example for split in SPLITS for example in task.load(split)]
    replies = [(e, task.write(e.answer)) for e in examples]
    scores = await asyncio.gather(*(task.score(*pair) for pair in replies))
    assert [e.answer for e, score in zip(examples, scores, strict=True) if score != 1.0] == []
    wrong = [(e, task.write(task.wrong(e, index))) for e in examples for index in (0, 1)]
    assert not any(await asyncio.gather(*(task.score(*pair) for pair in wrong)))
