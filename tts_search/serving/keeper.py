"""The process that owns a server: starts it, starts it again, ends it when nobody uses it.

    python -m tts_search.serving.keeper FOLDER      started by tts_search.serving.lease

It belongs to no run: a run that crashes, is killed or ends leaves it alone, the next one finds it.
It ends the server, with all processes of its group, when nobody has held the lease for `linger_s`
seconds, when told so (SIGTERM), or after it failed for good.
"""

import os
import signal
import sys
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from tts_search.serving.place import Place, State, Status
from tts_search.serving.process import Server, free_port
from tts_search.serving.spec import PORT, SPARE

POLL_S = 0.2
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # without a proxy


class Keeper:
    def __init__(self, place: Place) -> None:
        self.place = place
        self.spec = place.spec
        self.port = free_port()
        self.starts = 0
        self.told = False
        self.unused_since = time.monotonic()
        self.joining: IO[str] | None = None  # held so that nobody joins what is about to end
        self.server: Server | None = None

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self) -> None:
        """Until the server is not wanted or cannot be had."""
        reason = ""
        while not reason and self.starts <= self.spec.restarts:
            reason = self._one_life()
        self._end_server()
        self._write("failed" if reason != "stopped" else "stopped", reason)

    def _one_life(self) -> str:
        """From a start of the server to its end: why that is the last, '' to start it again."""
        self._write("starting")
        cards = self._cards()
        if cards is None:
            return "stopped"
        with cards:
            return self._watched(cards)

    def _watched(self, cards: ExitStack) -> str:
        """Its cards are free for others once it answers."""
        server = self._start()
        deadline, up = time.monotonic() + self.spec.start_s, False
        while not self._unwanted():
            code = server.code
            if code is not None:
                self._end_server()  # the rest of its group
                last = not up or self.starts > self.spec.restarts
                return f"it ended with code {code}: {self.place.said()}" if last else ""
            if not up and self._answers():
                up = True
                cards.close()
                self._write("up")
            if not up and time.monotonic() > deadline:
                return f"no answer within {self.spec.start_s:g} s: {self.place.said()}"
            time.sleep(POLL_S)
        return "stopped"

    def _cards(self) -> ExitStack | None:
        """Its cards, until closed: vLLM measures what is free as it starts, so servers of one card
        start one after the other. None if it is not wanted any more."""
        held, others = ExitStack(), Place(self.place.folder.parent / "cards")
        for card in sorted(self.spec.gpus):
            while not (lock := others.hold(f"card-{card}")):
                if self._unwanted():
                    held.close()
                    return None
                time.sleep(POLL_S)
            held.enter_context(lock)
        return held

    def _start(self) -> Server:
        self.starts += 1
        ports = {PORT: str(self.port), SPARE: str(free_port())}
        words = [ports.get(word, word) for word in self.spec.command]
        with self.place.log.open("ab") as log:
            log.write(f"--- start {self.starts}: {' '.join(words)}\n".encode())
            log.flush()
            self.server = Server(words, self.spec.env, log)
        self._write("starting")
        return self.server

    def _answers(self) -> bool:
        try:
            with DIRECT.open(f"{self.root}/health", timeout=5) as reply:
                return bool(reply.status == 200)
        except OSError:
            return False

    def _unwanted(self) -> bool:
        """Told to end, or unused for long."""
        if self.told:
            return True
        now = time.monotonic()
        if self.place.used or self.place.pinned.exists():
            self.unused_since = now
        if now - self.unused_since < self.spec.linger_s:
            return False
        self.joining = self.place.hold("lock")
        if self.joining and self.place.used:  # just joined
            self.joining.close()
            self.joining = None
        return self.joining is not None

    def _end_server(self) -> None:
        if self.server:
            self.server.end()
            self.server = None

    def _write(self, status: Status, reason: str = "") -> None:
        server = self.server.pid if self.server else 0
        now = time.time()
        self.place.write(
            State(status, f"{self.root}/v1", os.getpid(), server, now, self.starts, reason)
        )


def main() -> int:
    if os.fork():  # who starts it need not wait for it to end
        return 0
    place = Place(Path(sys.argv[1]))
    for _ in range(50):
        if own := place.hold("keeper"):
            break
        time.sleep(0.1)  # somebody looks whether there is a keeper
    else:
        return 1
    keeper = Keeper(place)

    def told(*_: object) -> None:
        keeper.told = True

    signal.signal(signal.SIGTERM, told)
    signal.signal(signal.SIGINT, told)
    keeper.run()
    own.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
