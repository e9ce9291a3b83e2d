"""Floating-point operations (arXiv 2511.00086, section on budgets)."""

from tts_search.core.budget import BudgetMetric
from tts_search.core.data import Tokens
from tts_search.core.models import ModelSpec
from tts_search.errors import BudgetError


class Flops(BudgetMetric):
    """FLOPs of prefill and decode of a dense transformer with M parameters, L layers, width D:

    prefill = 2 M Np + 2 L D Np (Np + 1)
    decode  = 2 M Nd + 2 L D Nd (2 Np + Nd + 1)
    """

    name = "flops"
    unit = "FLOPs"

    def call_cost(self, model: ModelSpec, tokens: Tokens) -> float:
        if model.params is None or model.layers is None or model.hidden is None:
            raise BudgetError(
                f"budget=flops needs the size of every model, but {model.name} has none; set "
                "params, layers and hidden in conf/model, or type budget=cost or budget=tokens"
            )
        read, written = tokens.prompt, tokens.output
        attention = 2.0 * model.layers * model.hidden
        prefill = 2.0 * model.params * read + attention * read * (read + 1)
        decode = 2.0 * model.params * written + attention * written * (2 * read + written + 1)
        return prefill + decode
