r"""One spelling for LaTeX answers that mean the same, and what kind of answer one is.

After hendrycks/math, modeling/math_equivalence.py, `_strip_string`.
"""

import re
from fractions import Fraction

_LISTED = re.compile(r"\\text\s*\{[^{}]*\b(?:and|or)\s*\}|\s(?:and|or)\s")
_SIGNS = {
    "−": "-", "π": r"\pi ", "∞": r"\infty ", "≤": r"\le ", "≥": r"\ge ", "×": r"\times ",
    "·": r"\cdot ", "°": r"^\circ", "²": "^2", "³": "^3", "∪": r"\cup ", "±": r"\pm ",
}  # fmt: skip
_BETWEEN = re.compile(
    r"([^<>=]+?)\s*(<|\\leq?(?![a-z]))\s*[xyzt]\s*(<|\\leq?(?![a-z]))\s*([^<>=]+)"
)
_RAY = re.compile(r"[xyzt]\s*(<|>|\\leq?(?![a-z])|\\geq?(?![a-z]))\s*([^<>=,]+)")
_BOUND = re.compile(r"\d|\\infty|\\pi")
_OPTION = re.compile(r"\\text(?:bf|rm|)?\s*\{\s*\(([A-Z])\)[^{}]*\}|\(([A-Z])\)")
_BASE = re.compile(r"[0-9A-F]+_\{?\d+\}?")
_TEXT = re.compile(r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mbox)\s*\{([^{}]*)\}")
_SPACING = re.compile(r"\\[,!;: ]|\\q?quad(?![a-zA-Z])|~|(?<!\d)\s+|\s+(?!\d)")
_DROPPED = re.compile(
    r"\\(?:left|right|displaystyle|[bB]igg?[lr]?)(?![a-zA-Z])|\\?%|\\?\$|\^\{?\\circ\}?|\\degree"
)
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:(?:,(?:\\!)?|\{,\})\d{3})+(?![\d,]|\.\d+,)")
_MIXED = re.compile(r"(-?)(\d{1,9})(?:\s*\\frac\{(\d{1,9})\}\{(\d{1,9})\}|\s+(\d{1,9})/(\d{1,9}))")
_REPEATING = re.compile(r"(-?)(\d{0,20})\.(\d{0,20})\\overline\{(\d{1,20})\}", re.ASCII)
_RATIONAL = re.compile(r"(-?)(?:\\frac\{(-?\d+)\}\{(\d+)\}|(-?\d+)/(\d+)|(-?\d*\.?\d+|-?\d+\.))")
_WORDS = re.compile(r"[^\W\d_]+(?:(?: +|, *|['-])[^\W\d_]+)*")
_UNIT = re.compile(r"(?<=[\d}])\\(?:text|mathrm|mbox)\{[^{}\d]*\}(?:\^\{?\d\}?)?$")


def normal(answer: str) -> str:
    """One spelling for equal answers: `\\dfrac12`, `0.5` and `1/2` all become `1/2`.

    normal(normal(a)) == normal(a). Not meant to be valid LaTeX.
    """
    for _ in range(4):  # one rewriting can enable another; answers settle after two or three
        before, answer = answer, _rewrite(answer)
        if answer == before:
            break
    return answer


def clean(answer: str) -> str:
    """The same answer in plain LaTeX: Unicode signs as macros, "and" and "or" as commas."""
    for sign, macro in _SIGNS.items():
        answer = answer.replace(sign, macro)
    answer = re.sub(r"√(\w+)", r"\\sqrt{\1}", answer)
    answer = _LISTED.sub(", ", answer)
    return _interval(answer)


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


def option(answer: str) -> str | None:
    r"""The letter of an answer that begins with an option, as in `\textbf{(C)}\ 12`."""
    found = _OPTION.match(answer)
    return (found[1] or found[2]).lower() if found else None


def in_base(answer: str) -> bool:
    """Whether the answer is digits with a base, such as `1011_2`."""
    return _BASE.fullmatch(normal(answer)) is not None


def brackets(answer: str) -> str:
    """The outer brackets of a listing, such as `(]`, or an empty text."""
    bare = normal(answer)
    if "\\cup" in bare:
        return ""
    left, right = bare[:2].lstrip("\\")[:1], bare[-1:]
    return left + right if left in tuple("([{") and right in tuple(")]}") and "," in bare else ""


def group(text: str, start: int) -> str | None:
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


def _interval(answer: str) -> str:
    """`2 \\le x < 5` as `[2,5)` and `x > 3` as `(3,\\infty)`; anything else unchanged."""
    if len(answer) > 100:  # the forms below are quadratic in the length
        return answer
    between, ray = (form.fullmatch(answer.strip(" $.")) for form in (_BETWEEN, _RAY))
    if between and _BOUND.search(between[1]) and _BOUND.search(between[4]):
        low, left, right, high = between.groups()
        return f"{'(' if left == '<' else '['}{low},{high}{')' if right == '<' else ']'}"
    if ray and _BOUND.search(ray[2]):
        sign, bound = ray.groups()
        if sign.startswith(("<", "\\l")):
            return f"(-\\infty,{bound}{')' if sign == '<' else ']'}"
        return f"{'(' if sign == '>' else '['}{bound},\\infty)"
    return answer


def _rewrite(answer: str) -> str:
    in_words = words(answer)
    if in_words is not None:
        return in_words
    answer = clean(answer).strip().strip("$").rstrip(".").strip()
    answer = _THOUSANDS.sub(lambda n: re.sub(r"[^\d]", "", n.group()), answer)
    answer = _UNIT.sub("", _SPACING.sub("", re.sub(r"\\[dct]frac", r"\\frac", answer)))
    answer = _DROPPED.sub("", answer)
    answer = re.sub(r"\\frac(\d)(\d)", r"\\frac{\1}{\2}", answer)
    answer = re.sub(r"_\{(\d+)\}$", r"_\1", answer)
    answer = re.sub(r"\\sqrt(\w)", r"\\sqrt{\1}", answer)
    answer = re.sub(r"^[a-zA-Z](?:=|\\in(?![a-zA-Z]))(?=.)", "", answer)
    return _rational(_repeating(_mixed(_unwrapped(_TEXT.sub(r"\1", answer)))))


def _unwrapped(answer: str) -> str:
    whole = answer.startswith("{") and group(answer, 0) == answer[1:-1]
    return answer[1:-1] if whole else answer


def _mixed(answer: str) -> str:
    """`3\\frac{1}{2}` and `3 1/2` as `7/2`."""
    number = _MIXED.fullmatch(answer)
    if number is None:
        return answer
    minus, whole, *parts = number.groups()
    above, below = (int(part) for part in parts if part)
    return f"{minus}{int(whole) * below + above}/{below}"


def _repeating(answer: str) -> str:
    """`0.1\\overline{6}` as `1/6`."""
    number = _REPEATING.fullmatch(answer)
    if number is None:
        return answer
    minus, whole, fixed, period = number.groups()
    value = Fraction(f"{whole or 0}.{fixed or 0}")
    return f"{minus}{value + Fraction(int(period), (10 ** len(period) - 1) * 10 ** len(fixed))}"


def _rational(answer: str) -> str:
    """`0.50` and `\\frac{2}{4}` as `1/2`; anything but one short rational number unchanged."""
    number = _RATIONAL.fullmatch(answer) if len(answer) < 60 else None
    if number is None or (number[3] or number[5] or "1").strip("0") == "":
        return answer
    minus, above, below, left, right, decimal = number.groups()
    value = Fraction(decimal) if decimal else Fraction(int(above or left), int(below or right))
    return str(-value if minus else value)
