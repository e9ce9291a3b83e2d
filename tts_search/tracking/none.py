"""tracker=none: the archive alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tts_search.core.result import Summary
from tts_search.core.trial import Trial


class NoTracker:
    def start(self, run_info: Mapping[str, Any]) -> None:
        pass

    def log_trial(self, trial: Trial) -> None:
        pass

    def finish(self, summary: Summary | None, files: Sequence[Path] = ()) -> None:
        pass
