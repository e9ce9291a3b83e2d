"""How a single call fails, as far as the layers around an engine act on it."""

from tts_search.errors import CallFailed


class TryLater(CallFailed):
    """A call failed and may be tried again after `wait_s` seconds; None if none were named."""

    def __init__(self, message: str, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class Busy(TryLater):
    """The endpoint has more calls than it can take: it refused this one, or took too long."""


class Lost(CallFailed):
    """An endpoint that has answered before broke the connection, or cannot be reached."""
