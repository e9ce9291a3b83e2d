"""A server's folder: who owns it, who uses it, where it answers. Shared by all processes.

    lock        held while somebody starts, joins or ends the server
    keeper      held by the process that owns the server, as long as it lives
    lease       held, shared, by everybody who uses it
    pinned      exists: the server stays when nobody uses it
    spec.json   what is run;  state.json  how it is;  server.log  what it says

All locks are the kernel's (flock): they end with the process that holds them, however it ends. So
nothing here is ever stale, and a process number is never taken for another's. Keep the folder on a
local disk.
"""

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Literal

from tts_search.serving.spec import ServerSpec

Status = Literal["starting", "up", "failed", "stopped"]


@dataclass(frozen=True)
class State:
    """How a server is, as its keeper last wrote it.

    url     root of its API, ending in /v1
    keeper, server   process numbers, to look at and to end them by hand
    since   Unix time of this status, seconds
    starts  how often it was started, 1 after the first
    reason  why it failed, one line
    """

    status: Status
    url: str
    keeper: int
    server: int
    since: float
    starts: int = 1
    reason: str = ""


class Place:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def spec(self) -> ServerSpec:
        """What is run here."""
        return ServerSpec.of((self.folder / "spec.json").read_text())

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def pinned(self) -> Path:
        return self.folder / "pinned"

    @property
    def kept(self) -> bool:
        """Somebody owns a server here. Who looks does not disturb others who look."""
        return not self._free("keeper", shared=True)

    @property
    def used(self) -> bool:
        return not self._free("lease", shared=False)

    def hold(self, name: str, *, shared: bool = False) -> IO[str] | None:
        """The lock, until the file is closed; None if another has it."""
        file = (self.folder / name).open("a")
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        return file

    def state(self) -> State | None:
        """None before the first start."""
        try:
            return State(**json.loads((self.folder / "state.json").read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def forget(self) -> None:
        """How it was; for who holds the lock while nobody keeps it."""
        (self.folder / "state.json").unlink(missing_ok=True)

    def write(self, state: State) -> None:
        self.write_json("state.json", asdict(state))

    def write_json(self, name: str, data: object) -> None:
        """At once, so that a reader sees the old or the new."""
        scratch = self.folder / f".{name}.{os.getpid()}"
        scratch.write_text(json.dumps(data, indent=1))
        scratch.replace(self.folder / name)

    def said(self) -> str:
        """The last line of the server's log that says something."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - 4096))
                lines = file.read().decode(errors="replace").splitlines()
        except FileNotFoundError:
            return ""
        return next((" ".join(line.split()) for line in reversed(lines) if line.strip()), "")

    def _free(self, name: str, *, shared: bool) -> bool:
        lock = self.hold(name, shared=shared)
        if lock:
            lock.close()
        return lock is not None
