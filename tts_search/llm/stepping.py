"""The one thread that owns a pipeline: it admits requests while it steps, and returns replies."""

import asyncio
import contextlib
import queue
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tts_search.errors import CallRejected, EngineUnavailable, TTSError
from tts_search.llm.base import Completion, Message, Request
from tts_search.llm.openvino_engine import Pipeline, Prompt

PREFIXES = 64  # shared prefixes remembered as warm; the pipeline forgets the oldest first as well
TURN = 0.002  # seconds given to the event loop to send what a finished call was waited for by

Prefix = tuple[Message, ...]


@dataclass(eq=False, slots=True)
class Job:
    """One waiting call. A cancelled future means that nobody waits any more."""

    request: Request
    future: asyncio.Future[Completion]
    loop: asyncio.AbstractEventLoop
    added: float = field(default_factory=time.monotonic)
    prompt: Prompt | None = None
    handle: Any = None

    @property
    def prefix(self) -> Prefix:
        """What this call shares with others: all messages (system, demos) but the last."""
        return self.request.messages[:-1]

    def settle(self, outcome: Completion | BaseException) -> None:
        def deliver() -> None:
            if self.future.done():
                return
            if isinstance(outcome, BaseException):
                self.future.set_exception(outcome)
            else:
                self.future.set_result(outcome)

        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
            self.loop.call_soon_threadsafe(deliver)


class Stepper:
    """Runs the pipeline that `load` returns until told to close.

    At most `window` requests are in the pipeline; the others wait here, in order. The first request
    of a prefix goes ahead of the others with that prefix until its prompt is read: they then find
    it in the prefix cache, where together they would each have computed it (2-5 times slower).
    """

    def __init__(self, load: Callable[[], Pipeline], window: int) -> None:
        self._load = load
        self._window = window
        self._inbox: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._ready: deque[Job] = deque()
        self._live: dict[int, Job] = {}
        self._warm: OrderedDict[Prefix, None] = OrderedDict()
        self._gates: dict[Prefix, tuple[Job, list[Job]]] = {}
        self._proven: set[str] = set()
        self._count = 0
        self._closing = False
        self._answered = False
        self.broken: EngineUnavailable | None = None
        self.thread = threading.Thread(target=self._run, name="embedded-llm", daemon=True)
        self.thread.start()

    def submit(self, job: Job) -> None:
        self._inbox.put(job)
        if self.broken is not None:  # the thread may have ended before it saw this job
            job.settle(self.broken)

    def close(self) -> None:
        """End the thread after its current step; what still waits fails. Safe to call twice."""
        self._inbox.put(None)
        if self.thread is not threading.current_thread():
            self.thread.join()

    def _run(self) -> None:
        try:
            pipeline = self._load()
            while self._receive():
                self._admit(pipeline)
                pipeline = self._step(pipeline)
                self._collect(pipeline)
            self._abandon(pipeline)
            self.broken = EngineUnavailable("the embedded engine was closed")
        except TTSError as error:
            self.broken = EngineUnavailable(str(error))
        except BaseException as error:
            self.broken = EngineUnavailable(f"the embedded engine stopped: {error!r}")
        self._fail_all(self.broken)

    def _receive(self) -> bool:
        """Take what arrived; wait if there is nothing to do. False when it is time to end."""
        idle = not self._live and not self._ready
        patience = None if idle else TURN if self._answered else 0
        with contextlib.suppress(queue.Empty):
            self._put(self._inbox.get(timeout=patience))
            while not self._closing:
                self._put(self._inbox.get_nowait())
        self._answered = False
        return not self._closing

    def _put(self, job: Job | None) -> None:
        if job is None:
            self._closing = True
        else:
            self._ready.append(job)

    def _admit(self, pipeline: Pipeline) -> None:
        while self._ready and len(self._live) < self._window:
            job = self._ready.popleft()
            if job.future.cancelled():
                continue
            if job.prefix in self._warm:
                self._warm.move_to_end(job.prefix)
            elif job.prefix in self._gates:
                self._gates[job.prefix][1].append(job)
                continue
            self._enter(pipeline, job)

    def _enter(self, pipeline: Pipeline, job: Job) -> None:
        try:
            job.prompt = pipeline.encode(job.request)
            job.handle = pipeline.add(self._count, job.prompt, job.request)
        except CallRejected as error:
            job.settle(error)
            return
        self._live[self._count] = job
        self._count += 1
        if job.prefix and job.prefix not in self._warm:
            self._gates[job.prefix] = (job, [])

    def _step(self, pipeline: Pipeline) -> Pipeline:
        if not self._live:
            return pipeline
        try:
            pipeline.step()
        except RuntimeError as error:
            return self._recover(error)
        return pipeline

    def _recover(self, error: RuntimeError) -> Pipeline:
        """A schema that cannot be compiled breaks the pipeline: refuse it, start anew without it.

        Raises EngineUnavailable if no schema can be the cause.
        """
        jobs = list(self._live.values())
        suspects = [j for j in jobs if j.request.schema and j.request.schema not in self._proven]
        if not suspects:
            raise EngineUnavailable(f"the embedded engine stopped: {error}") from error
        for job in suspects:
            job.settle(CallRejected(f"the engine cannot follow this JSON schema: {error}"))
        waiting = [job for _, gate in self._gates.values() for job in gate]
        self._ready.extendleft(reversed([j for j in jobs if j not in suspects] + waiting))
        self._live.clear()
        self._gates.clear()
        self._warm.clear()
        return self._load()

    def _collect(self, pipeline: Pipeline) -> None:
        now = time.monotonic()
        for number, job in list(self._live.items()):
            outcome: Completion | TTSError | None = None
            if job.future.cancelled():
                job.handle.cancel()
            elif pipeline.finished(job.handle):
                outcome = self._outcome(pipeline, job, now)
            else:
                continue
            del self._live[number]  # before the answer is delivered: its receiver may look
            self._answered = True
            if outcome is not None:
                job.settle(outcome)
        self._open_gates()

    def _outcome(self, pipeline: Pipeline, job: Job, now: float) -> Completion | TTSError:
        if job.request.schema:
            self._proven.add(job.request.schema)
        assert job.prompt is not None
        try:
            return pipeline.result(job.handle, job.prompt, now - job.added)
        except TTSError as error:
            return error

    def _open_gates(self) -> None:
        for prefix, (first, waiting) in list(self._gates.items()):
            if first in self._live.values() and not first.handle.can_read():
                continue
            del self._gates[prefix]
            self._ready.extendleft(reversed(waiting))
            if first.future.cancelled():
                continue
            self._warm[prefix] = None
            if len(self._warm) > PREFIXES:
                self._warm.popitem(last=False)

    def _abandon(self, pipeline: Pipeline) -> None:
        """Take all calls out of the pipeline, which would otherwise report leaked memory."""
        for job in self._live.values():
            job.handle.cancel()
        while pipeline.busy():  # also with what was cancelled since the last step
            pipeline.step()

    def _fail_all(self, error: EngineUnavailable) -> None:
        waiting = [job for _, gate in self._gates.values() for job in gate]
        for job in (*self._live.values(), *self._ready, *waiting):
            job.settle(error)
        self._live.clear()
        with contextlib.suppress(queue.Empty):
            while True:
                job_or_none = self._inbox.get_nowait()
                if job_or_none is not None:
                    job_or_none.settle(error)
