"""What the search itself may spend, as opposed to `budget`: what a candidate graph may."""

from dataclasses import dataclass

from tts_search.core.budget import BoundBudget
from tts_search.core.data import Tokens
from tts_search.core.graph import Graph
from tts_search.core.trial import Spend
from tts_search.errors import ConfigError


@dataclass(frozen=True)
class Need:
    """What evaluating a graph on some questions takes at most (calls) or on average (the rest)."""

    trials: int
    calls: int
    tokens: float
    dollars: float


def need(graph: Graph, questions: int, budget: BoundBudget) -> Need:
    """From the token profile, as if no call were shared with an earlier graph."""
    tokens = dollars = 0.0
    for node, parents in zip(graph.nodes, graph.parents, strict=True):
        if node.model:
            mean, spec = budget.profile[node.model], budget.pool[node.model]
            call = Tokens(mean.prompt + len(parents) * mean.output, mean.output)
            tokens += call.prompt + call.output
            dollars += spec.dollars(call)
    calls = sum(node.model is not None for node in graph.nodes)
    return Need(1, calls * questions, tokens * questions, dollars * questions)


@dataclass(frozen=True)
class Limits:
    """None means no limit; at least one must be set. The first one reached ends the search.

    The agent's own tokens and dollars count. Calls are a hard bound: nothing is started that
    could exceed it. Tokens and dollars are foreseen from the profile and may end a little over.
    """

    max_trials: int | None = None
    max_calls: int | None = None
    max_tokens: int | None = None
    max_dollars: float | None = None

    def __post_init__(self) -> None:
        if all(limit is None for limit in vars(self).values()):
            raise ConfigError("a search needs a limit, but none is set; type search.max_trials=50")
        for name, limit in vars(self).items():
            if limit is not None and limit <= 0:
                raise ConfigError(f"search.{name} must be above 0 or null, but got {limit}")

    def broken_by(self, spend: Spend, more: Need, share: float = 1.0) -> str | None:
        """The limit that `more` on top of `spend` would break, of `share` of each; else None.

        `share` keeps something back for the finals; it does not apply to trials.
        """
        would = {
            "max_trials": spend.trials + more.trials,
            "max_calls": spend.calls + more.calls,
            "max_tokens": spend.tokens + spend.agent_tokens + more.tokens,
            "max_dollars": spend.dollars + spend.agent_dollars + more.dollars,
        }
        for name, value in would.items():
            limit = getattr(self, name)
            if limit is not None and value > limit * (1.0 if name == "max_trials" else share):
                return name
        return None
