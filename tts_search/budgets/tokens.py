"""Tokens, whoever generates them."""

from tts_search.core.budget import BudgetMetric
from tts_search.core.data import Tokens
from tts_search.core.models import ModelSpec


class TokenCount(BudgetMetric):
    """Tokens read plus tokens generated."""

    name = "tokens"
    unit = "tokens"

    def call_cost(self, model: ModelSpec, tokens: Tokens) -> float:
        return tokens.prompt + tokens.output
