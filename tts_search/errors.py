"""Every error a user can meet. The message is one line: the rule, the value, what to type next.

TTSError
├── ConfigError          a setting is unknown, mistyped, or does not fit another
├── BudgetError          the budget admits no graph, or a model lacks what the metric needs
├── GraphError           a graph or a point of the search space is not well formed
├── DataError            a data file or data set is missing, empty or malformed
├── CacheError           the response cache cannot be opened or written
├── AgentError           the optimising agent gave no usable reply
└── LLMError
    ├── CallFailed       one call failed for good: counted, scored 0, the run goes on
    │   └── CallRejected the endpoint will never take this request: not retried
    └── EngineUnavailable  no call can succeed (unreachable, wrong key, no weights): the run stops
"""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class TTSError(Exception):
    """Base of all errors shown to the user as one line, without a traceback."""


class ConfigError(TTSError):
    pass


class BudgetError(TTSError):
    pass


class GraphError(TTSError):
    pass


class DataError(TTSError):
    pass


class CacheError(TTSError):
    pass


class AgentError(TTSError):
    pass


class LLMError(TTSError):
    pass


class CallFailed(LLMError):
    pass


class CallRejected(CallFailed):
    pass


class EngineUnavailable(LLMError):
    pass


def unknown_setting(name: str, known: Sequence[str]) -> str:
    """One line for a setting that does not exist, with the nearest that does."""
    path, _, key = name.rpartition(".")
    near = get_close_matches(key, known, n=1)
    guess = f"{path}.{near[0]}" if path and near else near[0] if near else ""
    return f"there is no setting {name}" + (
        f"; did you mean {guess}?" if guess else f"; there are {', '.join(known) or 'none'}"
    )


def misread(name: str, error: "ValidationError") -> str:
    """One line for a value of the wrong kind, `name` being the setting it lies in."""
    first = error.errors(include_url=False, include_context=False)[0]
    path = ".".join([name, *map(str, first["loc"])])
    return f"{path}: {first['msg']}, but got {first['input']!r}"
