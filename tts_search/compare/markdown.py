"""report.md: the tables of a comparison, every one labelled simulated."""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite

from tts_search.compare.parallel import Cell
from tts_search.compare.tables import NEAR, Coverage, Estimate, Pair, Results, Standing

AT = f"{100 * NEAR:g}% of best"
ALPHA = 0.05


def markdown(
    results: Results,
    title: str,
    overall: Sequence[Standing],
    pairs: Sequence[Pair],
    coverage: Mapping[str, Coverage],
    cells: Mapping[Cell, Sequence[Standing]],
) -> str:
    """The whole report."""
    parts = [
        _head(results, title),
        _overall(overall, results.measure),
        _pairs(pairs),
        _held(coverage),
    ]
    parts += [_cell(cell, results.best[cell], own, results.measure) for cell, own in cells.items()]
    return "\n".join(line for part in parts for line in [*part, ""])


def _head(results: Results, title: str) -> list[str]:
    worlds = sorted({world for world, _ in results.cells})
    return [
        "# Search methods compared: SIMULATED",
        "",
        f"`{title}`",
        "",
        f"{len(results.outcomes)} searches in {len(worlds)} simulated worlds "
        f"({', '.join(worlds)}), {len(results.blocks)} blocks of equal questions. No model was "
        "asked. Brackets hold 95% intervals. docs/compare.md says how to read it.",
    ]


def _overall(standings: Sequence[Standing], measure: str) -> list[str]:
    names = ["method", "mean rank", f"true {measure}, %", "below best known, points"]
    names += [f"runs at {AT}, %", "calls to it"]
    rows = [
        [
            s.method,
            _with(s.rank, 2),
            _with(s.score, 1),
            _with(s.gap, 2),
            f"{100 * s.near:.0f}",
            _with(s.calls, 0),
        ]
        for s in standings
    ]
    return [
        "## Overall (simulated)",
        "",
        *_table(names, rows),
    ]


def _pairs(pairs: Sequence[Pair]) -> list[str]:
    names = ["pair", "points", "A", "p, these worlds", "p, such worlds", "better on these worlds"]
    rows = [
        [
            f"{p.first} - {p.second}",
            _with(p.difference, 2),
            f"{p.effect:.2f}",
            f"{p.p_blocks:.2g}",
            f"{p.p_worlds:.2g}",
            _better(p),
        ]
        for p in pairs
    ]
    return ["## Pairs (simulated; p after Holm)", "", *_table(names, rows)]


def _better(pair: Pair) -> str:
    if pair.p_blocks > ALPHA:
        return "cannot be told"
    return pair.first if pair.difference.value > 0 else pair.second


def _held(coverage: Mapping[str, Coverage]) -> list[str]:
    names = {"final": "test questions, as reported", "leader": "search batch, of its leader"}
    rows = [
        [
            names[which],
            _with(Estimate(*(100 * x for x in c.share)), 1),
            str(c.runs),
            f"{c.optimism:+.2f}",
        ]
        for which, c in coverage.items()
    ]
    head = ["95% interval from", "holds the true score, %", "runs", "score above truth, points"]
    return ["## Do the intervals hold? (simulated)", "", *_table(head, rows)]


def _cell(cell: Cell, best: float, standings: Sequence[Standing], measure: str) -> list[str]:
    names = ["method", "mean rank", f"mean {measure}, %", f"median {measure}, %"]
    names += [f"runs at {AT}, %", "calls to it"]
    rows = [
        [
            s.method,
            _with(s.rank, 2),
            _with(s.score, 1),
            _with(s.median, 1),
            f"{100 * s.near:.0f}",
            _with(s.calls, 0),
        ]
        for s in standings
    ]
    title = f"## {cell[0]}, budget {cell[1]:g} (simulated)"
    return [
        title,
        "",
        f"Best known: {100 * best:.1f}%.",
        "",
        *_table(names, rows),
    ]


def _with(estimate: Estimate, digits: int) -> str:
    value, low, high = (f"{x:.{digits}f}" if isfinite(x) else "not reached" for x in estimate)
    return value if value == low == high else f"{value} [{low}, {high}]"


def _table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [names, ["---"] * len(names), *rows]
    assert len({len(line) for line in lines}) == 1, names
    return ["| " + " | ".join(line) + " |" for line in lines]
