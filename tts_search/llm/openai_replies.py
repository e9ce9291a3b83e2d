"""What a chat completion says, and how many tokens it took."""

from typing import Any

from tts_search.errors import CallFailed, CallRejected
from tts_search.llm.base import Completion, Request


def read(reply: Any, request: Request, url: str, seconds: float) -> tuple[Completion, bool]:
    """The completion, and whether its tokens were counted by the endpoint.

    Raises CallFailed for a reply without an answer, CallRejected for a filtered one.
    """
    choices = field(reply, "choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = field(choice, "message")
    if not isinstance(message, dict):
        raise CallFailed(f"endpoint {url} sent a reply without an answer")
    finish = field(choice, "finish_reason") or "stop"
    if finish == "content_filter":
        raise CallRejected(f"endpoint {url} filtered the answer")
    text = _text(message.get("content"))
    counts = _counts(reply)
    prompt, output = counts or _estimate(request, text + _thought(message))
    cached = _from_cache(reply)
    answer = Completion(without_thinking(text), prompt, output, str(finish), seconds, cached)
    return answer, counts is not None


def _text(content: Any) -> str:
    """A text, or parts of which some are text (Mistral: the others are thinking)."""
    parts = content if isinstance(content, list) else [{"text": content}]
    return "".join(text for part in parts if isinstance(text := field(part, "text"), str))


def without_thinking(text: str) -> str:
    """What follows the last </think>. Thinking that never ended leaves nothing."""
    if "</think>" in text:
        return text.rpartition("</think>")[2].strip()
    return "" if text.lstrip().startswith("<think>") else text


def field(tree: Any, *path: str) -> Any:
    """What is found on that path; None where it breaks off."""
    for name in path:
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree


def _counts(reply: Any) -> tuple[int, int] | None:
    """(prompt, output) tokens as the endpoint counts them, thinking included."""
    prompt = field(reply, "usage", "prompt_tokens")
    output = field(reply, "usage", "completion_tokens")
    return (prompt, output) if isinstance(prompt, int) and isinstance(output, int) else None


def _from_cache(reply: Any) -> int:
    """Tokens of the prompt taken from the endpoint's prefix cache; 0 where it does not say."""
    cached = field(reply, "usage", "prompt_tokens_details", "cached_tokens")
    return cached if isinstance(cached, int) else 0


def _estimate(request: Request, written: str) -> tuple[int, int]:
    """One token per 4 characters: within a third or so for English, hence marked as a guess."""
    asked = sum(len(m.content) for m in request.messages)
    return asked // 4, len(written) // 4


def _thought(message: dict[str, Any]) -> str:
    """Thinking that came in a field of its own (DeepSeek, vLLM)."""
    for name in ("reasoning_content", "reasoning"):
        if thought := message.get(name):
            return str(thought)
    return ""
