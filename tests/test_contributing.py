"""Every example of CONTRIBUTING.md is added as it stands and searched with."""

import importlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tts_search.main import main

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
FENCED = re.compile(r"```\w+\n# (\S+)\n(.*?)```", flags=re.DOTALL)
FILES = dict(FENCED.findall(GUIDE))
COMMANDS = re.findall(r"^    python run\.py (.+)$", GUIDE, flags=re.MULTILINE)


@pytest.fixture
def extended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The guide's files beside the package and its configs, as if they had been added."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    before = set(sys.modules)
    for package in ("tasks", "optimizers", "budgets"):
        module = importlib.import_module(f"tts_search.{package}")
        here = str(tmp_path / "tts_search" / package)
        monkeypatch.setattr(module, "__path__", [*module.__path__, here])
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("tts_search."):
            del sys.modules[name]


def test_the_guide_has_an_example_of_each_kind() -> None:
    assert {name.split("/")[1] for name in FILES if name.startswith("conf/")} == {
        "task",
        "optimizer",
        "budget",
        "roles",
        "model",
    }
    assert len(COMMANDS) == 5


@pytest.mark.parametrize("command", COMMANDS)
def test_what_the_guide_adds_can_be_searched_with(
    command: str, extended: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = extended / "out"
    own = [
        f"hydra.searchpath=[file://{extended / 'conf'}]",
        f"hydra.run.dir={folder}",
        f"cache={extended / 'cache.sqlite'}",
        "llm=simulated",
        "search.max_trials=32",
        "search.batch=10",
        "search.profile=2",
    ]
    monkeypatch.setattr(sys, "argv", ["run.py", *own, *command.split()])
    monkeypatch.chdir(extended)
    assert main(ROOT / "conf") == 0
    summary = json.loads((folder / "summary.json").read_text())
    lines = [json.loads(line) for line in (folder / "archive.jsonl").read_text().splitlines()]
    used = {name for line in lines for node in line["nodes"] for name in node}
    added = {
        "task=parity": summary["task"] == "parity",
        "optimizer=greedy_width": summary["optimizer"] == "greedy_width",
        "budget=calls": summary["budget"]["metric"] == "calls",
        "critic": "critic" in used,
        "my-model": "my-model" in used,
    }
    (shown,) = [found for word, found in added.items() if word in command]
    assert shown
    assert summary["test"]["n"] > 0
