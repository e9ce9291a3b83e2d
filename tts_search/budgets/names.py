"""Metrics by the names that people type; one's own is named by its class."""

from typing import Any

from tts_search.budgets.dollars import Dollars
from tts_search.budgets.flops import Flops
from tts_search.budgets.latency import Latency
from tts_search.budgets.tokens import TokenCount
from tts_search.core.budget import BudgetMetric
from tts_search.errors import ConfigError

METRICS = {kind.name: kind for kind in (Dollars, Flops, Latency, TokenCount)}


def metric(name: Any) -> BudgetMetric:
    """Raises ConfigError for a name that none of them has."""
    found = METRICS.get("cost" if name == "dollars" else name)
    if found is None:
        raise ConfigError(
            f"objective.metric must be one of {', '.join(METRICS)}, or a node whose _target_ is a "
            f"BudgetMetric, but got {name!r}; type objective.metric=latency"
        )
    return found()
