"""The number that a reply ends up stating."""

import re

# A minus sign counts when it does not follow a digit, a letter or a bracket (5-3 states 3, not -3).
# Possessive, so that what follows cannot make it give digits back.
_NUMBER = r"(?:(?<![\w)\]])-)?[0-9][0-9,]*+(?:\.[0-9]++)?+"
_LONGEST = 20_000  # characters read, from the end of a reply
_ANY = re.compile(_NUMBER)
_STATED = re.compile(
    rf"(?:=|:|\bis\b)\s*[^\w\s.+*/()-]{{0,4}}({_NUMBER})(?!\s*[-+*/×x=]\s*[0-9])", re.IGNORECASE
)
_NEXT_QUESTION = re.compile(
    r"\n[ \t]*(?:question|q|user|problem)\b[ \t]*\d*[ \t]*[:.]", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"\n|[.!?](?:\s|$)")


def stated_number(text: str) -> str | None:
    """The number a reply states, without commas, leading zeros or a `.0`; None without digits.

    Rule: drop everything from a second question that the model asks itself; then, in the last
    sentence with the word "answer" and a number (else in the whole reply), take the last number
    behind `=`, `:` or `is` that does not go on as an expression, else the last number.
    After lm-evaluation-harness, gsm8k.yaml: stop at "Question:", strict match of "The answer is",
    then `flexible-extract`, the last number.
    """
    text = text.strip()
    follow_up = _NEXT_QUESTION.search(text)
    text = text[: follow_up.start()] if follow_up else text
    text = text[-_LONGEST:].replace("−", "-")
    scope = _answer_sentence(text) or text
    found = _STATED.findall(scope) or _ANY.findall(scope)
    return plain_number(found[-1]) if found else None


def plain_number(text: str) -> str:
    """`-1,234.50` as `-1234.5`, on text alone: int() refuses very long numbers."""
    sign = "-" if text.startswith("-") else ""
    whole, _, part = text.lstrip("-").replace(",", "").partition(".")
    whole, part = whole.lstrip("0") or "0", part.rstrip("0")
    number = f"{whole}.{part}" if part else whole
    return number if number == "0" else sign + number


def _answer_sentence(text: str) -> str | None:
    for sentence in reversed(_SENTENCE_END.split(text)):
        at = sentence.lower().rfind("answer")
        if at >= 0 and _ANY.search(sentence, at):
            return sentence[at:]
    return None
