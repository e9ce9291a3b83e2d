"""What the commands beside run.py share: a mistake is one line on stderr, and exit code 1."""

import argparse
import sys
from collections.abc import Callable
from typing import NoReturn

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from tts_search.config import register_schema
from tts_search.errors import ConfigError, TTSError
from tts_search.messages import one_line


class Parser(argparse.ArgumentParser):
    """Raises what is wrong with the arguments, for `said` to say."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message}; type {self.prog} --help")


def said(work: Callable[[], object], interrupted: str = "interrupted") -> int:
    """The exit code of `work`: 0, 1 after an error, 130 after Ctrl-C (`interrupted` is said)."""
    try:
        register_schema()
        work()
    except KeyboardInterrupt:
        sys.stderr.write(interrupted + "\n")
        return 130
    except (TTSError, HydraException, OmegaConfBaseException, OSError) as error:
        sys.stderr.write(f"error: {one_line(error)}\n")
        return 1
    return 0
