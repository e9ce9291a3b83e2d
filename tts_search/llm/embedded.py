"""The embedded engine: a small language model in this process, with no server and no account."""

import asyncio
import logging
import weakref
from functools import cached_property, partial

from tts_search.errors import ConfigError, EngineUnavailable
from tts_search.llm.base import Completion, Request
from tts_search.llm.openvino_engine import EngineSettings, Pipeline
from tts_search.llm.stepping import Job, Stepper
from tts_search.llm.weights import ensure_weights, fingerprint

MAX_WINDOW = 128  # more in flight at once makes the pipeline slower, thousands stall it
logger = logging.getLogger(__name__)


class EmbeddedLLM:
    """Answers calls with a model run by OpenVINO on the CPU. Nothing is loaded before first use.

    model         name under which the pool asks for it; also which weights are fetched
    path          own weights: a GGUF file of llama architecture or an OpenVINO folder
    window        calls worked on together, at most 128; others wait in order
    threads, cache_gb, batch_tokens, precision   see EngineSettings

    Calls may come from any event loop. Sampling is seeded by the request, but the arithmetic of a
    batch depends on its company: the same call may come out differently among other calls.
    """

    def __init__(
        self,
        model: str = "smollm2-135m-instruct",
        path: str | None = None,
        window: int = MAX_WINDOW,
        threads: int | None = None,
        cache_gb: int = 2,
        batch_tokens: int = 1024,
        precision: str | None = None,
    ) -> None:
        if not 1 <= window <= MAX_WINDOW:
            raise ConfigError(f"llm.window must be between 1 and {MAX_WINDOW}, but got {window}")
        self.model = model
        self.path = path
        self.window = window
        self.settings = EngineSettings(threads, cache_gb, batch_tokens, precision)
        self._stepper: Stepper | None = None
        self._closed = False

    @cached_property
    def identity(self) -> str:
        """Weights and arithmetic. Not the machine, the path or the speed settings."""
        weights = fingerprint(self.model, self.path)
        return f"openvino/{self.model}/{weights}/{self.settings.precision or 'native'}"

    async def complete(self, request: Request) -> Completion:
        """Answer one request; cancelling the awaiting task takes it out of the engine.

        Raises CallRejected (prompt too long, schema that cannot be followed), CallFailed (no room
        in the cache) or EngineUnavailable (no weights, closed, broken).
        """
        if request.model != self.model:
            raise EngineUnavailable(
                f"the embedded engine serves {self.model}, but the pool asks for {request.model}; "
                "choose a pool that fits, e.g. pool=embedded"
            )
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Completion] = loop.create_future()
        self._started().submit(Job(request, future, loop))
        return await future

    async def aclose(self) -> None:
        """Stop the engine after its current step and free its memory. Safe to call twice."""
        self._closed = True
        stepper, self._stepper = self._stepper, None
        if stepper is not None:
            await asyncio.to_thread(stepper.close)

    def _started(self) -> Stepper:
        if self._closed:
            raise EngineUnavailable("the embedded engine was closed")
        if self._stepper is None:
            self._stepper = Stepper(
                partial(open_pipeline, self.model, self.path, self.settings), self.window
            )
            # Also at interpreter exit: a thread inside native code must not outlive it.
            weakref.finalize(self, self._stepper.close)
        return self._stepper


def open_pipeline(model: str, path: str | None, settings: EngineSettings) -> Pipeline:
    """Load the weights, fetching them if need be: seconds. Raises EngineUnavailable."""
    weights = ensure_weights(model, path, logger.info)
    return Pipeline(weights.folder, weights.context, settings)
