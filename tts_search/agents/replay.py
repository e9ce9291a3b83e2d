"""Recorded replies in place of a model: the agent's whole protocol runs without a key.

A file holds one reply a line (JSON Lines): the text as a JSON string, or a completion as an
object with "text" and, if known, "prompt_tokens", "output_tokens" and "finish_reason". Other
fields, such as a note for the reader, are passed over.
"""

import hashlib
import json
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from tts_search.errors import DataError, EngineUnavailable
from tts_search.llm.base import LLM, Completion, Request

_LINE = TypeAdapter(str | Completion)


class ReplayLLM:
    """Gives the replies of a file in order, whatever is asked; then EngineUnavailable.

    The file is read at the first call (DataError if it is missing or malformed). Lines without
    token counts count 0 tokens. Do not put a cache around it: the next line is its only state.
    """

    cacheable = False

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._replies: tuple[Completion, ...] | None = None
        self._given = 0

    @property
    def identity(self) -> str:
        texts = [reply.text for reply in self._read()]
        return "replay:" + hashlib.blake2b(json.dumps(texts).encode(), digest_size=8).hexdigest()

    async def complete(self, request: Request) -> Completion:
        replies = self._read()
        if self._given == len(replies):
            raise EngineUnavailable(
                f"all {len(replies)} replies of {self._path} are used up; record more, "
                "or shorten the search"
            )
        self._given += 1
        return replies[self._given - 1]

    async def aclose(self) -> None:
        """Nothing to release."""

    def _read(self) -> tuple[Completion, ...]:
        if self._replies is None:
            self._replies = read_replies(self._path)
        return self._replies


class RecordingLLM:
    """Appends every reply of `inner` to a file that ReplayLLM reads."""

    def __init__(self, inner: LLM, path: str | Path) -> None:
        self._inner = inner
        self._path = Path(path)

    @property
    def identity(self) -> str:
        return self._inner.identity

    async def complete(self, request: Request) -> Completion:
        completion = await self._inner.complete(request)
        line = json.dumps(completion.to_json())
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as error:
            raise DataError(f"cannot record replies in {self._path}: {error}") from error
        return completion

    async def aclose(self) -> None:
        await self._inner.aclose()


def read_replies(path: Path) -> tuple[Completion, ...]:
    """Raises DataError, with the line, when the file is missing or malformed."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"the recorded replies cannot be read ({error}); set agent.llm.path"
        ) from error
    return tuple(_reply(path, n, line) for n, line in enumerate(lines, 1) if line.strip())


def _reply(path: Path, number: int, line: str) -> Completion:
    try:
        value = json.loads(line)
        if isinstance(value, dict):
            value = {"prompt_tokens": 0, "output_tokens": 0, **value}
        reply = _LINE.validate_python(value)
    except (ValueError, ValidationError, RecursionError) as error:
        raise DataError(
            f"{path} line {number} must be a JSON string or an object with text, "
            f"but got {line[:80]!r}"
        ) from error
    return Completion(reply, 0, 0) if isinstance(reply, str) else reply
