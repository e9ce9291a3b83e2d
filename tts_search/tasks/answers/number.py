"""The number that a reply ends up stating, and GSM8K's gold number."""

import re
from fractions import Fraction

from tts_search.tasks.answers import latex
from tts_search.tasks.answers.reply import first_stated

_LONGEST = 20_000  # characters read, from the end of a reply
_EXACT = 300  # digits of a number that is compared as a fraction; longer ones as text
# A minus sign counts when it does not follow a digit, a letter or a bracket (5-3 states 3, not -3).
# Possessive, so that what follows cannot make it give digits back.
_DIGITS = r"(?:(?<![\w)\]])-)?\$?[0-9][0-9,]*+(?:\.[0-9]++)?+(?!(?:st|nd|rd|th)\b)"
_NUMBER = (
    rf"{_DIGITS}(?:[ ]?/[ ]?[0-9]++|[ ][0-9]++/[0-9]++)?+(?:\s(?:thousand|million|billion)\b)?"
)
_PARTS = re.compile(
    r"(-?)(?:(\d+) (?=\d+/))?(\d+(?:\.\d+)?)(?: ?/ ?(\d+))?(?:\s(thousand|million|billion))?",
    re.IGNORECASE | re.ASCII,
)
_SCALE = {"thousand": 10**3, "million": 10**6, "billion": 10**9}
_ANY = re.compile(_NUMBER, re.IGNORECASE)
# Behind `=`, `:` (not of a time of day) or `is`, and not the start of an expression.
_STATED = re.compile(
    r"(?:=|(?<!\d):|(?<!which )\bis\b|\brounds (?:up |down )?to\b)"
    rf"\s*[^\w\s.+*/()-]{{0,4}}({_NUMBER})"
    r"(?!\s*[-+*/×x=]\s*[0-9$])",
    re.IGNORECASE,
)
_BOLD = re.compile(rf"\*\*\W{{0,3}}?({_NUMBER})(?: [a-z]+){{0,3}}%?\.?\*\*", re.IGNORECASE)
_CIRCUMSTANCE = re.compile(
    rf"\b(?:in|at|for|from|over|per|with|after|by|each|every)(?: [a-z]+){{0,2}} ({_NUMBER})",
    re.IGNORECASE,
)
_BRACKETS = re.compile(r"\([^()]{0,200}\)")
_ASIDE = re.compile(r"\b(?:because|since)\b|,\s(?:not|rather than|instead of)\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"\n|(?<![.\s][a-z])[.!?](?:\s|$)")  # not behind the "i.e." kind
_OFFICIAL = re.compile(r"#### (-?[0-9.,]+)")
_MARK = re.compile(rf"####[\s*$]*({_NUMBER})", re.IGNORECASE)


def gold_number(answer: str) -> str | None:
    """The number behind `####`, without commas.

    openai/grade-school-math, grade_school_math/dataset.py, ANS_RE and extract_answer.
    """
    found = _OFFICIAL.search(answer)
    return found[1].replace(",", "") if found else None


def stated_number(text: str) -> str | None:
    """The number a reply states, without commas, leading zeros or a `.0`; None without digits.

    Before a further question that the model asks itself, the first of these that is there:
    1. the number behind the first `####`, GSM8K's own form (grade_school_math/dataset.py);
    2. the number in the last `\\boxed{}`;
    3. in the last sentence with the word "answer" and a number behind it;
    4. a number alone in bold in the last line;
    5. in the last sentence with a number.
    In a sentence the last number behind `=`, `:` or `is` that does not go on as an expression,
    else the last that is no circumstance ("in 3 packs", "at 2 dollars", in brackets), else the
    last, as lm-evaluation-harness's `flexible-extract` does everywhere (gsm8k.yaml).
    A fraction is given as a decimal where it ends (`3 1/2` as `3.5`), else in lowest terms.
    """
    return first_stated(text.replace("−", "-"), _stated)


def same_number(gold: str, stated: str | None) -> bool:
    """Whether two numbers are equal, exactly: `18`, `18.00` and `36/2` are.

    `26 million` equals 26 too: questions that ask for millions have such golds.
    """
    return stated is not None and _plain(gold.strip()) in _readings(stated.strip())


def plain_number(text: str) -> str:
    """`-1,234.50` as `-1234.5`, on text alone: int() refuses very long numbers."""
    sign = "-" if text.startswith("-") else ""
    whole, _, part = text.lstrip("-").replace(",", "").partition(".")
    whole, part = whole.lstrip("0") or "0", part.rstrip("0")
    number = f"{whole}.{part}" if part else whole
    return number if number == "0" else sign + number


def _stated(text: str) -> str | None:
    mark = _MARK.search(text)
    if mark:
        return _plain(mark[1])
    text = text[-_LONGEST:]
    box = latex.boxed(text)
    scope = latex.normal(box)[:_EXACT] if box else _answer_sentence(text)
    if scope and _ANY.search(scope):
        return _in_sentence(scope)
    bold = _BOLD.findall(text.rsplit("\n", 1)[-1])
    if bold:
        return _plain(bold[-1])
    sentences = reversed(_SENTENCE_END.split(text))
    return next((_in_sentence(s) for s in sentences if _ANY.search(s)), None)


def _answer_sentence(text: str) -> str | None:
    for sentence in reversed(_SENTENCE_END.split(text)):
        at = sentence.lower().rfind("answer")
        if at >= 0 and _ANY.search(sentence, at):
            return sentence[at:]
    return None


def _in_sentence(sentence: str) -> str:
    """The number that a sentence with a number states."""
    claim = _ASIDE.split(sentence)[0]
    sentence = claim if _ANY.search(claim) else sentence
    stated = _STATED.findall(sentence)
    if stated:
        return _plain(stated[-1])
    outside = _BRACKETS.sub(" ", sentence)
    sentence = outside if _ANY.search(outside) else sentence
    aside = {found.start(1) for found in _CIRCUMSTANCE.finditer(sentence) if "$" not in found[1]}
    numbers = list(_ANY.finditer(sentence))
    said = [found for found in numbers if found.start() not in aside] or numbers
    return _plain(said[-1].group())


def _plain(number: str) -> str:
    """One spelling for equal numbers, whatever form `_NUMBER` found them in."""
    number = number.replace("$", "").replace(",", "")
    parts = _PARTS.fullmatch(number) if len(number) <= _EXACT else None
    if parts is None:
        return plain_number(number)
    minus, whole, above, below, scale = parts.groups()
    if not int(below or 1):
        return number
    value = plain_number(above)
    if below:
        value = _decimal(int(whole or 0) + Fraction(above) / int(below))
    sign = minus if value != "0" else ""
    return f"{sign}{value} {scale.lower()}" if scale else sign + value


def _readings(number: str) -> tuple[str, ...]:
    """A number, and for one such as `26 million` also its value and the number before the word."""
    plain = _plain(number)
    value, _, scale = plain.partition(" ")
    if scale not in _SCALE or "/" in value:
        return (plain,)
    sign, digits = ("-", value[1:]) if value.startswith("-") else ("", value)
    return plain, value, sign + _decimal(Fraction(digits) * _SCALE[scale])


def _decimal(value: Fraction) -> str:
    """A value of at least 0 as a decimal where it ends soon, else in lowest terms."""
    for places in range(20):
        if (value * 10**places).denominator == 1:
            digits = str(int(value * 10**places)).zfill(places + 1)
            return plain_number(
                f"{digits[: len(digits) - places]}.{digits[len(digits) - places :]}"
            )
    return str(value)
