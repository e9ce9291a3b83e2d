"""What a server is, as data."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

PORT = "{port}"


@dataclass(frozen=True)
class ServerSpec:
    """One server of one model.

    served     the name it answers to
    identity   what decides its answers: weights and settings. Servers of equal identity are one
               and the same for everybody, wherever they run and however much memory they have
    command    its words; {port} is filled in
    gpus       cards it runs on
    env        variables beside those of the process that starts it
    start_s    seconds until it must answer
    linger_s   seconds it stays up when nobody uses it
    restarts   how often it is started again after it died
    """

    served: str
    identity: str
    command: tuple[str, ...]
    gpus: tuple[int, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, hash=False)
    start_s: float = 900.0
    linger_s: float = 60.0
    restarts: int = 2

    @property
    def key(self) -> str:
        """Names its folder."""
        digest = hashlib.blake2b(self.identity.encode(), digest_size=5).hexdigest()
        return f"{re.sub(r'[^A-Za-z0-9.-]+', '_', self.served)}-{digest}"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, text: str) -> "ServerSpec":
        data = json.loads(text)
        return cls(**{**data, "command": tuple(data["command"]), "gpus": tuple(data["gpus"])})
