"""Presets of the comparison: the `compare` section of conf/experiment/NAME.yaml."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tts_search.compare.plan import choices
from tts_search.errors import ConfigError

SECTION = "compare"
LISTS = ("methods", "without", "worlds", "budgets", "settings")
NUMBERS = ("random_worlds", "seeds", "validation", "test", "aa")


def preset_of(conf: Path, name: str) -> Mapping[str, Any]:
    """Option -> value, as the command line names them, with _ for -. Raises ConfigError."""
    known = [other for other in choices(conf, "experiment") if _section(conf, other)]
    if name not in known:
        raise ConfigError(
            f"there is no comparison {name}; type experiment= and one of: {', '.join(known)}"
        )
    found = _section(conf, name)
    for option, value in found.items():
        kind = list if option in LISTS else int if option in NUMBERS else None
        if kind is None or not isinstance(value, kind):
            raise ConfigError(
                f"{conf / 'experiment' / name}.yaml: {SECTION} holds lists ({', '.join(LISTS)}) "
                f"and numbers ({', '.join(NUMBERS)}), but got {option}: {value}"
            )
    return found


def _section(conf: Path, name: str) -> Mapping[str, Any]:
    loaded = yaml.safe_load((conf / "experiment" / f"{name}.yaml").read_text(encoding="utf-8"))
    section = (loaded or {}).get(SECTION) or {}
    return section if isinstance(section, Mapping) else {}
