"""Ending a server by hand."""

import os
import signal
import time

from tts_search.errors import TTSError
from tts_search.serving.place import Place
from tts_search.serving.process import GRACE_S

POLL_S = 0.1


class InUse(TTSError):
    pass


def end(place: Place, *, force: bool = False) -> bool:
    """Have its keeper end the server, and wait until it has; False if there was none.

    Raises InUse if a run uses it, unless forced.
    """
    while not (lock := place.hold("lock")):  # nobody joins meanwhile
        time.sleep(POLL_S)
    try:
        place.pinned.unlink(missing_ok=True)
        state = place.state()
        if not place.kept or state is None:
            place.forget()
            return False
        if place.used and not force:
            raise InUse(f"{place.folder.name} is in use by a run; wait for it, or type --force")
        os.kill(state.keeper, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_S + 5
        while place.kept and time.monotonic() < deadline:
            time.sleep(POLL_S)
        return not place.kept
    finally:
        lock.close()
