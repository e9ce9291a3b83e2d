"""The results as files: results.json, CSVs, report.md, two pictures. All say that they are
simulated, and hold nothing that differs between two runs of one plan."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from tts_search.analysis.anytime import Curve, curve, save_curves
from tts_search.compare.markdown import markdown
from tts_search.compare.outcome import Outcome, write_whole
from tts_search.compare.parallel import Cell
from tts_search.compare.tables import Estimate, Results
from tts_search.core.statistics import Floats, Interval

SIMULATED = {"simulated": True}


def write_report(results: Results, title: str, folder: Path) -> tuple[Path, ...]:
    """Everything; the paths written."""
    parts = {cell: results.within(cell) for cell in sorted(set(results.cells))}
    overall, pairs, coverage = results.standings(), results.pairs(), results.coverage()
    standings = {cell: part.standings() for cell, part in parts.items()}
    plain = {
        **SIMULATED,
        "title": title,
        "measure": results.measure,
        "best_known": [[*cell, results.best[cell]] for cell in parts],
        "overall": [asdict(s) for s in overall],
        "pairs": [asdict(p) for p in pairs],
        "coverage": {name: asdict(c) for name, c in coverage.items()},
        "cells": [[*cell, [asdict(s) for s in own]] for cell, own in standings.items()],
    }
    files = {
        "report.md": markdown(results, title, overall, pairs, coverage, standings),
        "results.json": json.dumps(_finite(plain), indent=1, allow_nan=False) + "\n",
        "pairs.csv": _csv([asdict(p) for p in pairs]),
        "standings.csv": _csv(
            [
                {"world": world, "budget": budget, **asdict(s)}
                for (world, budget), own in standings.items()
                for s in own
            ]
        ),
        "runs.csv": _csv(
            [
                {**asdict(o.job), "calls": o.calls, "worth": o.worth, **_claims(o)}
                for block in results.blocks
                for o in block.values()
            ]
        ),
    }
    for name, content in files.items():
        write_whole(folder / name, content)
    return (*(folder / name for name in files), *_pictures(results, parts, folder))


def _claims(outcome: Outcome) -> dict[str, Any]:
    both = {"leader": outcome.leader, "final": outcome.final}
    return {f"{which}_{k}": v for which, claim in both.items() for k, v in asdict(claim).items()}


def _pictures(results: Results, parts: dict[Cell, Results], folder: Path) -> list[Path]:
    grid = np.linspace(0, max(o.searched for o in results.outcomes), 200)
    whole = {"all worlds and budgets (simulated)": _curves(results, grid)}
    panels = {
        f"{world}, budget {budget:g} (simulated)": _curves(part, grid)
        for (world, budget), part in parts.items()
    }
    rows = [
        {"panel": title, "method": m, "calls": c, "percent_of_best": mean, "standard_error": e}
        for title, lines in {**whole, **panels}.items()
        for m, line in lines.items()
        for c, mean, e in zip(line.calls, line.mean, line.error, strict=True)
        if isfinite(mean)
    ]
    write_whole(folder / "curves.csv", _csv(rows))
    label = f"true {results.measure} of the leader, % of best"
    budgets = len({budget for _, budget in parts})
    return [
        folder / "curves.csv",
        save_curves(whole, 1, label, folder / "anytime.png"),
        save_curves(panels, budgets if budgets > 1 else 3, label, folder / "anytime_worlds.png"),
    ]


def _curves(results: Results, grid: Floats) -> dict[str, Curve]:
    found = {}
    for method in results.methods:
        runs = [
            [(calls, 100 * true / results.best[cell]) for calls, true in block[method].steps]
            for block, cell in zip(results.blocks, results.cells, strict=True)
        ]
        found[method] = curve(runs, grid)
    return found


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    """Estimates and intervals as columns of their own."""
    text = io.StringIO()
    flat = [{**SIMULATED, **_flat(row)} for row in rows]
    writer = csv.DictWriter(text, list(flat[0]) if flat else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return text.getvalue()


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, Estimate):
            found[key], found[f"{key}_low"], found[f"{key}_high"] = value
        elif isinstance(value, Interval):
            found[f"{key}_low"], found[f"{key}_high"] = value
        else:
            found[key] = value
    return found


def _finite(value: Any) -> Any:
    """JSON knows no infinity: null."""
    if isinstance(value, dict):
        return {key: _finite(own) for key, own in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(own) for own in value]
    return None if isinstance(value, float) and not isfinite(value) else value
