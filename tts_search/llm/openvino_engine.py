"""OpenVINO GenAI's continuous batching pipeline behind a few plain methods: no asyncio, no thread.

What was learnt of it (2026.4): a generation config must not be shared between requests, or they
repeat one sample; `step` holds Python's lock; an error inside `step` leaves the pipeline unusable.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tts_search.errors import CallFailed, CallRejected, EngineUnavailable
from tts_search.llm.base import Completion, Request
from tts_search.llm.convert import FAITHFUL, genai, last_line

SEED_RANGE = 2**32  # GenAI seeds a 32-bit Mersenne twister


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How the pipeline runs. All but `precision` change only its speed.

    threads       CPU threads; None: one for each physical core
    cache_gb      memory for the keys and values of running and remembered prompts
    batch_tokens  tokens that one step may work on; more: faster prompts, slower reaction
    precision     arithmetic, as OpenVINO names it; None: bf16 where the CPU has it, else f32
    """

    threads: int | None = None
    cache_gb: int = 2
    batch_tokens: int = 1024
    precision: str | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """A request as the pipeline takes it: token ids (an OpenVINO tensor) and their number."""

    ids: Any
    tokens: int


class Pipeline:
    """One loaded model. Not thread-safe. The constructor raises EngineUnavailable."""

    def __init__(self, folder: Path, context: int, settings: EngineSettings) -> None:
        self._ov: Any = genai()
        self._context = context
        scheduler = self._ov.SchedulerConfig()
        scheduler.cache_size = settings.cache_gb
        scheduler.max_num_batched_tokens = settings.batch_tokens
        scheduler.enable_prefix_caching = True
        properties = dict(FAITHFUL)
        if settings.threads is not None:
            properties["INFERENCE_NUM_THREADS"] = str(settings.threads)
        if settings.precision is not None:
            properties["INFERENCE_PRECISION_HINT"] = settings.precision
        try:
            self._raw: Any = self._ov.ContinuousBatchingPipeline(
                str(folder), scheduler, "CPU", properties
            )
        except RuntimeError as error:
            raise EngineUnavailable(
                f"OpenVINO cannot open {folder} ({last_line(error)}); delete the folder to have "
                "it built again, or lower llm.cache_gb"
            ) from error
        self._tokenizer: Any = self._raw.get_tokenizer()
        self.step = self._raw.step
        self.busy = self._raw.has_non_finished_requests

    def encode(self, request: Request) -> Prompt:
        """Apply the model's own chat template. Raises CallRejected if no room is left to reply."""
        history = [{"role": m.role, "content": m.content} for m in request.messages]
        text = self._tokenizer.apply_chat_template(history, add_generation_prompt=True)
        ids = self._tokenizer.encode(text, add_special_tokens=False).input_ids
        tokens = int(ids.shape[1])
        if tokens >= self._context:
            raise CallRejected(
                f"the prompt has {tokens} tokens, but {request.model} reads at most "
                f"{self._context - 1}; use fewer shots, fewer edges or shorter questions"
            )
        return Prompt(ids, tokens)

    def add(self, number: int, prompt: Prompt, request: Request) -> Any:
        """Let a request into the batch; returns its handle. Raises CallRejected."""
        try:
            config = self._generation_config(prompt, request)
            return self._raw.add_request(number, prompt.ids, config)
        except (RuntimeError, TypeError, ValueError) as error:
            raise CallRejected(f"OpenVINO takes no such request: {last_line(error)}") from error

    def finished(self, handle: Any) -> bool:
        return bool(handle.get_status() != self._ov.GenerationStatus.RUNNING)

    def result(self, handle: Any, prompt: Prompt, seconds: float) -> Completion:
        """The reply of a finished request. Raises CallFailed if the pipeline gave it up."""
        if handle.get_status() != self._ov.GenerationStatus.FINISHED:
            raise CallFailed(
                f"no room in the cache for a prompt of {prompt.tokens} tokens; raise llm.cache_gb"
            )
        output = handle.read_all()[0]
        cut = output.finish_reason == self._ov.GenerationFinishReason.LENGTH
        return Completion(
            text=self._tokenizer.decode(output.generated_ids),
            prompt_tokens=prompt.tokens,
            output_tokens=len(output.generated_ids),
            finish_reason="length" if cut else "stop",
            seconds=seconds,
        )

    def _generation_config(self, prompt: Prompt, request: Request) -> Any:
        config = self._ov.GenerationConfig(apply_chat_template=False)
        config.max_new_tokens = min(request.max_tokens, self._context - prompt.tokens)
        if request.temperature > 0:
            config.do_sample = True
            config.temperature = request.temperature
            config.top_p = request.top_p
            config.rng_seed = request.seed % SEED_RANGE
        if request.schema is not None:
            config.structured_output_config = self._ov.StructuredOutputConfig(
                json_schema=request.schema
            )
        return config
