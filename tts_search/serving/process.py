"""A server's process, with all that it starts."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO

GRACE_S = 15.0  # between asking a server to end and making it
PR_SET_PDEATHSIG = 1


class Server:
    """Starts as it is made, in a process group of its own, and says what it says to `log`. To be
    started by a process of one thread."""

    def __init__(self, words: Sequence[str], env: Mapping[str, str], log: IO[bytes]) -> None:
        self._process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **env},
            start_new_session=True,
            preexec_fn=_end_with_parent,  # noqa: PLW1509 - this process has one thread
        )
        self.pid = self._process.pid

    @property
    def code(self) -> int | None:
        """With which it ended; None while it runs."""
        return self._process.poll()

    def end(self) -> None:
        """With its whole group: vLLM's engines would live on, and keep the memory."""
        _signal_group(self.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_S)
        _signal_group(self.pid, signal.SIGKILL)
        self._process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _signal_group(leader: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(leader, number)


def _end_with_parent() -> None:
    """A keeper that is killed takes the server along (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
