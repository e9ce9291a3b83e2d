"""Errors of libraries, said in one line that names what to type next."""

import re
from dataclasses import fields, is_dataclass

from hydra.errors import ConfigCompositionException, MissingConfigException, OverrideParseException
from omegaconf.errors import ConfigKeyError, ValidationError

from tts_search.errors import TTSError, unknown_setting

LIST = "python run.py --help lists the groups, python run.py --cfg job the settings"


def one_line(error: BaseException) -> str:
    """The rule, the value, and what to type next."""
    if isinstance(error, TTSError):
        return " ".join(str(error).split())
    if isinstance(error, MissingConfigException):
        return _missing_choice(str(error))
    if isinstance(error, OverrideParseException):
        return f"cannot read {error.override!r}; write SETTING=VALUE or GROUP=CHOICE; {LIST}"
    if isinstance(error, ConfigCompositionException):
        return _composition(error)
    if isinstance(error, AttributeError | ConfigKeyError) and hasattr(error, "full_key"):
        return _unknown(error)
    if isinstance(error, ValidationError):
        return f"{error.full_key}: {_flat(error.msg or str(error))}"
    if isinstance(error, OSError):
        return f"cannot use {error.filename} ({error.strerror}); for results type hydra.run.dir=DIR"
    return f"{_flat(str(error))}; {LIST}"


def _composition(error: BaseException) -> str:
    """What went wrong inside, and in which YAML."""
    inner = error.__cause__ or error.__context__
    if inner is None:
        return f"{_flat(str(error))}; {LIST}"
    found = re.search(r"^In '([^']*)'", str(error))
    return one_line(inner) + (f" (in {found[1]}.yaml)" if found else "")


def _unknown(error: BaseException) -> str:
    """OmegaConf knows the key, and for typed settings what would have been right. A mapping that is
    a value itself (llm.launch.args, unlike llm.launch) takes any key, added with a plus."""
    kind = getattr(error, "object_type", None)
    parent = getattr(error, "parent_node", None)
    known = [f.name for f in fields(kind)] if is_dataclass(kind) else [str(k) for k in parent or ()]
    name = str(getattr(error, "full_key", "?"))
    key = str(getattr(error, "key", ""))  # may have dots of its own
    path = name.removesuffix(f".{key}")
    free = "." in path and "_target_" not in known
    return unknown_setting(name, known) + f"; to add it, type '+{path}={{{key}: ...}}'" * free


def _missing_choice(text: str) -> str:
    """Hydra lists the choices over several lines."""
    found = re.search(r"Could not find '([^']*)'", text)
    choices = re.findall(r"^\t(\S+)$", text, flags=re.MULTILINE)
    if not (found and choices):
        return _flat(text)
    group, _, _ = found[1].rpartition("/")
    return f"there is no {found[1]}; type {group}= and one of: {', '.join(choices)}"


def _flat(text: str) -> str:
    """Several lines as one, without the debugging fields."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    debug = ("full_key", "object_type", "reference_type")
    return "; ".join(line for line in lines if not line.startswith(debug))
