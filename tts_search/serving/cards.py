"""How servers share the cards of a machine."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tts_search.errors import ConfigError

RESERVE_GB = 4.0  # a server's keys and values, and what `params`, often rounded, leaves out


@dataclass(frozen=True)
class Placement:
    """Where a server runs. gpus: split over these, none on a CPU; share: of each one's memory;
    gb: of its weights."""

    served: str
    weights: str
    gpus: tuple[int, ...] = ()
    share: float = 0.0
    gb: float = 0.0


@dataclass(frozen=True)
class Cards:
    """gpus: their numbers; gb: memory of one, None if not known; memory: the part servers take."""

    gpus: Sequence[int]
    gb: float | None
    memory: float

    def place(
        self, servers: Sequence[Placement], fixed: Mapping[str, Sequence[int]]
    ) -> list[Placement]:
        """Largest first, each on the emptiest card, or split over as few as hold it, unless
        `fixed` says where. On a card every server gets a share like what it needs: weights and
        RESERVE_GB. Raises ConfigError where they do not fit."""
        load: dict[int, float] = dict.fromkeys(self.gpus, 0.0)
        where: dict[str, tuple[int, ...]] = {}
        ordered = sorted(servers, key=lambda server: -server.gb)
        for server in ordered:
            emptiest = sorted(self.gpus, key=lambda card: load[card])
            chosen = fixed.get(server.served) or emptiest[: self._count(server.gb)]
            where[server.served] = tuple(sorted(chosen))
            for card in chosen:
                load[card] = load.get(card, 0.0) + _need(server, len(chosen))
        return [self._placed(server, where[server.served], load) for server in ordered]

    def _count(self, gb: float) -> int:
        """Cards a model is split over: as few as hold it, 1, 2, 4, ... of those there are."""
        count = 1
        while 2 * count <= len(self.gpus) and not self._holds(gb / count + RESERVE_GB):
            count *= 2
        return count

    def _holds(self, gb: float) -> bool:
        return self.gb is None or gb <= self.memory * self.gb

    def _placed(
        self, server: Placement, cards: tuple[int, ...], load: Mapping[int, float]
    ) -> Placement:
        fullest = max(cards, key=lambda card: load[card])
        if self.gb and not self._holds(load[fullest]):
            raise ConfigError(
                f"{server.served}: the servers on card {fullest} need {load[fullest]:.0f} GB "
                f"(weights, and {RESERVE_GB:g} GB each), but {self.memory:g} of its {self.gb:g} GB "
                f"are {self.memory * self.gb:.0f}; name more cards, llm.launch.gpus=[0,1,2,3], or "
                "take a smaller pool (docs/pools.md)"
            )
        share = self.memory * _need(server, len(cards)) / load[fullest]
        return Placement(server.served, server.weights, cards, round(share, 3), server.gb)


def _need(server: Placement, cards: int) -> float:
    """GB on each of so many cards."""
    return server.gb / cards + RESERVE_GB


def card_gb() -> float | None:
    """Memory of the smallest card here, as nvidia-smi says; None without it."""
    command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
        return min(float(line) for line in said.stdout.split()) * 2**20 / 1e9
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
