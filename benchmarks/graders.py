"""Precision and recall of the graders, beside other rules, on hand-written replies.

python -m benchmarks graders
python -m benchmarks.graders --data DIR     DIR holds math, gsm8k, mmlu; else $TTS_SEARCH_DATA

The rows are tests/tasks/graded/*.jsonl, each a reply with a verdict written by hand. Where
the data sets are at hand, each gold answer is also graded against itself. Intervals are Wilson's.
"""

import asyncio
import json
import os
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import rules
from tts_search.core.statistics import wilson
from tts_search.tasks.answers import latex
from tts_search.tasks.answers.checker import Checker
from tts_search.tasks.answers.choice import stated_choice
from tts_search.tasks.answers.number import gold_number, same_number, stated_number

HERE = Path(__file__).resolve().parents[1]
ROWS = HERE / "tests" / "tasks" / "graded"
Row = dict[str, Any]
Rule = Callable[[Row], bool]


def read(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


OTHERS: dict[str, dict[str, Rule]] = {
    "math": {
        "math-verify alone": lambda r: rules.math_verify_alone(r["gold"], r["reply"]),
        "exact after strip_string": lambda r: rules.hendrycks(r["gold"], r["reply"]),
        "regex to the first brace": lambda r: rules.first_brace(r["gold"], r["reply"]),
    },
    "gsm8k": {
        "official ####": lambda r: rules.official_number(r["gold"], r["reply"]),
        "last number (flexible-extract)": lambda r: rules.last_number(r["gold"], r["reply"]),
    },
    "mmlu": {
        "first capital letter": lambda r: rules.first_capital(r["gold"], r["reply"], r["choices"])
    },
}


def line(name: str, rows: list[Row], verdicts: list[bool]) -> str:
    right = sum(row["right"] for row in rows)
    hits = sum(row["right"] and verdict for row, verdict in zip(rows, verdicts, strict=True))
    return f"  {name:<31}{share(hits, sum(verdicts)):<22}{share(hits, right)}"


def share(part: int, whole: int) -> str:
    low, high = wilson(part, whole)
    return f"{part / whole:.3f} ({low:.3f}-{high:.3f})" if whole else "none"


def golds(folder: Path) -> Iterator[Row]:
    """The gold answers of one data set as graded rows, in the forms a correct reply has."""
    for path in sorted(folder.glob("*.jsonl")):
        for row in read(path):
            if folder.name == "math":
                gold, reply = latex.boxed(row["solution"]), row["solution"]
            elif folder.name == "gsm8k":
                gold, reply = gold_number(row["answer"]), row["answer"]
            else:
                gold = "ABCDEFGHIJ"[row["answer"]]
                reply = f"The answer is {gold}. {row['choices'][row['answer']]}"
            if gold:
                yield {"gold": gold, "reply": reply, "choices": row.get("choices")}


async def report(data: Path) -> str:
    checker = Checker()
    try:
        return "\n\n".join([await block(name, data / name, checker) for name in OTHERS])
    finally:
        await checker.aclose()


async def block(name: str, data: Path, checker: Checker) -> str:
    rows = read(ROWS / f"{name}.jsonl")
    wrong = sum(not row["right"] for row in rows)
    lines = [
        f"{name}: {len(rows)} rows, {wrong} of them wrong answers",
        f"  {'':<31}{'precision':<22}recall",
        line("ours", rows, [await ours(name, row, checker) for row in rows]),
    ]
    for title, rule in OTHERS[name].items():
        lines.append(line(title, rows, [rule(row) for row in rows]))
    against = [await ours(name, row, checker) for row in golds(data)]
    known = f"{sum(against):,} of {len(against):,}" if against else f"no data at {data}"
    return "\n".join([*lines, f"  gold against itself: {known}"])


async def ours(name: str, row: Row, checker: Checker) -> bool:
    if name == "math":
        answer = latex.stated_answer(row["reply"])
        return answer is not None and await checker.equal(row["gold"], answer)
    if name == "gsm8k":
        return same_number(row["gold"], stated_number(row["reply"]))
    return bool(stated_choice(row["reply"], row["choices"]) == row["gold"])


def main() -> None:
    parser = ArgumentParser(prog="python -m benchmarks.graders")
    default = os.environ.get("TTS_SEARCH_DATA", HERE.parent / "shared" / "data")
    parser.add_argument("--data", type=Path, default=Path(default))
    print(asyncio.run(report(parser.parse_known_args()[0].data)))  # noqa: T201


if __name__ == "__main__":
    main()
