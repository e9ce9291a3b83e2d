"""What passes between this process and a sandbox: a program in, its output and report out."""

import os
import selectors
import subprocess
import time

from tts_search.errors import ConfigError
from tts_search.tasks.sandbox.inside import READY

STARTUP = 60.0  # seconds bubblewrap and the interpreter may take to start on a loaded machine
ENDING = 60.0  # seconds a killed sandbox may take to be gone
_REPORT = 4096  # bytes of a report that are read; a longer one is no nonce anyway
_CHUNK = 1 << 16


class Conversation:
    """`output` and `report` (after READY) are what came, each up to one byte past its limit.

    `started` is when the program was sent, by the monotonic clock, None if the sandbox never
    stood; `killed` is why it had to be killed ("time", "output"), or "".
    """

    def __init__(
        self, process: "subprocess.Popen[bytes]", report: int, output_limit: int, wall: float
    ) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.output, self.report = bytearray(), bytearray()
        self.started: float | None = None
        self.killed = ""
        self._process, self._stdin = process, process.stdin.fileno()
        self._limit, self._wall = output_limit, wall
        self._deadline = time.monotonic() + STARTUP
        self._pipes = {process.stdout.fileno(): self.output, report: self.report}

    def hold(self, data: bytes) -> None:
        """Sends `data` once the sandbox stands and reads until the last process inside is gone,
        which is when the pipes end. ConfigError if that does not happen even after a kill."""
        left = memoryview(data)
        os.set_blocking(self._stdin, False)
        with selectors.DefaultSelector() as waiting:
            for pipe in self._pipes:
                waiting.register(pipe, selectors.EVENT_READ)
            while self._pipes:
                for key, _ in waiting.select(max(0.0, self._deadline - time.monotonic())):
                    if key.fd == self._stdin:
                        left = self._send(left)
                        if not left:
                            waiting.unregister(self._stdin)
                            self._end_input()
                    elif not self._receive(key.fd):
                        waiting.unregister(key.fd)
                        del self._pipes[key.fd]
                if self.started is None and self.report.startswith(READY):
                    self._begin()
                    waiting.register(self._stdin, selectors.EVENT_WRITE)
                self._enforce()

    def _begin(self) -> None:
        """Only now is there a program, and only now does its time run: whatever kills the sandbox
        earlier leaves at most an interpreter that finds its input empty and ends."""
        self.started = time.monotonic()
        self._deadline = self.started + self._wall
        del self.report[: len(READY)]

    def _send(self, left: memoryview) -> memoryview:
        try:
            return left[os.write(self._stdin, left) :]
        except BrokenPipeError:  # it has ended, and its pipes will say so
            return left[:0]

    def _end_input(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()

    def _receive(self, pipe: int) -> bool:
        data, into = os.read(pipe, _CHUNK), self._pipes[pipe]
        limit = self._limit if into is self.output else _REPORT
        into += data[: limit + 1 - len(into)]
        return bool(data)

    def _enforce(self) -> None:
        flooded = len(self.output) > self._limit or len(self.report) > _REPORT
        late = time.monotonic() > self._deadline
        if self.killed:
            if late:
                raise ConfigError(f"a killed sandbox was still there after {ENDING:g} s; see ps")
        elif flooded or late:
            self.killed = "output" if flooded else "time"
            self._deadline = time.monotonic() + ENDING
            self._process.kill()
