"""What is said of the servers of one model alone."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from tts_search.errors import ConfigError, misread, unknown_setting

Share = Annotated[float, Field(gt=0, le=1)]


@dataclass(frozen=True)
class Own:
    """What differs for one model.

    gpus      its cards
    memory    its part of each of them; None: by what it needs
    args      further arguments, as vLLM names them
    replicas  how many servers, each on an equal part of its cards, behind a router
    """

    gpus: tuple[int, ...] = ()
    memory: Share | None = None
    args: Mapping[str, Any] = Field(default_factory=dict)
    replicas: Annotated[int, Field(ge=1)] = 1

    @classmethod
    def of(cls, served: str, given: Mapping[str, Any]) -> "Own":
        """Raises ConfigError."""
        path, known = f"llm.launch.own.{served}", [each.name for each in fields(cls)]
        for name in given:
            if name not in known:
                raise ConfigError(unknown_setting(f"{path}.{name}", known))
        try:
            own = TypeAdapter(cls).validate_python(given)
        except ValidationError as error:
            raise ConfigError(misread(path, error)) from None
        if len(own.gpus) % own.replicas:
            raise ConfigError(
                f"{path}: replicas must have as many cards each, but got "
                f"replicas={own.replicas} and gpus={list(own.gpus)}"
            )
        return own
