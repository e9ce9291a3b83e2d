"""The one way to turn a config node into an object."""

import json
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import PydanticSchemaGenerationError, TypeAdapter, ValidationError

from tts_search.errors import ConfigError, TTSError, misread


def build(node: DictConfig, *args: Any, **kwargs: Any) -> Any:
    """Instantiate a config node. Raises ConfigError, in one line, for what does not fit."""
    if not isinstance(node, DictConfig):
        raise ConfigError(f"a part needs a _target_, but got {node!r}; see the YAMLs in conf/")
    name = node.get("_target_", "?")
    try:
        check_types(node)
        return instantiate(node, *args, **kwargs)
    except (InstantiationException, OmegaConfBaseException) as error:
        cause = error.__cause__ or error
        if isinstance(cause, TTSError):
            raise cause from None
        raise misfit(name, cause) from None


def misfit(name: str, error: BaseException) -> ConfigError:
    """What a part says of settings that it cannot take."""
    return ConfigError(f"{name}: {first_line(error)}; see its YAML in conf/")


def check_types(node: DictConfig) -> None:
    """Refuse `digits=x` where the part, or a part of it, is annotated with a number, and `gpus=0`
    where it is annotated with a list of them. Raises ConfigError."""
    hints = _annotations(node.get("_target_"))
    for key, value in node.items():
        hint = hints.get(str(key))
        if isinstance(value, DictConfig):
            check_types(value)
        if _holds_others(hint):
            _check_inside(f"{node.get('_target_')}: {key!s}", value, hint)
        elif hint and not _fits(value, hint):
            wanted = getattr(hint, "__name__", hint)
            raise ConfigError(
                f"{node.get('_target_')}: {key!s} must be {wanted}, but got {value!r}; "
                "see its YAML in conf/"
            )


def _annotations(name: str | None) -> dict[str, Any]:
    """Of the parameters of a target; none if there is no such target, which Hydra words better."""
    module, _, attribute = (name or "").rpartition(".")
    try:
        target = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError):
        return {}
    takes: Any = getattr(target, "__init__") if isinstance(target, type) else target  # noqa: B009
    return get_type_hints(takes)


def _fits(value: Any, hint: Any) -> bool:
    """Whether a plain value is of the type annotated, which may be a union of plain types."""
    kinds = _members(hint)
    if not kinds <= {int, float, str, bool, type(None)}:
        return True
    if isinstance(value, bool):
        return bool in kinds
    if isinstance(value, int) and float in kinds:
        return True
    return type(value) in kinds


def _members(hint: Any) -> set[Any]:
    return set(get_args(hint)) if get_origin(hint) in (Union, UnionType) else {hint}


def _holds_others(hint: Any) -> bool:
    """A list or mapping, or maybe one."""
    return any(get_origin(kind) in (Sequence, Mapping) for kind in _members(hint))


def _check_inside(name: str, value: Any, hint: Any) -> None:
    """As pydantic reads the type, without turning one into another. What it cannot read, such as
    a list of models, is not checked."""
    data = OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
    try:
        TypeAdapter(hint).validate_json(json.dumps(data), strict=True)
    except (PydanticSchemaGenerationError, TypeError):
        return
    except ValidationError as error:
        raise ConfigError(f"{misread(name, error)}; see its YAML in conf/") from None


def first_line(error: BaseException) -> str:
    """The message of an error as one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def plain(config: DictConfig) -> dict[str, Any]:
    """The resolved config as plain data."""
    data = OmegaConf.to_container(config, resolve=True)
    assert isinstance(data, dict)
    return {str(key): value for key, value in data.items()}


def values(node: DictConfig) -> Sequence[DictConfig]:
    """The parts of a group that holds several, such as roles."""
    return [value for value in node.values() if value is not None]
