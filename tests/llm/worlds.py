"""A tiny task's words, and the simulated engine on a shipped world."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from fakes import ask

from tts_search.core.data import CallSite, Example
from tts_search.llm.base import Request
from tts_search.llm.simulated import SimulatedLLM

CONF = Path(__file__).parents[2] / "conf" / "llm"


class Numbers:
    def write(self, answer: str) -> str:
        return f"The answer is {answer}."

    def wrong(self, example: Example, index: int) -> str:
        return str(int(example.answer) + index + 1)

    def extract(self, text: str, example: Example | None = None) -> str | None:
        words = text.rstrip(".").split()
        return words[-1] if words and words[-1].isdigit() else None


def simulated(world: dict[str, Any] | None = None, **changes: Any) -> SimulatedLLM:
    """The world of MATH; `world` changes its settings, those of a mapping one by one."""
    node = yaml.safe_load((CONF / "world" / "math.yaml").read_text())
    for name, value in (world or {}).items():
        node[name] = node[name] | value if name == "habits" else value
    return SimulatedLLM(node, speaker=Numbers(), **changes)


def question(number: int) -> Example:
    return Example(f"q{number}", f"question {number}?", str(100 * number + 7))


def call(
    number: int,
    model: str = "3b",
    role: str = "assistant",
    answers: tuple[str, ...] = (),
    seed: int = 0,
) -> Request:
    example = question(number)
    text = "\n".join((role, example.question, *answers))
    request = ask(text, seed=seed, model=model, max_tokens=512)
    site = CallSite(example, role, answers, key=f"{model} {role} {len(answers)} {seed}")
    return replace(request, site=site)


def right(number: int, text: str) -> bool:
    return Numbers().extract(text) == question(number).answer
