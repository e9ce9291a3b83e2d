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

import json
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import aiohttp

from tts_search.errors import CallFailed, CallRejected, EngineUnavailable, LLMError
from tts_search.llm.failures import Busy, Lost, TryLater

_TRANSIENT = {408, 409, 425, 429}
_REFUSED = {429, 503}
_NO_SUCH_MODEL = ("model not exist", "not a valid model", "model does not exist", "model not found")
_UNSUPPORTED = {"unsupported_parameter", "unsupported_value", "unknown_parameter"}
_UNMADE = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer with a status other than 2xx."""

    status: int
    headers: Mapping[str, str]
    message: str
    code: str | None = None
    param: str | None = None

    @classmethod
    def read(cls, status: int, headers: Mapping[str, str], text: str) -> "Refusal":
        """`text`: {"error": {...}} or {"error": "..."}, its fields alone, HTML, or plain."""
        try:
            tree = json.loads(text)
        except ValueError:
            return cls(status, headers, _plain(text) or _phrase(status))
        tree = tree.get("error") or tree if isinstance(tree, dict) else {}
        known: dict[str, Any] = tree if isinstance(tree, dict) else {"message": tree}
        code, param = (None if (v := known.get(k)) is None else str(v) for k in ("code", "param"))
        message = known.get("message") or known.get("detail") or text
        return cls(status, headers, _one_line(str(message)) or _phrase(status), code, param)


def names_no_model(refusal: Refusal) -> bool:
    """The endpoint knows neither this model nor, perhaps, this path."""
    text = refusal.message.lower()
    lost = refusal.status in (404, 405, 410)
    return lost or (refusal.status == 400 and any(words in text for words in _NO_SUCH_MODEL))


def from_status(refusal: Refusal, url: str, key_fix: str) -> LLMError:
    """The error that a refusal stands for. `key_fix`: what to do about a wrong key."""
    code, text = refusal.status, refusal.message
    if code in (401, 403) and "moderation" not in text.lower():
        # The endpoint's own message is left out: some repeat part of the key in it.
        return EngineUnavailable(f"endpoint {url} refused the key ({code}); {key_fix}")
    if code == 402 or refusal.code == "insufficient_quota":
        return EngineUnavailable(f"endpoint {url}: the account has no credit left ({code}: {text})")
    if refusal.code in _UNSUPPORTED:
        return EngineUnavailable(
            f"endpoint {url} does not take parameter {refusal.param} ({text}); leave it out with "
            f"llm.omit=[{refusal.param}] or set llm.max_tokens_field=max_completion_tokens"
        )
    if code in _TRANSIENT or code >= 500:
        message, wait_s = f"endpoint {url} answered {code}: {text}", _retry_after(refusal.headers)
        if code in _REFUSED:
            return Busy(message, wait_s)
        return CallFailed(message) if wait_s is None else TryLater(message, wait_s)
    return CallRejected(f"endpoint {url} rejected the request ({code}): {text}")


def from_connection(
    error: Exception, url: str, answered: bool, hide: Callable[[str], str]
) -> LLMError:
    """`answered`: the endpoint has answered before, so that it may come back. `hide` takes out
    what may not be shown."""
    *_, cause = _causes(error)
    reason = _one_line(hide(f"{type(cause).__name__}: {cause}"))
    if answered or not isinstance(error, _UNMADE):
        message = f"endpoint {url}: connection lost ({reason})"
        return Lost(message) if answered else CallFailed(message)
    return EngineUnavailable(
        f"endpoint {url} cannot be reached ({reason}); start the server or correct llm.base_url"
    )


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by `retry-after-ms` or `retry-after` (seconds or a date); None if unsaid."""
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


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _one_line(text: str, most: int = 300) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 3] + "..."


def _plain(text: str) -> str:
    """Without the tags of HTML."""
    return _one_line(re.sub(r"<[^>]*>", " ", text) if text.lstrip().startswith("<") else text)


def _phrase(status: int) -> str:
    known = {known.value: known.phrase for known in HTTPStatus}
    return known.get(status, "no reason given")
