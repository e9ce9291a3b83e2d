"""How a run reads in a tracker: its name, its metrics, its outcome, as flat plain data."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tts_search.core.result import Summary
from tts_search.core.trial import Trial
from tts_search.tracking.base import run_labels
from tts_search.tracking.folding import one_line

SPEND = "spend/calls"
COLUMNS = ("trial", "score", "se", "cost", "estimate", "width", "depth", "within_budget", "graph")


def options(info: Mapping[str, Any]) -> dict[str, Any]:
    """Name, group, tags, place and config of a run."""
    folder = Path(info.get("folder") or ".")
    folder.mkdir(parents=True, exist_ok=True)
    labels = run_labels(info)
    task, budget, method = (str(info.get(k) or k) for k in ("task", "budget", "optimizer"))
    name = " ".join([task, budget, method, f"seed {info.get('seed', 0)}", *labels])
    tags = [task, method, *(str(info[k]) for k in ("data", "agent") if info.get(k)), *labels]
    return {
        "dir": str(folder),
        "name": name,
        "group": re.sub(r"\s+", "-", f"{task}/{budget}/{method}")[:128],
        "tags": list(dict.fromkeys(tag[:64] for tag in tags)),
        "config": dict(info.get("config") or {}),
        "reinit": "create_new",
        "save_code": False,
    }


def metrics(trial: Trial) -> dict[str, float]:
    seen, spend = trial.evaluation, trial.spend
    return {
        SPEND: spend.calls,
        "trial/number": trial.number,
        "trial/score": trial.score,
        "trial/se": seen.standard_error,
        **({"trial/accuracy": seen.mean, "trial/price": seen.price} if seen.prices else {}),
        "trial/cost": seen.cost,
        "trial/width": trial.graph.width,
        "trial/depth": trial.graph.depth,
        "trial/nodes": len(trial.graph.nodes),
        "trial/failures": seen.failures,
        "spend/tokens": spend.tokens,
        "spend/dollars": spend.dollars,
        "spend/agent_tokens": spend.agent_tokens,
        "spend/agent_dollars": spend.agent_dollars,
    }


def row(trial: Trial) -> list[object]:
    seen, graph = trial.evaluation, trial.graph
    shape = (graph.width, graph.depth, trial.within_budget, one_line(graph, 200))
    return [trial.number, trial.score, seen.standard_error, seen.cost, trial.estimate, *shape]


def outcome(summary: Summary) -> dict[str, Any]:
    """What the run table of a project shows."""
    found: dict[str, Any] = {
        "test/score": summary.test.score,
        "test/low95": summary.test.ci95.low,
        "test/high95": summary.test.ci95.high,
        "test/n": summary.test.n,
        "test/cost": summary.test.cost,
        "search/score": summary.search_score,
        "validation/score": summary.validation_score,
        "simulated": summary.simulated,
        "best_graph": one_line(summary.best, 200),
        "calls/sent": summary.calls.sent,
        "calls/reused": summary.calls.reused,
        "calls/failed": summary.calls.failed,
        "calls/prompt_tokens": summary.calls.prompt_tokens,
        "calls/prefix_tokens": summary.calls.prefix_tokens,
    }
    return found | {f"baseline/{b.name}": b.score for b in summary.baselines}
