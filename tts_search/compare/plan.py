"""What is compared: methods x worlds x budgets x seeds, and what a single search of it is."""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from tts_search.errors import ConfigError

TRIALS = 300  # graphs a search may try
CALLS = 6_000  # what a search with its finals may spend, unless told otherwise


@dataclass(frozen=True)
class Job:
    """One search. Jobs of one world, budget and seed are a block: they meet the same questions.

    method  a YAML of conf/optimizer and settings of its own: "tpe", "maao optimizer.samples=8"
    twin    another course of the same method in the same block, for A/A
    """

    world: str
    budget: float
    method: str
    seed: int
    twin: int = 0

    @property
    def block(self) -> int:
        """Seed of the block. No two blocks share questions, or they were not independent."""
        return zlib.crc32(f"{self.world} {self.budget:g} {self.seed}".encode())

    @property
    def path(self) -> Path:
        """Of its file, below the folder of all runs."""
        twin = f"-{self.twin}" if self.twin else ""
        folder = Path(self.world) / f"{self.budget:g}" / re.sub(r"[^\w.=-]+", "_", self.method)
        return folder / f"{self.seed}{twin}.json"


@dataclass(frozen=True)
class Plan:
    """worlds: names of conf/llm/world, or random-N. overrides: settings of every run.

    validation, test  questions that choose among the finalists, and that score the winner
    """

    conf: Path
    methods: tuple[str, ...]
    worlds: tuple[str, ...]
    budgets: tuple[float, ...]
    seeds: int
    overrides: tuple[str, ...] = ()
    validation: int = 120
    test: int = 240
    twins: int = 1

    def __post_init__(self) -> None:
        for name in ("methods", "worlds", "budgets"):
            if len(set(getattr(self, name))) < max(1, len(getattr(self, name))):
                raise ConfigError(
                    f"--{name} must name at least one and none twice, but got "
                    f"{' '.join(map(str, getattr(self, name))) or 'none'}"
                )
        for name in ("seeds", "validation", "test"):
            if getattr(self, name) < 1:
                raise ConfigError(f"--{name} must be at least 1, but got {getattr(self, name)}")

    def jobs(self) -> Iterator[Job]:
        """World by world, so that a process can reuse what it knows of one."""
        for world, budget, seed in product(self.worlds, self.budgets, range(self.seeds)):
            for method, twin in product(self.methods, range(self.twins)):
                yield Job(world, budget, method, seed, twin)


def choices(conf: Path, group: str) -> tuple[str, ...]:
    """Names of the YAMLs of a group."""
    found = tuple(sorted(path.stem for path in (conf / group).glob("*.yaml")))
    if not found:
        raise ConfigError(f"{conf / group} must hold YAMLs, but there are none; type --conf DIR")
    return found
