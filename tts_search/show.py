"""What each model saw and said, for any question of any trial, without a new model call.

python -m tts_search.show RUN                    its trials
python -m tts_search.show RUN TRIAL              the graph and the questions of a trial
python -m tts_search.show RUN TRIAL QUESTION     every prompt and reply on a question
"""

import argparse
import asyncio
import contextlib
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from omegaconf.errors import OmegaConfBaseException
from rich.console import Console, RenderableType
from rich.text import Text

from tts_search.analysis.listing import draw_labels, draw_run, draw_trial
from tts_search.analysis.trace import draw_trace
from tts_search.commands import Parser, said
from tts_search.errors import TTSError
from tts_search.messages import one_line
from tts_search.readback import read_record
from tts_search.record import Entry, Record
from tts_search.replay import replaying

View = tuple[dict[str, Any], Iterable[RenderableType]]
"""The same as data and as drawn."""

UNCUT = 100_000  # columns of a pipe or a file: lines end where they end


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit code: 1 after any mistake, which is one line on stderr."""
    return said(lambda: _show(_parser().parse_args(arguments)))


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m tts_search.show",
        description="What each model saw and said, replayed from the response cache.",
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="directory of a run")
    parser.add_argument("trial", nargs="?", metavar="TRIAL", help="a number, or best")
    parser.add_argument(
        "question", nargs="?", metavar="QUESTION", help="an id, part of one, or a number from 1"
    )
    parser.add_argument("--full", action="store_true", help="write worked examples out")
    parser.add_argument("--json", action="store_true", help="the same for programs")
    return parser


def _show(wanted: argparse.Namespace) -> None:
    record = read_record(wanted.run)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else UNCUT)
    if wanted.trial is None:
        view: View = run_json(record), draw_run(record)
    else:
        entry = record.entry(wanted.trial)
        with contextlib.chdir(record.started_in):  # its config may name files from there
            if wanted.question is None:
                view = asyncio.run(_trial(record, entry, console.width))
            else:
                view = asyncio.run(_question(record, entry, wanted.question, wanted.full))
    data, drawn = view
    if wanted.json:
        console.out(json.dumps(data, indent=2))  # ASCII: nothing in it is obeyed
    else:
        for part in drawn:
            console.print(part, markup=False, emoji=False)


async def _trial(record: Record, entry: Entry, width: int) -> View:
    """Costs alone need the cache: without it the rest is shown, which is in the archive."""
    costs: list[float | None] = [None] * len(entry.questions)
    unit, trouble = "", ""
    try:
        async with replaying(record, entry) as replay:
            costs, unit = await replay.costs(entry), replay.unit
    except (TTSError, OmegaConfBaseException) as error:
        trouble = f"no costs: {one_line(error)}"
    rows = zip(entry.questions, entry.scores, costs, strict=True)
    questions = [{"id": name, "score": score, "cost": price} for name, score, price in rows]
    data = {"labels": record.labels, **entry.to_json(), "unit": unit, "questions": questions}
    return data, draw_trial(record, entry, costs, trouble or f"cost in {unit}", width)


async def _question(record: Record, entry: Entry, name: str, full: bool) -> View:
    async with replaying(record, entry) as replay:
        question = replay.find(entry, name)
        trace = await replay.trace(entry, question)
        split = replay.examples[question][0]
    archived = entry.score_of(question)
    where = {"labels": record.labels, "trial": entry.number, "split": split}
    drawn = draw_trace(trace, archived, record.command, full)
    head = (*draw_labels(record.labels), Text(f"trial {entry.number} · {split} split"), Text())
    return {**where, **trace.to_json(), "archived_score": archived}, (*head, *drawn)


def run_json(record: Record) -> dict[str, Any]:
    best = record.best
    return {
        "labels": record.labels,
        "command": record.command,
        "best": best.number if best else None,
        "trials": [entry.to_json() for entry in record.entries],
    }


if __name__ == "__main__":
    sys.exit(main())
