"""The typed part of the config: run settings, checked before anything is built."""

from dataclasses import dataclass, field, fields
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf

from tts_search.errors import ConfigError, unknown_setting
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
    finalists  leaders re-scored on the validation split, which chooses among them
    finals_share  part of max_calls, max_tokens and max_dollars kept back for that
    profile    questions asked of every model to measure its tokens; 0 trusts the task's figures
    dry_run    say what the run would ask and cost, and ask nothing
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
    dry_run: bool = False


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
    # Not missing in the records of runs from before there was a choice.
    evaluation: Any = field(default_factory=lambda: {"_target_": "tts_search.evaluation.Full"})
    objective: Any = field(default_factory=lambda: {"_target_": SCORE})
    agent: Any = MISSING
    optimizer: Any = MISSING
    tracker: Any = MISSING
    # Options of python -m tts_search.compare, in its presets.
    compare: Any = None


SCORE = "tts_search.core.objective.Objective"

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


def settings(config: DictConfig) -> SearchSettings:
    """The search settings as the typed object they are."""
    found = OmegaConf.to_object(config.search)
    assert isinstance(found, SearchSettings)
    return found
