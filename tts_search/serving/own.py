"""What is said of the servers of one model alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from tts_search.errors import ConfigError, unknown_setting


@dataclass(frozen=True)
class Own:
    """What differs for one model.

    gpus      its cards
    memory    its part of each of them; None: by what it needs
    args      further arguments, as vLLM names them
    replicas  how many servers, each on an equal part of its cards, behind a router
    """

    gpus: Sequence[int] = ()
    memory: float | None = None
    args: Mapping[str, Any] = field(default_factory=dict)
    replicas: int = 1

    @classmethod
    def of(cls, served: str, given: Mapping[str, Any]) -> "Own":
        """Raises ConfigError."""
        path, known = f"llm.launch.own.{served}", [each.name for each in fields(cls)]
        for name in given:
            if name not in known:
                raise ConfigError(unknown_setting(f"{path}.{name}", known))
        own = cls(**given)
        check_memory(f"{path}.memory", own.memory)
        if not isinstance(own.replicas, int) or own.replicas < 1 or len(own.gpus) % own.replicas:
            raise ConfigError(
                f"{path}: replicas must be a whole number of at least 1 and have as many cards "
                f"each, but got replicas={own.replicas} and gpus={list(own.gpus)}"
            )
        return own


def check_memory(name: str, share: float | None) -> None:
    if share is not None and not 0 < share <= 1:
        raise ConfigError(f"{name} must be above 0 and at most 1, but got {share:g}")
