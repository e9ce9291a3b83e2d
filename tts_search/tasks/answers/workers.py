"""Calls of slow or fragile functions in child processes, in bounded time.

Not multiprocessing.Pool: a worker must be killed and replaced when it hangs, must not re-import
the user's main script, and must not see Ctrl-C. Not asyncio subprocesses: those are tied to one
event loop, and a task may be used from several.
"""

import asyncio
import os
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import Pipe
from typing import Any

from tts_search.errors import ConfigError
from tts_search.tasks.answers.worker import READY

STARTUP = 120.0  # seconds a worker may take to import its libraries on a loaded machine
GRACE = 1.0  # seconds past its limit after which a worker is killed


class CallLost(Exception):
    """The function raised, took too long, or took its process down."""


class Pool:
    """Runs functions of `module` in up to `workers` processes, started when needed.

    `await call(function, *args)` returns what the function returns (args and result are pickled);
    `call_now` does so without an event loop. They raise CallLost after `seconds` of running time
    or any failure of the call, and ConfigError when the module cannot be imported at all.
    Processes hash strings alike (PYTHONHASHSEED=0), so what depends on set order is reproducible.
    """

    def __init__(self, module: str, workers: int = 2, seconds: float = 5.0) -> None:
        self._module, self._seconds = module, seconds
        self._workers = max(1, workers)
        self._idle: list[_Worker] = []
        self._lock = threading.Lock()
        self._threads: ThreadPoolExecutor | None = None

    async def call(self, function: str, *args: Any) -> Any:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._workers, thread_name_prefix="checker")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._threads, lambda: self.call_now(function, *args, seconds=self._seconds)
        )

    async def aclose(self) -> None:
        """Stop the processes. A later call starts new ones."""
        threads, self._threads = self._threads, None
        if threads is not None:
            await asyncio.to_thread(threads.shutdown, cancel_futures=True)
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.stop()

    def call_now(self, function: str, *args: Any, seconds: float) -> Any:
        """The same in the calling thread, with a time limit of its own."""
        with self._lock:
            worker = self._idle.pop() if self._idle else None
        worker = worker or _Worker(self._module)
        try:
            done, result = worker.ask(seconds, function, args)
        except BaseException:
            worker.stop()
            raise
        with self._lock:
            self._idle.append(worker)
        if not done:
            raise CallLost(result)
        return result


class _Worker:
    """One child process; it ends by itself when this end of its pipe closes."""

    def __init__(self, module: str) -> None:
        self._pipe, theirs = Pipe()
        command = [sys.executable, "-m", "tts_search.tasks.answers.worker"]
        with theirs:
            self._process = subprocess.Popen(
                [*command, str(theirs.fileno()), module],
                pass_fds=[theirs.fileno()],
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                    "PYTHONHASHSEED": "0",
                },
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in the terminal is for the parent alone
            )
        self.stop = weakref.finalize(self, _stop, self._process, self._pipe)
        try:
            state = self._receive(STARTUP)
        except CallLost as error:
            self.stop()
            raise ConfigError(f"{module} cannot run in a worker process: {error}") from None
        if state != READY:
            self.stop()
            raise ConfigError(f"{module} cannot run in a worker process: {state}")

    def ask(self, seconds: float, function: str, args: tuple[Any, ...]) -> tuple[bool, Any]:
        try:
            self._pipe.send((seconds, function, args))
        except OSError:
            raise CallLost("the worker process was gone") from None
        done, result = self._receive(seconds + GRACE)
        return bool(done), result

    def _receive(self, seconds: float) -> Any:
        try:
            if not self._pipe.poll(seconds):
                raise CallLost(f"no reply within {seconds} s; the worker process was killed")
            return self._pipe.recv()
        except (EOFError, OSError):
            raise CallLost("the worker process died") from None


def _stop(process: "subprocess.Popen[bytes]", pipe: Any) -> None:
    pipe.close()
    process.kill()
    process.wait()
