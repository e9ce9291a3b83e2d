"""What a run tells a person while it works; the runner knows no more than this protocol."""

from typing import Protocol


class Progress(Protocol):
    """Told of phases one after the other; `close` ends the display, also after an error.

    phase     a new phase begins; `total` is what `advance` will sum to, None if not known
    advance   `n` more `unit`s are done
    best      the best candidate so far: score and standard error in [0, 1], the graph in words
    note      one line worth reading now
    """

    def phase(self, name: str, total: int | None = None, unit: str = "calls") -> None: ...

    def advance(self, n: int = 1) -> None: ...

    def best(self, score: float, se: float, graph_text: str) -> None: ...

    def note(self, text: str) -> None: ...

    def close(self) -> None: ...


class SilentProgress:
    """Shows nothing."""

    def phase(self, name: str, total: int | None = None, unit: str = "calls") -> None:
        pass

    def advance(self, n: int = 1) -> None:
        pass

    def best(self, score: float, se: float, graph_text: str) -> None:
        pass

    def note(self, text: str) -> None:
        pass

    def close(self) -> None:
        pass
