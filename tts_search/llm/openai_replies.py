"""What a chat completion says, and how many tokens it took."""

from typing import Any

from tts_search.errors import CallFailed, CallRejected
from tts_search.llm.base import Completion, Request


def read(reply: Any, request: Request, url: str, seconds: float) -> tuple[Completion, bool]:
    """The completion, and whether its tokens were counted by the endpoint.

    Raises CallFailed for a reply without an answer, CallRejected for a filtered one.
    """
    try:
        choice = reply.choices[0]
        text = choice.message.content or ""
        finish = choice.finish_reason or "stop"
        thought = _thought(choice.message)
    except (AttributeError, IndexError, TypeError) as error:
        raise CallFailed(f"endpoint {url} sent a reply without an answer") from error
    if finish == "content_filter":
        raise CallRejected(f"endpoint {url} filtered the answer")
    counts = _counts(reply)
    prompt, output = counts or _estimate(request, text + thought)
    answer = Completion(without_thinking(text), prompt, output, finish, seconds, _from_cache(reply))
    return answer, counts is not None


def without_thinking(text: str) -> str:
    """What follows the last </think>. Thinking that never ended leaves nothing."""
    if "</think>" in text:
        return text.rpartition("</think>")[2].strip()
    return "" if text.lstrip().startswith("<think>") else text


def _counts(reply: Any) -> tuple[int, int] | None:
    """(prompt, output) tokens as the endpoint counts them, thinking included."""
    usage = getattr(reply, "usage", None)
    prompt = getattr(usage, "prompt_tokens", None)
    output = getattr(usage, "completion_tokens", None)
    return (prompt, output) if isinstance(prompt, int) and isinstance(output, int) else None


def _from_cache(reply: Any) -> int:
    """Tokens of the prompt taken from the endpoint's prefix cache; 0 where it does not say."""
    details = getattr(getattr(reply, "usage", None), "prompt_tokens_details", None)
    cached = getattr(details, "cached_tokens", None)
    return cached if isinstance(cached, int) else 0


def _estimate(request: Request, written: str) -> tuple[int, int]:
    """One token per 4 characters: within a third or so for English, hence marked as a guess."""
    asked = sum(len(m.content) for m in request.messages)
    return asked // 4, len(written) // 4


def _thought(message: Any) -> str:
    """Thinking that came in a field of its own (DeepSeek, vLLM)."""
    for name in ("reasoning_content", "reasoning"):
        if thought := getattr(message, name, None):
            return str(thought)
    return ""
