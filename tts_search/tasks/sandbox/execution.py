"""One program in one sandbox: started, talked to, and gone without a trace."""

import os
import subprocess
import threading
import time
from dataclasses import dataclass
from secrets import token_hex
from signal import SIGKILL, SIGPROF, SIGXCPU

from tts_search.errors import ConfigError
from tts_search.tasks.sandbox import bubblewrap, seccomp
from tts_search.tasks.sandbox.conversation import Conversation

WALL = 5.0  # wall-clock seconds a program has for each of its CPU seconds


@dataclass(frozen=True)
class Limits:
    """CPU seconds and bytes of memory of each process, bytes of /tmp and of output."""

    seconds: float
    memory: int
    disk: int
    output: int
    processes: int


@dataclass(frozen=True)
class Outcome:
    """`passed` says that the program ran to its very end; `reason` why not, in a few words:
    "exit 1: AssertionError: ...", "time", "memory", "output", "ended early", "signal 11".
    `output` is standard output and error as they came, cut at the limit; `seconds` wall-clock."""

    passed: bool
    reason: str
    output: str
    seconds: float


class Execution:
    """`run` once, in any thread; `stop` from any other kills what is inside."""

    def __init__(self, limits: Limits, program: str) -> None:
        self._limits = limits
        self._nonce = token_hex(16).encode()
        self._input = self._nonce + b"\n" + program.encode("utf-8", "surrogatepass")
        self._lock, self._stopped = threading.Lock(), False
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, bwrap: str, way: bubblewrap.Way, uid: int) -> Outcome:
        """ConfigError when the sandbox, rather than the program, failed. `uid`: see inside.py."""
        with self._lock:
            if self._stopped:
                raise ConfigError("the sandbox was stopped before it started; start it again")
            process, report = self._start(bwrap, way, uid)
            self._process = process
        limits = self._limits
        with process:
            try:
                talk = Conversation(process, report, limits.output, WALL * limits.seconds)
                talk.hold(self._input)
            finally:
                os.close(report)
                process.kill()
        return self._outcome(talk, process.returncode)

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            if self._process is not None:
                self._process.kill()

    def _start(
        self, bwrap: str, way: bubblewrap.Way, uid: int
    ) -> tuple["subprocess.Popen[bytes]", int]:
        limits = self._limits
        rules = _pipe_holding(seccomp.program())
        report, theirs = os.pipe()
        words = (theirs, uid, limits.seconds, limits.memory, limits.disk, limits.processes)
        arguments = [str(word) for word in words]
        try:
            process = subprocess.Popen(
                bubblewrap.command(bwrap, way, limits.disk, rules, arguments),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                pass_fds=(rules, theirs),
                env={},
                cwd="/",
                start_new_session=True,  # Ctrl-C in the terminal is for the parent alone
                user=way.user,
                group=way.user,
                extra_groups=None if way.user is None else [],
            )
        except OSError as error:
            os.close(report)
            raise ConfigError(_unable(f"{bwrap}: {error.strerror}")) from None
        finally:
            os.close(rules)
            os.close(theirs)
        return process, report

    def _outcome(self, talk: Conversation, status: int) -> Outcome:
        said = talk.output[: self._limits.output].decode("utf-8", "replace")
        if talk.started is None:
            raise ConfigError(_unable(said.strip().rpartition("\n")[2] or f"exit {status}"))
        if status < 0 and not talk.killed:
            raise ConfigError(f"the sandbox was killed from outside by signal {-status}; run again")
        seconds = time.monotonic() - talk.started
        reason = talk.killed or self._reason(bytes(talk.report), status, seconds)
        return Outcome(reason == "passed", reason, said, seconds)

    def _reason(self, report: bytes, status: int, seconds: float) -> str:
        """What the report and the status of bubblewrap (128 + a signal's number) amount to."""
        if report == self._nonce:
            return "passed"
        line = " ".join(report.decode("utf-8", "replace").split())
        if status in (128 + SIGPROF, 128 + SIGXCPU) or (
            status == 128 + SIGKILL and seconds >= self._limits.seconds
        ):
            return "time"
        if line.startswith("MemoryError"):
            return "memory"
        if status > 128:
            return f"signal {status - 128}"
        if status == 0:
            return "ended early"
        return f"exit {status}: {line}" if line else f"exit {status}"


def _pipe_holding(data: bytes) -> int:
    """The reading end of a pipe with `data` (which fits into it) and then its end."""
    reading, writing = os.pipe()
    with open(writing, "wb") as pipe:
        pipe.write(data)
    return reading


def _unable(why: str) -> str:
    return f"the sandbox must start before a program can, and did not ({why}); run again"
