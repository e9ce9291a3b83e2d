"""The archive in words: the textual gradient an agent reads."""

from collections import Counter
from collections.abc import Iterator, Sequence

from tts_search.agents.base import Feedback
from tts_search.core.context import SearchContext
from tts_search.core.trial import Trial


def write_feedback(
    context: SearchContext,
    trials: Sequence[Trial],
    latest: Sequence[Trial],
    *,
    guided: bool = True,
    remember: bool = True,
    shown: int = 6,
) -> Feedback:
    """Scores with their errors, spend, width and depth, what good and bad graphs share.

    remember=False shows the latest trials alone (ablation without archive); `shown` bounds how
    many graphs are listed at each end.
    """
    known = list(trials if remember else latest)
    ranked = sorted(known, key=lambda t: (-t.score, t.evaluation.cost, t.number))
    half = max(1, min(shown, len(ranked) // 2))
    lines = [
        f"{len(known)} graphs scored on the same {context.batch} questions; "
        f"budget {context.space.budget.limit:g} per question.",
        *_spend(known),
        "Best graphs:",
        *(_line(t) for t in ranked[:shown]),
        *(["Worst graphs:", *(_line(t) for t in ranked[half:][-shown:])] if ranked[half:] else []),
        "New in this step:",
        *(_line(t) for t in latest),
        *_shape_table("width", known),
        *_shape_table("depth", known),
        *_shares(ranked[:half], ranked[half:]),
    ]
    return Feedback(tuple(known), tuple(latest), "\n".join(lines), guided)


def _line(trial: Trial) -> str:
    seen = trial.evaluation
    over = "" if trial.within_budget else " OVER BUDGET as measured"
    return (
        f"- {trial.score:.3f} +- {seen.standard_error:.3f}, cost {seen.cost:.2f}{over}, "
        f"width {trial.graph.width}, depth {trial.graph.depth}: {trial.graph}"
    )


def _spend(trials: Sequence[Trial]) -> Iterator[str]:
    if trials:
        spend = trials[-1].spend
        yield f"Spent so far: {spend.calls} calls, {spend.tokens} tokens, ${spend.dollars:.4f}."


def _shape_table(what: str, trials: Sequence[Trial]) -> Iterator[str]:
    """Mean and best score at each width or depth tried."""
    groups: dict[int, list[float]] = {}
    for trial in trials:
        groups.setdefault(getattr(trial.graph, what), []).append(trial.score)
    cells = [
        f"{size}: mean {sum(s) / len(s):.3f}, best {max(s):.3f} (n={len(s)})"
        for size, s in sorted(groups.items())
    ]
    yield f"Score by {what}: " + "; ".join(cells) if cells else f"Score by {what}: none"


def _shares(good: Sequence[Trial], bad: Sequence[Trial]) -> Iterator[str]:
    """How often each kind of node and of edge appears per graph, good against bad."""
    for title, count in (("Nodes", _nodes), ("Edges", _edges)):
        above, below = count(good), count(bad)
        rows = sorted(above | below)
        cells = [
            f"{row} {above[row] / max(1, len(good)):.1f} vs {below[row] / max(1, len(bad)):.1f}"
            for row in rows
        ]
        yield f"{title} per graph, better half vs worse half: " + "; ".join(cells)


def _nodes(trials: Sequence[Trial]) -> Counter[str]:
    return Counter(str(node) for t in trials for node in t.graph.nodes)


def _edges(trials: Sequence[Trial]) -> Counter[str]:
    return Counter(
        f"{t.graph.nodes[src].role}->{t.graph.nodes[dst].role}"
        for t in trials
        for src, dst in t.graph.edges
    )
