"""How servers share the cards of a machine."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tts_search.errors import ConfigError

RESERVE_GB = 4.0  # a server's keys and values, and what `params`, often rounded, leaves out


@dataclass(frozen=True)
class Placement:
    """Where a server runs. gpus: split over these, none on a CPU; share: of each one's memory, 0
    while that is open; gb: of its weights; replica: which of several of the model, from 0."""

    served: str
    weights: str
    gpus: tuple[int, ...] = ()
    share: float = 0.0
    gb: float = 0.0
    replica: int = 0

    @property
    def part(self) -> str:
        """As in ServerSpec."""
        return f"replica {self.replica + 1}" if self.replica else ""


@dataclass(frozen=True)
class Cards:
    """gpus: their numbers; gb: memory of one, None if not known; memory: the part servers take."""

    gpus: Sequence[int]
    gb: float | None
    memory: float

    def place(self, servers: Sequence[Placement]) -> list[Placement]:
        """Those that have cards or a share keep them. Others, the largest first, go each to the
        emptiest card, or are split over as few as hold them. What is left of a card they share by
        what they need: weights and RESERVE_GB. Raises ConfigError where they do not fit."""
        load: dict[int, float] = dict.fromkeys(self.gpus, 0.0)
        settled = []
        for server in sorted(servers, key=lambda server: -server.gb):
            emptiest = sorted(self.gpus, key=lambda card: load[card])
            chosen = server.gpus or emptiest[: self._count(server.gb)]
            settled.append(replace(server, gpus=tuple(sorted(chosen))))
            for card in chosen:
                load[card] = load.get(card, 0.0) + _need(settled[-1])
        for card in load:
            if (given := _given(card, settled)) > 1:
                raise ConfigError(
                    f"servers are given {given:g} of the memory of card {card}; lower the memory "
                    "of one, '+llm.launch.own={NAME: {memory: 0.4}}'"
                )
        return [
            server if server.share else replace(server, share=self._share(server, settled))
            for server in settled
        ]

    def _count(self, gb: float) -> int:
        """Cards a model is split over: as few as hold it, 1, 2, 4, ... of those there are."""
        count = 1
        while 2 * count <= len(self.gpus) and not self._holds(gb / count + RESERVE_GB):
            count *= 2
        return count

    def _holds(self, gb: float) -> bool:
        return self.gb is None or gb <= self.memory * self.gb

    def _share(self, server: Placement, settled: Sequence[Placement]) -> float:
        """Of what is left of the fullest of its cards."""
        return round(min(self._left(card, settled) for card in server.gpus) * _need(server), 3)

    def _left(self, card: int, settled: Sequence[Placement]) -> float:
        """Share of this card for each GB that is needed on it."""
        there = [server for server in settled if card in server.gpus]
        left = self.memory - _given(card, settled)
        need = sum(_need(server) for server in there if not server.share)
        if left <= 0 or (self.gb and need > left * self.gb):
            of = f"its {self.gb:g} GB are {max(0, left) * self.gb:.0f}" if self.gb else "it is left"
            raise ConfigError(
                f"the servers on card {card} need {need:.0f} GB (weights, and {RESERVE_GB:g} GB "
                f"each), but {max(0, left):.2g} of {of}; name more cards, "
                "llm.launch.gpus=[0,1,2,3], or take a smaller pool (docs/pools.md)"
            )
        return left / need


def _given(card: int, servers: Sequence[Placement]) -> float:
    """Share of a card that is settled already."""
    return sum(server.share for server in servers if card in server.gpus)


def _need(server: Placement) -> float:
    """GB on each of its cards."""
    return server.gb / len(server.gpus) + RESERVE_GB


def visible(gpus: Sequence[int]) -> tuple[str, ...]:
    """What CUDA and nvidia-smi call these cards. A job that was given some of a machine's cards
    (CUDA_VISIBLE_DEVICES) counts among those. Raises ConfigError for one it was not given."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is None:
        return tuple(map(str, gpus))
    names = [name.strip() for name in given.split(",") if name.strip()]
    for gpu in gpus:
        if gpu >= len(names):
            raise ConfigError(
                f"card {gpu} is not there: CUDA_VISIBLE_DEVICES={given!r} shows {len(names)}, "
                "counted from 0; set llm.launch.gpus=[...]"
            )
    return tuple(names[gpu] for gpu in gpus)


def card_gb(names: Sequence[str]) -> float | None:
    """Memory of the smallest of these cards, as nvidia-smi says; None without it."""
    command = ["nvidia-smi", "-i", ",".join(names), "--query-gpu=memory.total"]
    command.append("--format=csv,noheader,nounits")
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
        return min(float(line) for line in said.stdout.split()) * 2**20 / 1e9
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
