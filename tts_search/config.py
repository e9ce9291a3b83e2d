"""The typed part of the config, and the one way to turn a node into an object."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import MISSING, DictConfig, OmegaConf
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

    max_trials: int | None = 60
    max_calls: int | None = None
    max_tokens: int | None = None
    max_dollars: float | None = None
    parallel: int = 4
    batch: int = 60
    finalists: int = 5
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


def register_schema() -> None:
    """Make the schema known to Hydra. Called once by the entry point."""
    OmegaConf.register_new_resolver("cache_root", lambda: str(cache_root()), replace=True)
    ConfigStore.instance().store(name="schema", node=RunConfig)


def build(node: DictConfig, *args: Any, **kwargs: Any) -> Any:
    """Instantiate a config node. Raises ConfigError, in one line, for what does not fit."""
    name = node.get("_target_", "?")
    try:
        return instantiate(node, *args, **kwargs)
    except (InstantiationException, OmegaConfBaseException) as error:
        cause = error.__cause__ or error
        if isinstance(cause, TTSError):
            raise cause from None
        raise ConfigError(f"{name}: {first_line(cause)}; see its YAML in conf/") from None


def check_settings(config: DictConfig) -> None:
    """Refuse what is not in the schema, however it got in (`+search.max_trails=3`, a preset)."""
    schema = {"": RunConfig, "search": SearchSettings, "space": SpaceSettings}
    for path, kind in schema.items():
        known = [f.name for f in fields(kind)]
        node = OmegaConf.select(config, path) if path else config
        for key in map(str, node):
            if key not in known:
                raise ConfigError(unknown_setting(f"{path}.{key}" if path else key, known))


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
