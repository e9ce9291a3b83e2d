r"""The answer inside a LaTeX reply, and one spelling for answers that mean the same.

After Hendrycks et al., MATH (2021), `last_boxed_only_string` and `strip_string`, and Lewkowycz et
al., Minerva (2022), appendix D; braces are counted here, so `\boxed{\frac{1}{2}}` stays whole.
"""

import re
from fractions import Fraction

_LONGEST = 100_000  # characters read, from the end of a reply
_BOX = re.compile(r"\\(?:boxed|fbox)(?![a-zA-Z])\s*")
_STATED = re.compile(r"answer\b[^\n.:=]{0,40}?(?:\bis\b|[:=])[ \t*]*([^\n]{1,300})", re.IGNORECASE)
_MATH = re.compile(r"(?<!\\)\$\$?(.+?)(?<!\\)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]")
_TEXT = re.compile(r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mbox)\s*\{([^{}]*)\}")
_SPACING = re.compile(r"\\[,!;: ]|\\q?quad(?![a-zA-Z])|~|(?<!\d)\s+|\s+(?!\d)")
_DROPPED = re.compile(
    r"\\(?:left|right|displaystyle|[bB]igg?[lr]?)(?![a-zA-Z])|\\?%|\\?\$|\^\{?\\circ\}?|\\degree"
)
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,(?:\\!)?\d{3})+(?![\d,]|\.\d+,)")
_RATIONAL = re.compile(r"(-?)(?:\\frac\{(-?\d+)\}\{(\d+)\}|(-?\d+)/(\d+)|(-?\d*\.?\d+|-?\d+\.))")
_WORDS = re.compile(r"[^\W\d_]+(?:(?: +|, *|['-])[^\W\d_]+)*")
_UNIT = re.compile(r"(?<=[\d}])\\(?:text|mathrm|mbox)\{\s*[^{}\d]*\}(?:\^\{?\d\}?)?$")


def boxed(text: str) -> str | None:
    r"""Contents of the last `\boxed{...}` whose braces balance; None when there is none."""
    text = text[-_LONGEST:]
    for box in reversed(list(_BOX.finditer(text))[-20:]):
        content = _group(text, box.end())
        if content is not None:
            return content.strip()
    return None


def stated_answer(text: str) -> str | None:
    """The last boxed answer, else what follows the last "answer is" or "answer:" on its line."""
    answer = boxed(text)
    if answer is not None:
        return answer or None
    found = _STATED.findall(text[-_LONGEST:])
    if not found:
        return None
    line = found[-1].strip().rstrip("*").strip()
    math = _MATH.search(line)
    answer = next(filter(None, math.groups())) if math else re.split(r"[.!?](?:\s|$)", line)[0]
    return boxed(answer) or answer.strip() or None


def normal(answer: str) -> str:
    """One spelling for equal answers: `\\dfrac12`, `0.5` and `1/2` all become `1/2`.

    normal(normal(a)) == normal(a). Not meant to be valid LaTeX.
    """
    for _ in range(4):  # one rewriting can enable another; answers settle after two or three
        before, answer = answer, _rewrite(answer)
        if answer == before:
            break
    return answer


def hundredth(answer: str) -> str | None:
    """The normal form of a rational answer over 100, for what a percentage is worth."""
    value = _rational(normal(answer))
    if re.fullmatch(r"-?\d+(/\d+)?", value, re.ASCII) is None:
        return None
    return str(Fraction(value) / 100)


def words(answer: str, letters: bool = False) -> str | None:
    r"""The words of an answer wholly in words (`\text{ellipse}`, `even`), lower case; else None.

    A listing is sorted. Up to three letters outside `\text` are symbols unless `letters`; more
    are a word, for an algebra system would take `even` and `neve` for the same product.
    """
    bare = _TEXT.sub(r"\1", answer).replace("\\ ", " ").strip(" .$()")
    if _WORDS.fullmatch(bare) is None:
        return None
    if _TEXT.search(answer) is None and len(bare) <= 3 and not letters:
        return None
    return ", ".join(sorted(" ".join(part.lower().split()) for part in bare.split(",")))


def _group(text: str, start: int) -> str | None:
    """What a macro's argument at `start` holds: a balanced group, or one token without braces."""
    if text[start : start + 1] != "{":
        token = re.match(r"\\?[A-Za-z]+|-?\d+|\S", text[start:])
        return token.group() if token and token.group() not in "}$" else None
    depth = 0
    for brace in re.finditer(r"\\.|[{}]", text[start:], re.DOTALL):
        depth += {"{": 1, "}": -1}.get(brace.group(), 0)
        if depth == 0 and brace.group() == "}":
            return text[start + 1 : start + brace.start()]
    return None


def _rewrite(answer: str) -> str:
    in_words = words(answer)
    if in_words is not None:
        return in_words
    answer = answer.strip().strip("$").rstrip(".").strip().replace("−", "-")
    answer = _THOUSANDS.sub(lambda n: re.sub(r",(\\!)?", "", n.group()), answer)
    answer = _UNIT.sub("", _SPACING.sub("", re.sub(r"\\[dct]frac", r"\\frac", answer)))
    answer = _DROPPED.sub("", answer)
    answer = re.sub(r"\\frac(\d)(\d)", r"\\frac{\1}{\2}", answer)
    answer = re.sub(r"\\sqrt(\w)", r"\\sqrt{\1}", answer)
    answer = re.sub(r"^[a-zA-Z](?:=|\\in(?![a-zA-Z]))(?=.)", "", answer)
    return _rational(_unwrapped(_TEXT.sub(r"\1", answer)))


def _unwrapped(answer: str) -> str:
    whole = answer.startswith("{") and _group(answer, 0) == answer[1:-1]
    return answer[1:-1] if whole else answer


def _rational(answer: str) -> str:
    """`0.50` and `\\frac{2}{4}` as `1/2`; anything but one short rational number unchanged."""
    number = _RATIONAL.fullmatch(answer) if len(answer) < 60 else None
    if number is None or (number[3] or number[5] or "1").strip("0") == "":
        return answer
    minus, above, below, left, right, decimal = number.groups()
    value = Fraction(decimal) if decimal else Fraction(int(above or left), int(below or right))
    return str(-value if minus else value)
