"""What a worker process may meet; imported there by tests of the pool."""

import os
import signal
import time


def add(left: int, right: int) -> int:
    return left + right


def fail() -> None:
    raise SystemExit("a scorer that gives up")


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def hang() -> None:
    """Beyond the reach of the worker's own alarm: only killing helps."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    time.sleep(60)


def die() -> None:
    os._exit(9)


def eat_memory() -> int:
    return len(bytearray(1 << 40))


def identity() -> int:
    return os.getpid()


def hash_of(text: str) -> int:
    return hash(text)
