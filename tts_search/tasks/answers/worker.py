"""The child process behind `workers.Pool`: `python -m tts_search.tasks.answers.worker FD MODULE`.

Sends `ready` or the reason why MODULE cannot be imported, then answers (seconds, function name,
arguments) with (True, result) or (False, reason) until the connection closes.
"""

import importlib
import resource
import signal
import sys
from multiprocessing.connection import Connection
from types import FrameType, ModuleType
from typing import Any

READY = "ready"
MEMORY = 4 << 30  # bytes of address space; `10000!!!` asks for all there is
_REPEAT = 0.5  # seconds between alarms once time is up, for code that swallows the first


class OutOfTime(BaseException):
    """Not an Exception, so that `except Exception` in a library does not stop it."""


def _stop(_: int, __: FrameType | None) -> None:
    raise OutOfTime


def _limit_memory() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard == resource.RLIM_INFINITY or hard > MEMORY:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def _answer(module: ModuleType, name: str, seconds: float, args: tuple[Any, ...]) -> Any:
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, _REPEAT)
        return True, getattr(module, name)(*args)
    except OutOfTime:
        return False, f"took longer than {seconds} s"
    except BaseException as error:  # a scorer may raise anything, SystemExit included
        return False, f"{type(error).__name__}: {error}"[:200]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def main(descriptor: int, module: str) -> None:
    connection = Connection(descriptor)
    _limit_memory()
    signal.signal(signal.SIGALRM, _stop)
    try:
        functions = importlib.import_module(module)
    except Exception as error:
        connection.send(f"{type(error).__name__}: {error}")
        return
    connection.send(READY)
    while True:
        try:
            seconds, name, args = connection.recv()
            connection.send(_answer(functions, name, seconds, args))
        except (EOFError, OSError, OutOfTime):  # the parent is gone, or the alarm came late
            return


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
