"""The typed part of the config, and the one way to turn a node into an object."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from importlib import import_module
from typing import Any, get_args, get_type_hints

from hydra.core.config_store import ConfigStore
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import MISSING, DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tts_search.errors import ConfigError, TTSError
from tts_search.llm.weights import cache_root


@dataclass
class SpaceSettings:
    """slots: most nodes of a candidate graph."""

    slots: int = 8


@dataclass
class SearchSettings:
    """What the search may spend, whichever comes first (None: no limit), and how it spends it.

    parallel   candidates tried at a time
    batch      questions of the search split that every candidate is scored on
    finalists  leaders re-scored on the whole search split
    finals_share  part of max_calls, max_tokens and max_dollars kept back for that
    profile    questions asked of every model to measure its tokens; 0 trusts the task's figures
    """

    max_trials: int | None = 40
    max_calls: int | None = None
    max_tokens: int | None = 1_200_000
    max_dollars: float | None = None
    parallel: int = 4
    batch: int = 48
    finalists: int = 4
    finals_share: float = 0.4
    profile: int = 16


@dataclass
class RunConfig:
    """Run settings are typed; groups (task, llm, ...) are checked by what they instantiate."""

    seed: int = 0
    cache: str | None = "${cache_root:}/responses.sqlite"
    space: SpaceSettings = field(default_factory=SpaceSettings)
    search: SearchSettings = field(default_factory=SearchSettings)
    task: Any = MISSING
    budget: Any = MISSING
    llm: Any = MISSING
    pool: Any = MISSING
    roles: Any = MISSING
    agent: Any = MISSING
    optimizer: Any = MISSING
    tracker: Any = MISSING


LEAST = {
    "seed": 0,
    "space.slots": 1,
    "search.parallel": 1,
    "search.batch": 1,
    "search.finalists": 0,
    "search.profile": 0,
}
"""Smallest values that make sense."""


def register_schema() -> None:
    """Make the schema known to Hydra. Called once by the entry point."""
    OmegaConf.register_new_resolver("cache_root", lambda: str(cache_root()), replace=True)
    ConfigStore.instance().store(name="schema", node=RunConfig)


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
    """Refuse `digits=x` where the part, or a part of it, is annotated with a number. Only plain
    values are checked. Raises ConfigError."""
    hints = _annotations(node.get("_target_"))
    for key, value in node.items():
        if isinstance(value, DictConfig):
            check_types(value)
        elif str(key) in hints and not _fits(value, hints[str(key)]):
            wanted = getattr(hints[str(key)], "__name__", hints[str(key)])
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
    kinds = set(get_args(hint)) or {hint}
    if not kinds <= {int, float, str, bool, type(None)} or isinstance(value, ListConfig):
        return True
    if isinstance(value, bool):
        return bool in kinds
    if isinstance(value, int) and float in kinds:
        return True
    return type(value) in kinds


def check_settings(config: DictConfig) -> None:
    """Refuse what is not in the schema, however it got in (`+search.max_trails=3`, a preset)."""
    schema = {"": RunConfig, "search": SearchSettings, "space": SpaceSettings}
    names = {path: [f.name for f in fields(kind)] for path, kind in schema.items()}
    for path, known in {**names, "pool": ["models"]}.items():
        node = OmegaConf.select(config, path) if path else config
        for key in map(str, node):
            if key not in known:
                raise ConfigError(unknown_setting(f"{path}.{key}" if path else key, known))
    for name, least in LEAST.items():
        value = OmegaConf.select(config, name)
        if value < least:
            raise ConfigError(
                f"{name} must be at least {least}, but got {value}; type {name}={least}"
            )
    share = config.search.finals_share
    if not 0 <= share < 1:
        raise ConfigError(
            f"search.finals_share must be at least 0 and below 1, but got {share:g}; "
            "type search.finals_share=0.4"
        )


def unknown_setting(name: str, known: Sequence[str]) -> str:
    """One line for a setting that does not exist, with the nearest that does."""
    path, _, key = name.rpartition(".")
    near = get_close_matches(key, known, n=1)
    guess = f"{path}.{near[0]}" if path and near else near[0] if near else ""
    return f"there is no setting {name}" + (
        f"; did you mean {guess}?" if guess else f"; there are {', '.join(known)}"
    )


def settings(config: DictConfig) -> SearchSettings:
    """The search settings as the typed object they are."""
    found = OmegaConf.to_object(config.search)
    assert isinstance(found, SearchSettings)
    return found


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
