"""From the text of a reply to the shape asked for. A reply is untrusted text: parsed, never run."""

import json
from reprlib import repr as short
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

LONGEST_REPLY = 200_000  # characters

Shape = TypeVar("Shape", bound=BaseModel)


class BadReply(Exception):
    """The reply cannot be used; the message tells the model what to mend."""


def read(text: str, shape: type[Shape]) -> Shape:
    """The reply in a text that may hold prose, code fences or thoughts. Raises BadReply."""
    try:
        return shape.model_validate(extract(text, set(shape.model_fields)))
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, e['loc']))}: {e['msg'].removeprefix('Value error, ')} "
            f"(got {short(e['input'])})"
            for e in error.errors(include_url=False, include_context=False)[:6]
        ]
        raise BadReply("; ".join(problems)) from None


def extract(text: str, fields: set[str]) -> dict[str, Any]:
    """The JSON object outside of thoughts that has most of the fields, the last of several such.

    Raises BadReply if none has any.
    """
    said = final(text)
    if len(said) > LONGEST_REPLY:
        raise BadReply(f"the reply must be one short JSON object, but has {len(said)} characters")
    decoder = json.JSONDecoder(strict=False)
    found: dict[str, Any] = {}
    problem: Exception | None = None
    start = said.find("{")
    while start >= 0:
        end = start + 1
        try:
            value, end = decoder.raw_decode(said, start)
            if fields & value.keys() and len(fields & value.keys()) >= len(fields & found.keys()):
                found = value
        except RecursionError as error:  # every brace after this one would be as costly
            problem, end = error, len(said)
        except ValueError as error:
            problem = problem or error
        start = said.find("{", end)
    if not found:
        raise BadReply(f"the reply is not valid JSON: {problem}" if problem else _absent(fields))
    return found


def _absent(fields: set[str]) -> str:
    return f"the reply holds no JSON object with the fields {', '.join(sorted(fields))}"


def final(text: str) -> str:
    """What follows the thoughts that some servers leave in the text; nothing if they never end."""
    return text.rpartition("</think>")[2].partition("<think>")[0].strip()
