"""All searches of a plan, in processes; what is finished is on disk and not run again."""

import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from functools import partial
from itertools import product
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.connection import wait as wait_for
from pathlib import Path
from threading import Thread

from tts_search.compare.arena import arena_of
from tts_search.compare.outcome import Outcome, Store, write_whole
from tts_search.compare.plan import Job, Plan
from tts_search.compare.play import play
from tts_search.compare.reference import reference
from tts_search.tracking.folding import one_line

Cell = tuple[str, float]


def outcomes(plan: Plan, jobs: list[Job], folder: Path, workers: int) -> Iterator[Outcome]:
    """Of every job, as they come in; from disk where they are there.

    A job that fails ends all, with its error; what is finished stays.
    """
    work = partial(_outcome, plan, Store(folder / "runs"))
    if workers == 1:
        yield from map(work, jobs)
        return
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # each worker has one core
    pool = _processes(workers)
    try:
        rest = iter(jobs)
        running: set[Future[Outcome]] = set()
        while True:
            while len(running) < 4 * workers and (job := next(rest, None)):
                running.add(pool.submit(work, job))
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    except BaseException:
        for worker in active_children():  # what they are at is lost, files are whole or not there
            worker.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _processes(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, get_context("spawn"), _end_with_parent)


def _end_with_parent() -> None:
    """A worker goes when the command does, even if that was killed; Ctrl-C is for the command."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    assert parent

    def watch() -> None:
        wait_for([parent.sentinel])
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def _outcome(plan: Plan, store: Store, job: Job) -> Outcome:
    fingerprint = arena_of(plan, job).fingerprint
    outcome = store.read(job, fingerprint)
    if outcome is None:
        outcome = play(plan, job)
        store.write(outcome, fingerprint)
    return outcome


def references(plan: Plan, folder: Path, workers: int) -> dict[Cell, float]:
    """The reference search of every world and budget: what it found is truly worth."""
    cells = list(product(plan.worlds, plan.budgets))
    work = partial(_reference, plan, folder / "reference")
    if workers == 1:
        return dict(zip(cells, map(work, cells), strict=True))
    with _processes(workers) as pool:
        return dict(zip(cells, pool.map(work, cells), strict=True))


def _reference(plan: Plan, folder: Path, cell: Cell) -> float:
    """Searches what the plan's own settings span, without those of a method."""
    arena = arena_of(plan, Job(*cell, "random", 0))
    path = folder / cell[0] / f"{cell[1]:g}.json"
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        if known["fingerprint"] == arena.fingerprint:
            return float(known["true"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    true, graphs = reference(arena)
    found = [one_line(graph) for graph in graphs]
    data = {"fingerprint": arena.fingerprint, "true": true, "graphs": found}
    write_whole(path, json.dumps({"simulated": True, **data}) + "\n")
    return true
