"""pass@k of a finished run's graph: how often one of k independent answers is right.

python -m tts_search.coverage RUN [--samples 10] [--k 1 5 10] [--split test]

Sample i is the graph run with the run's seed + i, so the first is what the run itself scored. All
calls go through the run's cache: stopped and started again, only what is missing is asked for.
"""

import argparse
import asyncio
import contextlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tts_search.analysis.listing import draw_labels
from tts_search.analysis.progress import RichProgress
from tts_search.commands import Parser, said
from tts_search.core.budget import BoundBudget
from tts_search.core.data import SPLITS, Split
from tts_search.core.graph import Graph
from tts_search.core.statistics import mean_interval, pass_at_k
from tts_search.core.trial import Evaluation
from tts_search.environment.environment import Environment, first_error
from tts_search.errors import ConfigError
from tts_search.parts import Parts
from tts_search.readback import read_record
from tts_search.record import Record
from tts_search.replay import restored
from tts_search.tracking.progress import Progress
from tts_search.tracking.words import percent

DEFAULT_KS = (1, 5, 10)
INTERRUPTED = "interrupted: all finished calls are kept; run it again to go on"


@dataclass(frozen=True, eq=False)
class Coverage:
    """`samples` evaluations of one graph on the same questions; an answer is right if it scores 1.

    alike  no model of the graph samples, so every sample is the first one again
    """

    samples: Sequence[Evaluation]
    alike: bool

    @property
    def right(self) -> list[int]:
        """Right answers to each question."""
        scores = zip(*(sample.scores for sample in self.samples), strict=True)
        return [sum(score >= 1.0 for score in of_one) for of_one in scores]

    def at(self, k: int) -> list[float]:
        """pass@k of each question."""
        return [pass_at_k(len(self.samples), right, k) for right in self.right]

    def to_json(self, ks: Sequence[int]) -> dict[str, Any]:
        values = {k: self.at(k) for k in ks}
        return {
            "samples": len(self.samples),
            "alike": self.alike,
            "failures": sum(sample.failures for sample in self.samples),
            "pass_at": [
                {"k": k, "mean": sum(each) / len(each), "ci95": list(mean_interval(each))}
                for k, each in values.items()
            ],
            "questions": [
                {"id": name, "right": right}
                for name, right in zip(self.samples[0].questions, self.right, strict=True)
            ],
        }


async def cover(
    parts: Parts, graph: Graph, split: Split, samples: int, progress: Progress
) -> Coverage:
    """Answers every question of the split `samples` times. Raises a TTSError."""
    await parts.check()
    examples = parts.task.load(split)
    progress.phase(f"{samples} samples", samples * len(examples), "questions")
    budget = BoundBudget(parts.budget, parts.pool, {}, 1.0)  # costs are not reported
    seeded = [replace(parts.executor, seed=parts.seed + i) for i in range(samples)]
    with first_error():
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(
                    Environment(e, budget, progress.advance).evaluate(graph, examples)
                )
                for e in seeded
            ]
    alike = all(n.model is None or parts.pool[n.model].temperature == 0 for n in graph.nodes)
    return Coverage([task.result().evaluation for task in tasks], alike)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit code: 1 after any mistake, which is one line on stderr."""
    return said(lambda: _run(_parser().parse_args(arguments)), INTERRUPTED)


def _run(wanted: argparse.Namespace) -> None:
    ks = _ks(wanted)
    record = read_record(wanted.run)
    with contextlib.chdir(record.started_in):  # its config may name files from there
        coverage = asyncio.run(_cover(record, wanted))
    _show(record, wanted, coverage.to_json(ks))


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m tts_search.coverage",
        description="pass@k of the graph that a finished run recommends.",
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="directory of a run")
    parser.add_argument("--samples", type=int, default=10, help="answers to each question (10)")
    parser.add_argument("--k", type=int, nargs="+", help="at most --samples (1 5 10)")
    parser.add_argument("--split", choices=SPLITS, default="test", help="questions (test)")
    parser.add_argument("--json", action="store_true", help="the same for programs")
    return parser


def _ks(wanted: argparse.Namespace) -> list[int]:
    """The k asked for, or those of the default that the samples allow."""
    if wanted.samples < 1:
        raise ConfigError(f"--samples must be at least 1, but got {wanted.samples}")
    ks = sorted(set(wanted.k or [k for k in DEFAULT_KS if k <= wanted.samples]))
    for k in ks:
        if not 1 <= k <= wanted.samples:
            raise ConfigError(
                f"--k must be from 1 to --samples ({wanted.samples}), but got {k}; "
                + (f"type --samples {k}" if k > 0 else "type --k 1")
            )
    return ks


async def _cover(record: Record, wanted: argparse.Namespace) -> Coverage:
    graph = record.entry("best").graph
    parts = restored(record, record.config.cache)
    progress = RichProgress(Console(stderr=True))
    try:
        return await cover(parts, graph, wanted.split, wanted.samples, progress)
    finally:
        progress.close()
        await parts.aclose()


def _show(record: Record, wanted: argparse.Namespace, found: dict[str, Any]) -> None:
    console = Console(highlight=False)
    if wanted.json:
        console.out(json.dumps({"labels": record.labels, "split": wanted.split, **found}, indent=2))
        return
    for part in draw_labels(record.labels):
        console.print(part, markup=False, emoji=False)
    table = Table("k", "pass@k", "95% interval", box=None)
    for row in found["pass_at"]:
        low, high = row["ci95"]
        table.add_row(str(row["k"]), percent(row["mean"]), f"{percent(low)} to {percent(high)}")
    console.print(table)
    questions = len(found["questions"])
    console.print(f"{questions} {wanted.split} questions, {found['samples']} samples of each")
    if found["failures"]:
        console.print(f"{found['failures']} answers failed and count as wrong")
    if found["alike"] and found["samples"] > 1:
        console.print("every model of the graph decodes greedily: all samples are the same one")


if __name__ == "__main__":
    sys.exit(main())
