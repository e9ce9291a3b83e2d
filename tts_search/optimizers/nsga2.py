"""A genetic algorithm that can keep a front of score against cost."""

from collections.abc import Sequence

from optuna.samplers import BaseSampler, NSGAIISampler

from tts_search.errors import ConfigError
from tts_search.optimizers.optuna_search import OptunaSearch


class NSGA2(OptunaSearch):
    """Optuna's NSGAIISampler (Deb et al., IEEE TEC 2002), uniform crossover on whole points.

    population  graphs of a generation; the first one is random, so it should be a small share of
                search.max_trials
    objectives  as in OptunaSearch; under objective=pareto they are score and price whatever it says
    """

    name = "nsga2"
    fronts = True

    def __init__(self, population: int = 8, objectives: Sequence[str] = ("score",)):
        super().__init__(objectives)
        if population < 2:
            raise ConfigError(f"optimizer.population must be at least 2, but got {population}")
        self._population = population

    def sampler(self, seed: int) -> BaseSampler:
        return NSGAIISampler(seed=seed, population_size=self._population)
