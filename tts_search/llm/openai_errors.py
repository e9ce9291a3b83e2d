"""What a failure of an OpenAI-compatible endpoint means for the run.

no connection, before any answer     EngineUnavailable   nothing runs there
401, 403                             EngineUnavailable   wrong key
402, 429 insufficient_quota          EngineUnavailable   account is empty
404, 405, 410, 400 "no such model"   EngineUnavailable   wrong model or base_url
400, 422 unsupported parameter       EngineUnavailable   every call would fail alike
other 4xx (too long, filtered)       CallRejected        this request only
429, 503, our own deadline           Busy                more calls than it takes
408, 409, 425, other 5xx             CallFailed          TryLater when a wait is named
connection dropped or refused        CallFailed          Lost when it has answered before
reply that cannot be read            CallFailed
"""

import math
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from tts_search.errors import CallFailed, CallRejected, EngineUnavailable, LLMError
from tts_search.llm.failures import Busy, Lost, TryLater

if TYPE_CHECKING:
    import openai

_TRANSIENT = {408, 409, 425, 429}
_REFUSED = {429, 503}
_NO_SUCH_MODEL = ("model not exist", "not a valid model", "model does not exist", "model not found")
_UNSUPPORTED = {"unsupported_parameter", "unsupported_value", "unknown_parameter"}


def names_no_model(error: "openai.APIStatusError") -> bool:
    """The endpoint knows neither this model nor, perhaps, this path."""
    text = error.message.lower()
    lost = error.status_code in (404, 405, 410)
    return lost or (error.status_code == 400 and any(words in text for words in _NO_SUCH_MODEL))


def from_status(
    error: "openai.APIStatusError", url: str, key_env: str | None, key: str
) -> LLMError:
    """The error that an HTTP status other than 2xx stands for. `key` appears in no message."""
    code, text = error.status_code, _one_line(error.message.replace(key, "***"))
    if code in (401, 403) and "moderation" not in text.lower():
        # The endpoint's own message is left out: some repeat part of the key in it.
        return EngineUnavailable(f"endpoint {url} refused the key ({code}); {_key_fix(key_env)}")
    if code == 402 or error.code == "insufficient_quota":
        return EngineUnavailable(f"endpoint {url}: the account has no credit left ({code}: {text})")
    if error.code in _UNSUPPORTED:
        return EngineUnavailable(
            f"endpoint {url} does not take parameter {error.param} ({text}); leave it out with "
            f"llm.omit=[{error.param}] or set llm.max_tokens_field=max_completion_tokens"
        )
    if code in _TRANSIENT or code >= 500:
        message, wait_s = f"endpoint {url} answered {code}: {text}", _retry_after(error)
        if code in _REFUSED:
            return Busy(message, wait_s)
        return CallFailed(message) if wait_s is None else TryLater(message, wait_s)
    return CallRejected(f"endpoint {url} rejected the request ({code}): {text}")


def from_connection(error: Exception, url: str, answered: bool) -> LLMError:
    """`answered`: the endpoint has answered before, so that it may come back."""
    import aiohttp

    causes = list(_causes(error))
    reason = _one_line(f"{type(causes[-1]).__name__}: {causes[-1]}")
    unmade = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
    if answered or not any(isinstance(cause, unmade) for cause in causes):
        message = f"endpoint {url}: connection lost ({reason})"
        return Lost(message) if answered else CallFailed(message)
    return EngineUnavailable(
        f"endpoint {url} cannot be reached ({reason}); start the server or correct llm.base_url"
    )


def _retry_after(error: "openai.APIStatusError") -> float | None:
    """Seconds to wait by `retry-after-ms` or `retry-after` (seconds or a date); None if unsaid."""
    headers = error.response.headers
    for name, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        try:
            wait_s = float(headers[name]) * unit
        except (KeyError, ValueError):
            continue
        if math.isfinite(wait_s):
            return max(wait_s, 0.0)
    try:
        return max(parsedate_to_datetime(headers["retry-after"]).timestamp() - time.time(), 0.0)
    except (KeyError, ValueError, TypeError):
        return None


def _key_fix(key_env: str | None) -> str:
    if key_env is None:
        return "name the environment variable that holds it: llm.api_key_env=OPENAI_API_KEY"
    return f"put a valid one into the environment: export {key_env}=..."


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _one_line(text: str, most: int = 300) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 3] + "..."
