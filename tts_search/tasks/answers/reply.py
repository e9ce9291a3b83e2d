"""The part of a reply that answers, without thinking before it or a next question after it."""

import re
from collections.abc import Callable

# Base models and few-shot prompts: the model writes the next question of the prompt itself.
_NEXT = re.compile(
    r"\n[ \t#*]*(?:question|q|user|human|problem)\b[ \t*]*\d*[ \t*]*(?:[.:]|(?=\n))", re.IGNORECASE
)
_THOUGHT = "</think>"


def first_stated(text: str, rule: Callable[[str], str | None]) -> str | None:
    """What `rule` finds before a further question; in the whole text where that states nothing.

    After lm-evaluation-harness, gsm8k.yaml (`until: "Question:"`). The whole text is for replies
    that repeat the problem under a heading before they answer it.
    """
    text = text.rpartition(_THOUGHT)[2].strip()
    further = _NEXT.search(text)
    stated = rule(text[: further.start()]) if further else None
    return rule(text) if stated is None else stated
