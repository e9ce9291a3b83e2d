r"""The answer that a reply in LaTeX states.

After hendrycks/math, modeling/dataset/util.py, `last_boxed_only_string`, and Lewkowycz et al.,
Minerva (2022), appendix D; braces are counted here, so `\boxed{\frac{1}{2}}` stays whole.
"""

import re

from tts_search.tasks.answers.reply import first_stated
from tts_search.tasks.answers.spelling import group, normal

__all__ = ["boxed", "normal", "stated_answer"]

_LONGEST = 100_000  # characters read, from the end of a reply
_SENTENCE = 1_000  # characters read of a last sentence without an announced answer
_BOX = re.compile(r"\\(?:boxed|fbox)(?![a-zA-Z])\s*")
_STATED = re.compile(r"answer\b[^\n.:=]{0,40}?(?:\bis\b|[:=])[ \t*]*([^\n]{1,300})", re.IGNORECASE)
_BELOW = re.compile(r"answer\b[ \t*:]*\n[ \t\n]*([^\n]{1,300})", re.IGNORECASE)
_REASON = re.compile(r",?\s(?:because|since|which)\b", re.IGNORECASE)
_CONCLUDES = re.compile(r"\b(?:so|thus|hence|therefore)\b", re.IGNORECASE)
_FORMULAS = re.compile(r"(?:\s|,|and\b|or\b|\$[^$]*\$)*")
_MATH = re.compile(r"(?<!\\)\$\$?(.+?)(?<!\\)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]")


def boxed(text: str) -> str | None:
    r"""Contents of the last `\boxed{...}` whose braces balance; None when there is none."""
    text = text[-_LONGEST:]
    for box in reversed(list(_BOX.finditer(text))[-20:]):
        content = group(text, box.end())
        if content is not None:
            return content.strip()
    return None


def stated_answer(text: str) -> str | None:
    """The answer a reply states in LaTeX or in words; None when it states none.

    Before a further question that the model asks itself, the first of these that is there: the
    last box that closes; what follows the last "answer is" or "answer:", or the line below
    "answer"; the value of the last formula of a last sentence with "so", "thus", "hence" or
    "therefore".
    """
    return first_stated(text, _stated)


def _stated(text: str) -> str | None:
    text = text[-_LONGEST:]
    answer = boxed(text)
    if answer is not None:
        return answer or None
    found = _STATED.findall(text) or _BELOW.findall(text)
    return _announced(found[-1]) if found else _concluded(text)


def _announced(line: str) -> str | None:
    """What a line such as `$5$, because ...` or `**12**.` begins with."""
    line = _REASON.split(line.strip().strip("*"))[0]
    math = _MATH.search(line)
    if math and _FORMULAS.fullmatch(line.rstrip(" .*")):
        return line.replace("$", "").strip(" .*") or None
    answer = next(filter(None, math.groups())) if math else re.split(r"[.!?*](?:\s|$)", line)[0]
    return boxed(answer) or answer.strip(" *,") or None


def _concluded(text: str) -> str | None:
    sentence = re.split(r"\n|[.!?]\s", text.strip())[-1][-_SENTENCE:]
    formulas = _MATH.findall(sentence) if _CONCLUDES.search(sentence) else []
    return "".join(formulas[-1]).rpartition("=")[2].strip() or None if formulas else None
