"""The letter of a multiple-choice question that a reply ends up choosing."""

import re
from collections.abc import Iterator, Sequence
from string import ascii_uppercase

from tts_search.tasks.answers import latex
from tts_search.tasks.answers.reply import first_stated

_LONGEST = 20_000  # characters read, from the end of a reply
_TAIL = 1_000  # characters read behind "the answer is"
_ANNOUNCED = re.compile(
    r"\b(?:answer|option|choice|(?:right|correct|best) one)\b[^\n.:=>]{0,40}?"
    r"(?:\bis\b|\bbe\b|[:=>])\s*",
    re.IGNORECASE,
)
_CONCLUDED = re.compile(
    r"(?:\b(?:so|therefore|thus|hence|no(?=[,.:;])|it is|it's|this is|that is|must be"
    r"|leaves|left with|choose|pick|select|say|go with)\b|=)[,:]?\s*",
    re.IGNORECASE,
)
_IS_IT = re.compile(
    r"(?<![\w-])\(?(?P<letter>[A-Z])\)?(?:[.:)][^\n]{0,200}?\b(?i:this|that))? "
    r"(?:(?:is|seems|looks) (?:the )?(?:(?:most|only|final) )?"
    r"(?:(?:correct|right|best|likely|plausible)\b|(?:answer|option|choice)\b)|fits\b)"
)
_LEAD = re.compile(
    r"\W*(?:(?:either|both|that|the|option|choice|answer|letter|probably|clearly)\b\W*)*", re.I
)
_NEGATED = re.compile(r"\W*not\b", re.IGNORECASE)
_OR = re.compile(r"\W*\b(?:or|and)\b([^\n.]*)", re.IGNORECASE)
_NO_MORE = re.compile(r"\W*(?:$|\n|[.!?,;)*](?=\W|$))")


def stated_choice(text: str, choices: Sequence[str]) -> str | None:
    """The letter, "A" for the first choice, that a reply states as its answer; else None.

    Before a further question that the model asks itself, the first of these that is there:
    1. the last `\\boxed{}`;
    2. the last statement: "the answer is X", "so X", "X is correct", X a letter or the text of a
       choice; where it names several ("A and B"), none;
    3. the last line, else the first, that is nothing but a letter, a choice, or both;
    4. the one choice whose text is in the last sentence that holds any.
    Options that the reply only repeats are skipped; an answer before them stands. A capital
    letter in the prose ("Vitamin A", "A good answer") states nothing.

    Refines hendrycks/test, evaluate.py (the likeliest of the tokens " A" to " D" after "Answer:",
    which needs log-probabilities) and lm-evaluation-harness, MultiChoiceRegexFilter
    (lm_eval/filters/extraction.py: a regex, else a choice's text, else a letter behind a colon).
    """
    return first_stated(text, _Reader(choices[:26]).read) if choices else None


class _Reader:
    """The rules above for the choices of one question."""

    def __init__(self, choices: Sequence[str]) -> None:
        self._texts = [_bare(choice) for choice in choices]
        self._letters = ascii_uppercase[: len(choices)]
        either = self._letters + self._letters.lower()
        # A small letter is one only where nothing but punctuation follows: "is a." but "is a city".
        letter = rf"(?:[{self._letters}](?![\w'’-])|[{self._letters.lower()}](?=\W*(?:\n|$)|[).]))"
        self._letter = re.compile(rf"(?:\\text(?:bf)?\{{)?[\W_]*?({letter})")
        self._and = re.compile(rf"\W*(?:,|\band\b|\bor\b|&|/)\W*(?:or |and )?{letter}")
        self._option = re.compile(
            rf"(?:option |choice |answer )?\W*(?P<letter>[{either}])(?!\w)", re.IGNORECASE
        )

    def read(self, text: str) -> str | None:
        before, after = self._around_options(text[-_LONGEST:])
        return (before and self._stated(before)) or (after and self._rule(after)) or None

    def _rule(self, text: str) -> str | None:
        return self._stated(text) or self._mentioned(text)

    def _stated(self, text: str) -> str | None:
        whole = self._line(text)
        if whole:
            return whole
        box = latex.boxed(text)
        if box:
            return self._begins(box + "\n") or self._only(box)
        statements = sorted(self._statements(text))
        if statements:
            return statements[-1][1] or None
        lines = [line for line in text.split("\n") if line.strip()]
        return next(filter(None, map(self._line, [*lines[-1:], *lines[:1]])), None)

    def _statements(self, text: str) -> Iterator[tuple[int, str]]:
        """Where the reply says what the answer is, and what it says: "" for several at once."""
        for found in _ANNOUNCED.finditer(text):
            if re.search(r"\bnot\b|cannot|n't\b", found[0]):
                continue
            tail = text[found.end() : found.end() + _TAIL]
            stated = self._begins(tail)
            if stated is None and not _NEGATED.match(tail):
                stated = self._only(re.split(r"\n|[.!?](?:\s|$)", tail.lstrip())[0])
            if stated is not None:
                yield found.end(), stated
        for found in _CONCLUDED.finditer(text):
            tail = text[found.end() : found.end() + _TAIL]
            stated = self._begins(tail, alone=True)
            if stated is not None:
                yield found.end(), stated
        for found in _IS_IT.finditer(text):
            if found["letter"] in self._letters:
                yield found.start(), found["letter"]

    def _begins(self, tail: str, alone: bool = False) -> str | None:
        """The choice or letter a statement begins with; if `alone`, with nothing behind a letter.

        A choice comes first: "A runner", "B. F. Skinner" and "a base" are no letters.
        """
        start = _LEAD.match(tail)
        text = " ".join(tail[start.end() if start else 0 :].split()) + " "
        for whole in (" ".join(tail.split()).lstrip("*_`\"'($: ") + " ", text):
            named = [t for t in self._texts if len(t) > 1 and _opens(whole.lower(), t.lower())]
            if named:
                longest = max(named, key=lambda t: (len(t), whole.startswith(t)))
                more = _OR.match(whole[len(longest) :])
                return "" if more and self._named(more[1]) else self._text(longest)
        letter = self._letter.match(tail[start.end() - 1 if start and start.end() else 0 :])
        if letter is None:
            return None
        rest = letter.string[letter.end() :]
        if self._and.match(rest):
            return ""
        return letter[1].upper() if not alone or _NO_MORE.match(rest) else None

    def _line(self, line: str) -> str | None:
        """The letter of a line that is only a letter, a choice, or both."""
        line = line.strip(" *_`\"'($#")
        option = self._option.match(line)
        if option:
            letter = option["letter"].upper()
            rest = _bare(line[option.end() :]).lower()
            if rest in ("", self._texts[self._letters.index(letter)].lower()):
                return letter
        return self._text(_bare(line))

    def _text(self, text: str) -> str | None:
        """The letter of the one choice with this text; case counts where it tells two apart."""
        for fold in (str, str.lower):
            same = [n for n, choice in enumerate(self._texts) if fold(choice) == fold(text)]
            if same:
                return self._letters[same[0]] if len(same) == 1 else None
        return None

    def _mentioned(self, text: str) -> str | None:
        for sentence in reversed(re.split(r"\n|[.!?](?:\s|$)", text)):
            found = self._named(sentence)
            if found:
                return found.pop() if len(found) == 1 else None
        return None

    def _only(self, text: str) -> str | None:
        """The letter of the one choice named in a text, "" for several, None for none."""
        found = self._named(text)
        return None if not found else found.pop() if len(found) == 1 else ""

    def _named(self, text: str) -> set[str]:
        """Letters of the choices whose text is in `text`, not as a part of another's."""
        spans = [
            (found.start(), found.end(), letter)
            for letter, choice in zip(self._letters, self._texts, strict=True)
            if choice
            for found in re.finditer(
                rf"(?<![\w.])(?<!\bnot ){re.escape(choice.lower())}(?!\w|[.,]\d)", text.lower()
            )
        ]
        return {
            letter
            for start, end, letter in spans
            if not any(s <= start and end <= e and (s, e) != (start, end) for s, e, _ in spans)
        }

    def _around_options(self, text: str) -> tuple[str, str]:
        """What stands before and after options that the reply repeats word for word."""
        lines = text.split("\n")
        repeated = [n for n, line in enumerate(lines) if self._repeats(line)]
        if len(repeated) < 2:
            return "", text
        return "\n".join(lines[: repeated[0]]), "\n".join(lines[repeated[-1] + 1 :])

    def _repeats(self, line: str) -> bool:
        bare = line.strip(" *_(-")
        return bare[:1] in set(self._letters) and self._line(line) is not None and len(bare) > 2


def _bare(text: str) -> str:
    return " ".join(text.strip(" \t\r.,:;!?*_`\"'()$").split())


def _opens(text: str, choice: str) -> bool:
    """Whether a text begins with a choice and not with a longer word or number."""
    return text.startswith(choice) and not re.match(r"\w|[.,]\d", text[len(choice) :])
