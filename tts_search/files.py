"""What a run leaves in its directory."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tts_search.analysis.curves import save_curve
from tts_search.analysis.picture import save_pictures
from tts_search.archive import Point
from tts_search.core.result import Summary


def write_files(summary: Summary, points: Sequence[Point], folder: Path) -> tuple[Path, ...]:
    """summary.json, best_graph.json, and pictures where they can be drawn."""
    whole = summary.to_json()
    graph = {"task": summary.task, "key": summary.best_key, **whole["best"]}
    curve = save_curve(points, f"{summary.task} · {summary.optimizer}", folder / "curve.png")
    return (
        _write(folder / "summary.json", whole),
        _write(folder / "best_graph.json", graph),
        *save_pictures(summary, folder),
        *([curve] if curve else []),
    )


def _write(path: Path, data: dict[str, Any]) -> Path:
    path.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path
