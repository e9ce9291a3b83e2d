"""Throughput of the bare engine: the denominator of what running graphs costs over it.

    python -m benchmarks.engine_raw         a few-shot load of 256 calls, 128 in flight

The same pipeline, settings and requests as EmbeddedLLM, without asyncio, thread or gates; of each
prefix one call goes first, as a user who feeds the pipeline by hand would have it.
"""

import sys
import time
from collections.abc import Sequence
from typing import Any

from tts_search.llm.base import Message, Request
from tts_search.llm.embedded import MAX_WINDOW, open_pipeline
from tts_search.llm.openvino_engine import EngineSettings, Pipeline

MODEL = "smollm2-135m-instruct"


def raw_tokens_per_second(
    requests: Sequence[Request],
    settings: EngineSettings | None = None,
    window: int = MAX_WINDOW,
    pipeline: Pipeline | None = None,
) -> tuple[int, float]:
    """Answer all requests as fast as the engine can: (output tokens, seconds without loading).

    A `pipeline` that served the same prompts before has them cached, which flatters it: leave it
    None for a fresh one.
    """
    pipe = pipeline or open_pipeline(requests[0].model, None, settings or EngineSettings())
    first = {request.messages[:-1]: i for i, request in reversed(list(enumerate(requests)))}
    heads = set(first.values())
    rest = [request for i, request in enumerate(requests) if i not in heads]
    start = time.perf_counter()
    tokens = _drain(pipe, [requests[i] for i in sorted(heads)], window, 0)
    tokens += _drain(pipe, rest, window, len(heads))
    return tokens, time.perf_counter() - start


def _drain(pipe: Pipeline, requests: Sequence[Request], window: int, number: int) -> int:
    """Keep up to `window` requests in the pipeline until all are answered: output tokens."""
    waiting = list(reversed(requests))
    live: list[tuple[Any, Any]] = []
    tokens = 0
    while waiting or live:
        while waiting and len(live) < window:
            request = waiting.pop()
            prompt = pipe.encode(request)
            live.append((pipe.add(number, prompt, request), prompt))
            number += 1
        pipe.step()
        running = []
        for handle, prompt in live:
            if pipe.finished(handle):
                tokens += pipe.result(handle, prompt, 0.0).output_tokens
            else:
                running.append((handle, prompt))
        live = running
    return tokens


def few_shot_load(calls: int, shots: int = 4, temperature: float = 0.7) -> list[Request]:
    """Calls that share a prompt prefix, as a search sends them: one question each."""
    demos: list[Message] = [Message("system", "Work out the answer. End with the number.")]
    for n in range(shots):
        a, b, c = n % 8 + 2, (5 * n) % 8 + 2, (3 * n) % 8 + 2
        answer = f"{a} * {b} = {a * b}, {a * b} + {c} = {a * b + c}"
        demos += [Message("user", f"What is {a} * {b} + {c}?"), Message("assistant", answer)]
    questions = [f"What is {i % 8 + 2} * {i // 8 % 8 + 2} + {i // 64 + 2}?" for i in range(calls)]
    return [
        Request(MODEL, (*demos, Message("user", text)), temperature, 1.0, 24, seed)
        for seed, text in enumerate(questions)
    ]


def main() -> int:
    calls = few_shot_load(256)
    tokens, seconds = raw_tokens_per_second(calls)
    sys.stdout.write(f"{tokens / seconds:.0f} tokens/s, {len(calls) / seconds:.1f} calls/s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
