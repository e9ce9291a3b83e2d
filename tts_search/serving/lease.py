"""Using a server: join the one that runs, or start it; wait until it answers; let go."""

import asyncio
import logging
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from tts_search.errors import EngineUnavailable
from tts_search.serving.place import Place, State
from tts_search.serving.spec import ServerSpec

_log = logging.getLogger(__name__)
POLL_S = 0.1
TOLD_EVERY_S = 15.0
KEEPER_S = 30.0
HAS = "import importlib.util as u, sys; sys.exit(u.find_spec(sys.argv[1]) is None)"


class Lease:
    """A server in use, from `lease` to `close`. Ends with the process, too."""

    def __init__(self, place: Place, file: IO[str]) -> None:
        self.place = place
        self._file = file

    @property
    def state(self) -> State:
        """Raises EngineUnavailable if there is no server any more and nobody will bring it back."""
        state = self.place.state()
        if state is None or not self.place.kept or state.status in ("failed", "stopped"):
            reason = (state.reason if state else "") or "its keeper was killed"
            raise EngineUnavailable(
                f"the server of {self.place.folder.name} is gone: {reason}; its log is "
                f"{self.place.log}. Finished calls are kept; run the same command again"
            )
        return state

    async def up(self) -> State:
        """Wait until it answers, saying so now and then. Raises EngineUnavailable."""
        began = told = time.monotonic()
        while (state := self.state).status != "up":
            await asyncio.sleep(POLL_S)
            if time.monotonic() - told > TOLD_EVERY_S:
                told = time.monotonic()
                _log.info("%s: %.0f s, %s", self._name, told - began, self.place.said())
        if told != began or time.monotonic() - began > POLL_S:
            _log.info("%s: up after %.0f s", self._name, time.monotonic() - began)
        return state

    def close(self) -> None:
        """Let go. Its keeper ends the server some time after the last one did."""
        self._file.close()

    @property
    def _name(self) -> str:
        return f"server of {self.place.folder.name}"


async def lease(spec: ServerSpec, root: Path) -> Lease:
    """Join the server of this identity below `root`, or have it started. Does not wait for it to
    answer. Raises EngineUnavailable if no keeper can be started."""
    place = Place(root / spec.key)
    while not (lock := place.hold("lock")):
        await asyncio.sleep(POLL_S)
    try:
        if not place.kept:
            await _start(spec, place)
        while not (file := place.hold("lease", shared=True)):
            await asyncio.sleep(POLL_S)  # its keeper looks whether it is used
        return Lease(place, file)
    finally:
        lock.close()


async def lease_all(
    specs: Sequence[ServerSpec], router: Callable[[Sequence[str]], ServerSpec], root: Path
) -> list[Lease]:
    """All up. Of several, the last is a router, which has the one address of all; `router` says
    how it is run, given theirs. A server that dies comes back at its address, so it finds them
    again. Raises EngineUnavailable, and holds none then."""
    held: list[Lease] = []
    try:
        for spec in specs:
            held.append(await lease(spec, root))
        urls = [(await each.up()).url for each in held]
        if len(urls) > 1:
            held.append(await lease(router(urls), root))
            await held[-1].up()
    except BaseException:
        for each in held:
            each.close()
        raise
    return held


async def _start(spec: ServerSpec, place: Place) -> None:
    """Start a keeper, and wait until it has taken over."""
    _check_program(spec)
    _log.info("starting the server of %s; its log: %s", spec.title, place.log)
    place.write_json("spec.json", spec.to_json())
    place.forget()
    place.log.write_bytes(b"")
    command = [sys.executable, "-m", "tts_search.serving.keeper", str(place.folder)]
    with place.log.open("ab") as log:
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            check=False,
        )
    deadline = time.monotonic() + KEEPER_S
    while place.state() is None:
        if time.monotonic() > deadline:
            raise EngineUnavailable(f"{spec.title} cannot be served: {place.said()}")
        await asyncio.sleep(POLL_S)


def _check_program(spec: ServerSpec) -> None:
    """Raises EngineUnavailable where the server cannot even be started."""
    python, package = spec.command[0], spec.package
    if not shutil.which(python):
        lacking = f"{python}, which would serve it, does not exist"
    elif package and subprocess.run([python, "-c", HAS, package], check=False).returncode:
        lacking = f"{python} has no {package.replace('_', '-')}"
    else:
        return
    raise EngineUnavailable(
        f"{spec.title} is not served yet, and {lacking}; give the python of an environment with "
        "vLLM, llm.launch.python=... (docs/vllm.md), or the URL of a server, llm.base_url=..."
    )
