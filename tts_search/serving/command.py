"""Words of a command line."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def flags(args: Mapping[str, Any]) -> list[str]:
    return [word for name, value in args.items() for word in flag(name, value)]


def flag(name: str, value: Any) -> list[str]:
    """max_model_len: 8192 -> --max-model-len 8192; true: --name, false: --no-name, null: none."""
    name = name.replace("_", "-")
    if value is None:
        return []
    if isinstance(value, bool):
        return [f"--{'' if value else 'no-'}{name}"]
    return [f"--{name}", json.dumps(value) if isinstance(value, dict | list) else str(value)]


def program(python: str) -> str:
    """A path is meant from where the run is started; a bare name is looked up."""
    path = Path(python).expanduser()
    return str(path.absolute()) if len(path.parts) > 1 else python
