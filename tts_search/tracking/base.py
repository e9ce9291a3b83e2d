"""A tracker mirrors a run elsewhere; the archive stays the record."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from tts_search.core.result import Summary
from tts_search.core.trial import Trial

log = logging.getLogger(__name__)


class Tracker(Protocol):
    """start once, log_trial for every archived trial, finish once, also after an error.

    run_info of `start`, all optional:
        folder      the run's directory
        task, data, engine, optimizer, agent, seed, simulated    as in Summary
        budget      metric and limit in words, e.g. "flops 8"
        config      the resolved config as plain data
    finish gets no summary if the run failed; `files` are what the run wrote.
    """

    def start(self, run_info: Mapping[str, Any]) -> None: ...

    def log_trial(self, trial: Trial) -> None: ...

    def finish(self, summary: Summary | None, files: Sequence[Path] = ()) -> None: ...


class Harmless:
    """Any tracker, so wrapped that its failure is one warning and the run goes on."""

    def __init__(self, tracker: Tracker) -> None:
        self.tracker = tracker
        self.failed = False

    def start(self, run_info: Mapping[str, Any]) -> None:
        self.failed = False
        self._try(lambda: self.tracker.start(run_info))

    def log_trial(self, trial: Trial) -> None:
        self._try(lambda: self.tracker.log_trial(trial))

    def finish(self, summary: Summary | None, files: Sequence[Path] = ()) -> None:
        self._try(lambda: self.tracker.finish(summary, files))

    def _try(self, act: Callable[[], None]) -> None:
        if self.failed:
            return
        try:
            act()
        except Exception as error:
            self.failed = True
            name = type(self.tracker).__name__
            log.warning("%s failed and is off for the rest of the run: %s", name, error)
            log.info("%s failed", name, exc_info=True)


def run_labels(run_info: Mapping[str, Any]) -> tuple[str, ...]:
    """What a result must never be shown without: ("simulated", "sample"), as they apply."""
    names = [str(run_info.get(field) or "") for field in ("task", "data")]
    sample = any(name.endswith("-sample") for name in names)
    return ("simulated",) * bool(run_info.get("simulated")) + ("sample",) * sample
