"""tracker=wandb: the run on Weights & Biases, or in the run's folder for `wandb sync` later.

Metrics are logged against `spend/calls`, the calls an empty cache would have had to send, so that
methods are compared at equal spend.
"""

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tts_search.core.result import Summary
from tts_search.core.trial import Trial
from tts_search.tracking import fields
from tts_search.tracking.base import Harmless, Tracker
from tts_search.tracking.online import logged_in, reachable

if TYPE_CHECKING:
    import wandb

log = logging.getLogger(__name__)

Mode = Literal["auto", "online", "offline"]
MODES: dict[str, Literal["online", "offline", "disabled"]] = {
    "online": "online",
    "offline": "offline",
    "disabled": "disabled",
}


def build(
    project: str = "tts-search", entity: str | None = None, mode: Mode = "auto", timeout: float = 15
) -> Tracker:
    """A tracker that never breaks the run. `mode` auto: online if logged in and reachable;
    `timeout`: seconds that going online may take before the run is kept offline."""
    return Harmless(WandbTracker(project, entity, mode, timeout))


class WandbTracker:
    """One W&B run per search, also for several searches in one process. See `build`."""

    def __init__(self, project: str, entity: str | None, mode: Mode, timeout: float) -> None:
        self.project, self.entity, self.mode, self.timeout = project, entity, mode, timeout
        self.run: wandb.Run | None = None
        self.best: float | None = None
        self.rows: list[list[object]] = []

    def start(self, run_info: Mapping[str, Any]) -> None:
        options = fields.options(run_info) | {"project": self.project, "entity": self.entity}
        self.run = self._init(options)
        self.best, self.rows = None, []
        self.run.define_metric(fields.SPEND)
        self.run.define_metric("*", step_metric=fields.SPEND)

    def _init(self, options: dict[str, Any]) -> "wandb.Run":
        import wandb

        mode = self._mode()
        settings = wandb.Settings(
            console="off", silent=True, init_timeout=self.timeout, finish_timeout=120
        )
        try:
            return wandb.init(mode=mode, settings=settings, **options)
        except Exception as error:
            if mode != "online":
                raise
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            log.warning("W&B cannot be used online (%s); the run is kept offline", reason)
            return wandb.init(mode="offline", settings=settings, **options)

    def _mode(self) -> Literal["online", "offline", "disabled"]:
        """WANDB_MODE wins over the config, as everywhere with W&B."""
        named = os.environ.get("WANDB_MODE", "")
        if named in MODES:
            return MODES[named]
        if self.mode != "auto":
            return self.mode
        if not logged_in():
            return "offline"
        if not reachable(timeout=3.0):
            log.warning("W&B cannot be reached; the run is kept offline, send it with `wandb sync`")
            return "offline"
        return "online"

    def log_trial(self, trial: Trial) -> None:
        if self.run is None:
            return
        if trial.within_budget:
            self.best = max(self.best or 0.0, trial.score)
        best = {} if self.best is None else {"best/score": self.best}
        self.run.log(fields.metrics(trial) | best)
        self.rows.append(fields.row(trial))

    def finish(self, summary: Summary | None, files: Sequence[Path] = ()) -> None:
        if self.run is None:
            return
        run, self.run = self.run, None
        try:
            self._tables(run, files)
            if summary is not None:
                run.summary.update(fields.outcome(summary))
        finally:
            run.finish(exit_code=0 if summary is not None else 1)
        if run.offline:
            log.info("W&B run kept offline; send it with: wandb sync %s", Path(run.dir).parent)

    def _tables(self, run: "wandb.Run", files: Sequence[Path]) -> None:
        import wandb

        run.log({"trials": wandb.Table(columns=list(fields.COLUMNS), data=self.rows)})
        present = [path for path in files if path.is_file()]
        images = {p.stem: wandb.Image(str(p)) for p in present if p.suffix == ".png"}
        if images:
            run.log(images)
        artifact = wandb.Artifact(f"run-{run.id}", type="run")
        for path in present:
            artifact.add_file(str(path), policy="immutable")  # no copy in the home
        if present:
            run.log_artifact(artifact)
