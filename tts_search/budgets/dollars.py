"""Money, at each model's list price."""

from tts_search.core.budget import BudgetMetric
from tts_search.core.data import Tokens
from tts_search.core.models import ModelSpec
from tts_search.errors import BudgetError


class Dollars(BudgetMetric):
    """USD: input and output tokens at the model's price per million."""

    name = "cost"
    unit = "USD"

    def call_cost(self, model: ModelSpec, tokens: Tokens) -> float:
        if model.price_in is None or model.price_out is None:
            raise BudgetError(
                f"budget=cost needs a price for every model, but {model.name} has none; "
                "set price_in and price_out (USD per million tokens) in conf/model, "
                "or type budget=flops"
            )
        return (model.price_in * tokens.prompt + model.price_out * tokens.output) * 1e-6
