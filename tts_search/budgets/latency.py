"""Time to the answer, with nodes of one level running side by side."""

from collections.abc import Sequence

from tts_search.core.budget import BudgetMetric
from tts_search.core.data import Tokens
from tts_search.core.graph import Graph
from tts_search.core.models import ModelSpec
from tts_search.errors import BudgetError


class Latency(BudgetMetric):
    """Seconds along the critical path, at each model's prefill and decode speed."""

    name = "latency"
    unit = "s"

    def call_cost(self, model: ModelSpec, tokens: Tokens) -> float:
        if not model.prefill_tps or not model.decode_tps:
            raise BudgetError(
                f"budget=latency needs the speed of every model, but {model.name} has none; "
                "set prefill_tps and decode_tps (tokens/s) in conf/model, or type budget=flops"
            )
        return tokens.prompt / model.prefill_tps + tokens.output / model.decode_tps

    def combine(self, graph: Graph, node_costs: Sequence[float]) -> float:
        ready: list[float] = []
        for cost, parents in zip(node_costs, graph.parents, strict=True):
            ready.append(cost + max((ready[p] for p in parents), default=0.0))
        return ready[graph.sink]
