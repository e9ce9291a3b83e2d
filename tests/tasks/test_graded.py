"""Every hand-written row of graded/*.jsonl gets its verdict; known mistakes are still mistakes."""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tts_search.tasks.answers import latex
from tts_search.tasks.answers.checker import Checker
from tts_search.tasks.answers.choice import stated_choice
from tts_search.tasks.answers.number import gold_number, same_number, stated_number

GRADED = Path(__file__).parent / "graded"
DATA = Path(os.environ.get("TTS_SEARCH_DATA", Path(__file__).parents[3] / "shared" / "data"))
LEAST = {"math": 150, "gsm8k": 120, "mmlu": 120}


def read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def real(name: str) -> list[dict]:
    if not (DATA / name).is_dir():
        pytest.skip(f"no {name} at {DATA}; set TTS_SEARCH_DATA to a folder holding {name}/")
    return [row for path in sorted((DATA / name).glob("*.jsonl")) for row in read(path)]


ROWS = [(name, row) for name in LEAST for row in read(GRADED / f"{name}.jsonl")]


@pytest.fixture(scope="module")
def checker() -> Iterator[Checker]:
    checker = Checker()
    yield checker
    asyncio.run(checker.aclose())


async def verdict(name, row, checker):
    if name == "mmlu":
        return stated_choice(row["reply"], row["choices"]) == row["gold"]
    if name == "gsm8k":
        return same_number(row["gold"], stated_number(row["reply"]))
    answer = latex.stated_answer(row["reply"])
    return answer is not None and await checker.equal(row["gold"], answer)


@pytest.mark.parametrize(
    ("name", "row"), ROWS, ids=lambda part: part if isinstance(part, str) else part["why"][:30]
)
async def test_a_row_is_graded_as_by_hand(name, row, checker):
    agrees = await verdict(name, row, checker) == row["right"]
    assert agrees is not row.get("known", False), "a known mistake is mended: drop its mark"


@pytest.mark.parametrize("name", LEAST)
def test_the_table_is_large_and_holds_both_verdicts(name):
    rows = read(GRADED / f"{name}.jsonl")
    wrong = sum(not row["right"] for row in rows)
    assert len(rows) >= LEAST[name]
    assert 0.4 <= wrong / len(rows) <= 0.6
    texts = [json.dumps([row["gold"], row["reply"], row.get("choices")]) for row in rows]
    assert len(set(texts)) == len(texts)


async def test_golds_of_math_equal_themselves(checker):
    golds = {latex.boxed(row["solution"]) for row in real("math")} - {None, ""}
    for gold in sorted(golds):
        assert await checker.equal(gold, gold), gold
        assert latex.stated_answer(rf"So $\boxed{{{gold}}}$.") == gold


def test_golds_of_gsm8k_equal_what_their_solutions_state():
    for row in real("gsm8k"):
        gold = gold_number(row["answer"])
        assert gold is not None
        assert same_number(gold, stated_number(row["answer"])), row["answer"]
        assert same_number(gold, stated_number(f"She has {gold} of them."))


@pytest.mark.parametrize("frame", ["{0}", "({0})", "{0}. {1}", "The answer is ({0}) {1}", "{1}"])
def test_golds_of_mmlu_are_read_by_letter_and_text(frame):
    for row in real("mmlu"):
        letter, text = "ABCD"[row["answer"]], row["choices"][row["answer"]]
        if row["choices"].count(text) == 1 or frame != "{1}":
            reply = frame.format(letter, text)
            assert stated_choice(reply, row["choices"]) == letter, (reply, row["choices"])


def test_distinct_choices_stay_distinct():
    for row in real("mmlu")[:500]:
        for letter in "ABCD":
            assert stated_choice(f"Answer: {letter}", row["choices"]) == letter
