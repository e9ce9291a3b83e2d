"""Bayesian optimisation with a Gaussian process."""

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec

from optuna.samplers import BaseSampler, GPSampler

from tts_search.core.trial import Proposal
from tts_search.errors import ConfigError
from tts_search.optimizers.optuna_search import OptunaSearch


class GP(OptunaSearch):
    """Optuna's GPSampler: Matern kernel over the whole point, expected improvement times the
    chance of keeping the budget (Gardner et al., ICML 2014).

    startup   graphs drawn at random before the process is asked
    patience  suggestions in search of a new graph. With fewer, most graphs are drawn at random:
              the process likes points that differ in what decode ignores. Each one fits it
              anew, which grows with the square of space.slots and the cube of the trials

    Raises ConfigError where torch or scipy is missing.
    """

    name = "gp"

    def __init__(self, startup: int = 10, patience: int = 8):
        super().__init__(patience=patience)
        missing = [library for library in ("torch", "scipy") if find_spec(library) is None]
        if missing:
            raise ConfigError(
                f"optimizer=gp needs {' and '.join(missing)}; type pip install 'tts-search[torch]'"
            )
        if startup < 1:
            raise ConfigError(f"optimizer.startup must be at least 1, but got {startup}")
        self._startup = startup

    def sampler(self, seed: int) -> BaseSampler:
        # Its many small steps are no work for threads, which on a busy machine wait for each other:
        # minutes for a suggestion of a second. Optuna says so too, but limits them step by step.
        import_module("torch").set_num_threads(1)
        return GPSampler(seed=seed, n_startup_trials=self._startup, warn_independent_sampling=False)

    async def ask(self, n: int) -> Sequence[Proposal]:
        """One at a time after the start-up: to allow for trials without a score yet makes a
        suggestion many times dearer, and one graph on a batch of questions is parallel enough."""
        return await super().ask(n if len(self._known) < self._startup else 1)
