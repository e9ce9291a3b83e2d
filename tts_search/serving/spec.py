"""What a server is, as data."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

PORT, SPARE = "{port}", "{spare}"  # in a command: its port, and another that is free
SAMPLE = 1 << 16  # bytes read at either end of a file to tell it from another


@dataclass(frozen=True)
class ServerSpec:
    """A server of a model, or the router of several.

    served     the name it answers to
    part       which of several servers of the model: "replica 2", "router"; "" the first
    identity   what decides its answers: weights and settings. Servers of equal identity are one
               and the same for everybody, wherever they run and however much memory they have
    command    its words; PORT and SPARE are filled in
    gpus       cards it runs on, as CUDA calls them
    env        variables beside those of the process that starts it
    start_s    seconds until it must answer
    linger_s   seconds it stays up when nobody uses it
    restarts   how often it is started again after it died
    """

    served: str
    identity: str
    command: tuple[str, ...]
    part: str = ""
    gpus: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, hash=False)
    start_s: float = 900.0
    linger_s: float = 60.0
    restarts: int = 2

    @property
    def key(self) -> str:
        """Names its folder."""
        name = f"{self.identity} {self.part}".strip()
        digest = hashlib.blake2b(name.encode(), digest_size=5).hexdigest()
        return f"{re.sub(r'[^A-Za-z0-9.-]+', '_', self.title)}-{digest}"

    @property
    def package(self) -> str:
        """Of Python, which is run; "" where it is another program."""
        words = self.command
        return words[words.index("-m") + 1].partition(".")[0] if "-m" in words else ""

    @property
    def title(self) -> str:
        """What it is called on the screen."""
        return titled(self.served, self.part)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, text: str) -> "ServerSpec":
        """As another version of this package may have written it, too."""
        known = {each.name for each in fields(cls)}
        data = {name: value for name, value in json.loads(text).items() if name in known}
        command, gpus = tuple(data["command"]), tuple(map(str, data.get("gpus", ())))
        return cls(**{**data, "command": command, "gpus": gpus})


def titled(served: str, part: str) -> str:
    """A server of a model by its name and which of several it is."""
    return f"{served} {part}".strip()


def weights_name(weights: str) -> str:
    """A repository by its name, a folder by its content, sampled: other weights are another model,
    the same ones elsewhere are the same."""
    folder = Path(weights).expanduser()
    if not folder.is_dir():
        return weights
    digest = hashlib.blake2b(digest_size=8)
    for file in sorted(p for p in folder.iterdir() if p.is_file()):
        digest.update(f"{file.name} {file.stat().st_size}".encode())
        with file.open("rb") as stream:
            digest.update(stream.read(SAMPLE))
            stream.seek(max(0, file.stat().st_size - SAMPLE))
            digest.update(stream.read(SAMPLE))
    return f"{folder.name} {digest.hexdigest()}"
