"""Errors of libraries, said in one line that names what to type next."""

import re

from hydra.errors import ConfigCompositionException, MissingConfigException, OverrideParseException

from tts_search.errors import TTSError

LIST = "python run.py --help lists the groups, python run.py --cfg job the settings"


def one_line(error: BaseException) -> str:
    """The rule, the value, and what to type next."""
    if isinstance(error, TTSError):
        return " ".join(str(error).split())
    if isinstance(error, MissingConfigException):
        return _missing_choice(str(error))
    if isinstance(error, OverrideParseException):
        return f"cannot read {error.override!r}: write SETTING=VALUE or GROUP=CHOICE; {LIST}"
    if isinstance(error, OSError):
        return f"cannot write or read {error.filename}: {error.strerror}; type hydra.run.dir=DIR"
    if isinstance(error, ConfigCompositionException) and error.__cause__:
        return one_line(error.__cause__)
    return f"{_flat(str(error))}; {LIST}"


def _missing_choice(text: str) -> str:
    """Hydra lists the choices over several lines."""
    found = re.search(r"In '[^']*': Could not find '([^']*)'", text) or re.search(
        r"Could not find '([^']*)'", text
    )
    choices = re.findall(r"^\t(\S+)$", text, flags=re.MULTILINE)
    name = found[1] if found else "that choice"
    return f"there is no {name}; choose one of: {', '.join(choices)}" if choices else _flat(text)


def _flat(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "; ".join(line for line in lines if not line.startswith(("full_key", "object_type")))
