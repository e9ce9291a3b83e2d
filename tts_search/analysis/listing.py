"""The trials of a run, and the questions of a trial."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from tts_search.analysis.drawing import draw
from tts_search.analysis.screen import BANNERS
from tts_search.analysis.wrapped import Column, line
from tts_search.record import Entry, Record
from tts_search.tracking.base import run_labels
from tts_search.tracking.folding import one_line
from tts_search.tracking.words import cost, maximised, percent

PAGE = 80
MARK = "★"


def draw_labels(labels: Mapping[str, Any]) -> Iterator[RenderableType]:
    """What no view may be shown without, then what the run was, in one line."""
    for name in run_labels(labels):
        yield Column(Text(), Text(BANNERS[name], "bold yellow"))
    agent = f" ({labels['agent']})" if labels["agent"] else ""
    words = [labels["task"], labels["budget"], f"{labels['optimizer']}{agent}"]
    yield Column(Text(), Text(line(" · ".join(map(str, [*words, f"seed {labels['seed']}"])))))


def draw_run(record: Record) -> Iterator[RenderableType]:
    labels = record.labels
    yield from draw_labels(labels)
    ended = "stopped before its end, or still running: nothing is recommended"
    if labels["finished"]:
        ended = f"finished, the search by {labels['stopped_by']}"
    about = {"engine": labels["engine"], "data": labels["data"], "run": ended}
    for name, text in (about | {"command": record.command}).items():
        if text:
            yield Column(Text(f"{name:<9}", "dim"), Text(line(str(text))))
    yield Text()
    stages = max((len(line(entry.stage)) for entry in record.entries), default=5)
    head = f"  trial  {'stage':<{stages}}   score    cost    est.  graph, reason"
    yield Text(head if record.entries else "no trials yet", "dim")
    for entry in record.entries:
        yield from _trial(entry, entry is record.best, stages)


def _trial(entry: Entry, recommended: bool, stages: int) -> Iterator[RenderableType]:
    first = Text().append(MARK if recommended else " ", "bold green")
    first.append(f" {entry.number:>5}  {line(entry.stage):<{stages}}  {_figure(entry):>6}  ")
    first.append(f"{cost(entry.measured):>6}  ", "default" if entry.within_budget else "red")
    first.append(f"{cost(entry.estimated):>6}  ", "dim")
    yield Column(first, Text(line(one_line(entry.graph))))
    notes = ["recommended"] * recommended + ["over the budget"] * (not entry.within_budget)
    notes += [line(entry.stopped)] * bool(entry.stopped)
    yield Column(Text(" " * 9), Text("; ".join([*notes, line(entry.reason)]), "dim"))


def draw_trial(
    record: Record, entry: Entry, costs: Sequence[float | None], note: str, width: int
) -> Iterator[RenderableType]:
    """`costs` of its questions; `note`: their unit, or why there are none."""
    yield from draw_labels(record.labels)
    title = Text(f"trial {entry.number}", "bold").append(f" · {line(entry.stage)}")
    yield title.append(f" · {MARK} recommended" if entry is record.best else "", "green")
    yield Column(Text(), Text(line(entry.reason), "dim"))
    over = "" if entry.within_budget else ", over the budget"
    over += f", {line(entry.stopped)}" if entry.stopped else ""
    if entry.accuracy is not None and entry.price is not None:
        over += f"; right {percent(entry.accuracy)}, price {cost(entry.price)}"
    figures = f"cost {cost(entry.measured)} measured, {cost(entry.estimated)} estimated{over}"
    yield Column(Text(f"score {_figure(entry)}  ", "bold"), Text(figures))
    yield Text()
    yield draw(entry.graph, min(PAGE, width))
    yield Text()
    yield from _by_node(entry)
    yield Text("    #  score      cost  question", "dim")
    rows = zip(entry.questions, entry.scores, costs, strict=True)
    for number, (question, score, price) in enumerate(rows, start=1):
        figures = f"{number:>5}  {score:>5.3g}  {'-' if price is None else cost(price):>8}  "
        yield Column(Text(figures), Text(line(question)))
    yield Text()
    gaps = "; - : a call is not in the cache" if 0 < costs.count(None) < len(costs) else ""
    yield Column(Text(), Text(line(note + gaps), "dim"))


def _figure(entry: Entry) -> str:
    return maximised(entry.score, priced=entry.price is not None)


def _by_node(entry: Entry) -> Iterator[RenderableType]:
    """Where right answers are won and lost on the way to the sink."""
    if not entry.node_scores:
        return
    yield Text("  own score  node, what it reads", "dim")
    for number, score in enumerate(entry.node_scores):
        node, up = entry.graph.nodes[number], entry.graph.parents[number]
        reads = f" ({', '.join(map(str, up))})" if up else ""
        yield Column(Text(f"{percent(score):>11}  "), Text(line(f"{number} {node}{reads}")))
    yield Text()
