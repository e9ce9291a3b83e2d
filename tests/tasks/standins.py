"""Rows of our own in the fields of data sets that do not ship: enough to build their tasks."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SUBJECTS = ("addition", "subtraction", "comparison")


def gsm8k(number: int) -> dict[str, Any]:
    """Answers with thousands separators and negative ones included."""
    total = 17 * number - 20
    return {
        "question": f"Ann has {17 * number} shells and gives 20 away. How many are left?",
        "answer": f"{17 * number} - 20 = <<{17 * number}-20={total}>>{total}\n#### {total:,}",
    }


def mmlu(number: int) -> dict[str, Any]:
    subject = SUBJECTS[number % 3]
    choices = [str(number + offset) for offset in range(4)]
    return {
        "question": f" {subject.title()}: which number follows {number + number % 4 - 1}?",
        "subject": subject,
        "choices": choices,
        "answer": number % 4,
    }


def write(folder: Path) -> dict[str, dict[str, object]]:
    """Writes the rows; settings by task that read them."""
    parts = {
        "gsm8k": (gsm8k, {"train": range(60), "test": range(60, 120)}),
        "mmlu": (mmlu, {"validation": range(60), "test": range(60, 120), "dev": range(120, 135)}),
    }
    for task, (row, files) in parts.items():
        (folder / task).mkdir(parents=True)
        for part, numbers in files.items():
            jsonl(folder / task / f"{part}.jsonl", map(row, numbers))
    small = {"search": 30, "validation": 20, "test": 40}
    return {task: {"data": str(folder / task), **small} for task in parts}


def jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
