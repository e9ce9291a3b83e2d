"""Other people's rules for the same replies, in short versions of our own, to compare with."""

import re
from collections.abc import Sequence

from math_verify import parse, verify

from tts_search.tasks.answers import latex
from tts_search.tasks.answers.number import gold_number, plain_number

_DROPPED = (r"\!", r"\left", r"\right", r"^{\circ}", r"^\circ", r"\$", r"\%", "%", " ", "\n")


def math_verify_alone(gold: str, reply: str) -> bool:
    """math-verify on the whole reply, as its README shows."""
    return bool(verify(parse(f"${gold}$"), parse(reply)))


def hendrycks(gold: str, reply: str) -> bool:
    """The last box, equal after a normalisation like hendrycks/math's `_strip_string`."""
    box = latex.boxed(reply)
    return box is not None and _strip(box) == _strip(gold)


def first_brace(gold: str, reply: str) -> bool:
    r"""A regex for the box that stops at the first closing brace, then the same."""
    found = re.findall(r"\\boxed\{(.*?)\}", reply)
    return bool(found) and _strip(found[-1]) == _strip(gold)


def official_number(gold: str, reply: str) -> bool:
    """openai/grade-school-math: the number behind `####`, as text."""
    return gold_number(reply) == gold


def last_number(gold: str, reply: str) -> bool:
    """lm-evaluation-harness, gsm8k.yaml, `flexible-extract`: the last number, as text."""
    found = re.findall(r"(-?[$0-9.,]{2,})|(-?[0-9]+)", reply)
    last = (found[-1][0] or found[-1][1]) if found else ""
    return re.sub(r"[,$]|\.$", "", last) == plain_number(gold)


def first_capital(gold: str, reply: str, choices: Sequence[str]) -> bool:
    """The first capital letter that is one of the options, wherever it stands."""
    found = re.search(f"[A-{'ABCDEFGHIJ'[len(choices) - 1]}]", reply)
    return found is not None and found[0] == gold


def _strip(answer: str) -> str:
    answer = re.sub(r"\\text\{ .*", "", re.sub(r"\\[dt]frac", r"\\frac", answer))
    for mark in _DROPPED:
        answer = answer.replace(mark, "")
    answer = re.sub(r"^[a-z]=", "", answer)
    answer = re.sub(r"\\sqrt(\w)", r"\\sqrt{\1}", answer)
    answer = re.sub(r"\\frac(\d)(\d)", r"\\frac{\1}{\2}", answer)
    answer = re.sub(r"^(-?\d+)/(\d+)$", r"\\frac{\1}{\2}", answer)
    return r"\frac{1}{2}" if answer in ("0.5", ".5") else re.sub(r"^\.", "0.", answer)
