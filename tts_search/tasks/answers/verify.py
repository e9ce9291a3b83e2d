"""Mathematical equality of two LaTeX answers by math-verify; called in a worker process."""

import logging

from latex2sympy2_extended import NormalizationConfig
from math_verify import ExprExtractionConfig, LatexExtractionConfig, parse, verify

logging.disable(logging.CRITICAL)
# `boxed` is off because the answers arrive unboxed; the other switches are math-verify's own.
_LATEX = LatexExtractionConfig(
    boxed_match_priority=-1,
    normalization_config=NormalizationConfig(
        basic_latex=True, units=True, malformed_operators=True, nits=True, boxed="none"
    ),
)
_TARGETS = (_LATEX, ExprExtractionConfig())


def same(gold: str, answer: str) -> bool:
    """Whether two bare LaTeX answers are equal. The caller bounds the time."""
    parsed = [
        parse(f"${side}$", _TARGETS, fallback_mode="no_fallback", parsing_timeout=0)
        for side in (gold, answer)
    ]
    return bool(verify(*parsed, timeout_seconds=0))
