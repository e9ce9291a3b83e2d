"""A tiny task's words, and the simulated engine of conf/llm/simulated.yaml."""

from dataclasses import replace
from pathlib import Path

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


def simulated(**changes: object) -> SimulatedLLM:
    node = yaml.safe_load((CONF / "simulated.yaml").read_text())
    settings = {k: v for k, v in node.items() if not k.startswith("_") and k != "limits"}
    return SimulatedLLM(**(settings | {"speaker": Numbers()} | changes))


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
    return replace(request, site=CallSite(example, role, answers))


def right(number: int, text: str) -> bool:
    return Numbers().extract(text) == question(number).answer
