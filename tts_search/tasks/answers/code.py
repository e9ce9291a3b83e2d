"""Finding the function that a reply writes, whether it chats about it or just goes on writing.

A base model goes on with the prompt: its text up to the official stop sequences is the body of the
function (Chen et al. 2021, section 3.2). A chat model writes the function anew, mostly in a fenced
block, with examples of its use around it; what the function needs is kept and the rest left out,
after EvalPlus (Liu et al. 2023, arXiv 2305.01210; evalplus/sanitize.py). In this order:

1. a text that starts indented and completes the prompt;
2. the last fenced Python block that defines the function, closed or not;
3. the definitions among the lines of the text, if the function is one of them;
4. the last fenced block that completes the prompt, then the text itself, whose first line or all
   of whose lines may have lost their indentation;
5. the last block, or the lines, that define any function.

In 2, 3 and 5 the prompt's lines before its function are put in front.
"""

import ast
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from tts_search.tasks.answers import python
from tts_search.tasks.answers.python import Piece

LONGEST = 100_000  # characters from the end of a reply that are read
STOPS = ("\nclass", "\ndef", "\n#", "\nif", "\nprint")  # Chen et al. 2021, section 3.2
_PYTHON = {"", "python", "python3", "py", "py3"}
_FENCE = re.compile(r"(?:`{3,}|~{3,})([\w.+-]*(?=[ \t]*\n))?")


@dataclass(frozen=True)
class Stub:
    """What a reply completes: a `prompt` that ends within its last function, `entry`, after the
    signature and the docstring."""

    prompt: str
    entry: str

    @cached_property
    def piece(self) -> Piece | None:
        """The prompt with an empty body; None if that is no such function."""
        piece = python.parse(self.prompt + "\n    pass\n")
        return piece if piece and self.entry in python.binds(piece.statements[-1]) else None

    @cached_property
    def preamble(self) -> str:
        """The prompt's lines before its function: imports and helpers."""
        return self.piece.without_last() if self.piece else ""

    def body(self, completion: str) -> list[ast.stmt]:
        """What the completion makes the body of the function; empty if nothing or no Python."""
        piece = python.parse(self.prompt + completion)
        if piece is None or self.piece is None:
            return []
        whole, empty = python.body(piece, self.entry), python.body(self.piece, self.entry)
        return whole[len(empty) - 1 :]


def solution(text: str, stub: Stub | None = None) -> str | None:
    """The program that defines the function, with all it needs; None if the text writes none.

    Without a stub: the last block, or the lines, that define any function. Pure; never raises.
    """
    text = text.rpartition("</think>")[2][-LONGEST:].replace("\r\n", "\n").replace("\r", "\n")
    if stub and text.lstrip("\n")[:1] in (" ", "\t") and (done := _completed(text, stub)):
        return done
    blocks = list(_fenced(text))
    pieces = list(filter(None, map(python.read, blocks)))
    loose = list(filter(None, [python.read(text)]))
    for candidates in (pieces, loose):
        if main := _last(candidates, stub.entry if stub else None):
            return _whole(main, candidates, stub)
    if stub and (done := _repaired([*reversed(blocks), text], stub)):
        return done
    main = _last(pieces, None) or _last(loose, None)
    return _whole(main, (), stub) if main else None


def normal(source: str, stub: Stub | None = None) -> str | None:
    """One spelling for functions that differ in layout, comments or docstrings alone.

    Lines of the stub's preamble are left out. None when nothing is left or it is not Python.
    """
    return python.normal(source, stub.preamble if stub else "")


def _fenced(text: str) -> Iterator[str]:
    """Python blocks in order. A fence with a language opens a block even within another, which
    was then never closed."""
    start: int | None = None
    spoken = ""
    for mark in _FENCE.finditer(text):
        if start is not None and spoken in _PYTHON:
            yield text[start : mark.start()]
        opens = start is None or bool(mark[1])
        start, spoken = (mark.end(), (mark[1] or "").lower()) if opens else (None, "")
    if start is not None and spoken in _PYTHON:
        yield text[start:]


def _last(pieces: Sequence[Piece], name: str | None) -> Piece | None:
    return next((piece for piece in reversed(pieces) if piece.defines(name)), None)


def _whole(main: Piece, pieces: Sequence[Piece], stub: Stub | None) -> str:
    if stub and main.defines(stub.entry):
        kept = python.needed(main, [p for p in pieces if p is not main], stub.entry)
    else:
        kept = main.sources()
    first = [lines for lines in kept if lines.startswith("from __future__")]
    rest = [lines for lines in kept if lines not in first]
    return "\n".join([*first, *([stub.preamble] if stub else []), *rest, ""])


def _repaired(texts: Sequence[str], stub: Stub) -> str | None:
    """Bodies as they are, or else with the indentation that all lines lost, or the first one.

    A body without margin must return something: one word of prose is Python, too.
    """
    for text in texts:
        lines = text.strip("\n")
        if lines[:1] in (" ", "\t") and (done := _completed(lines, stub)):
            return done
        for body in (textwrap.indent(textwrap.dedent(lines), "    "), f"    {lines}"):
            done = _completed(body, stub)
            if done and python.returns(stub.body(done.removeprefix(stub.prompt))):
                return done
    return None


def _completed(text: str, stub: Stub) -> str | None:
    """The prompt and the text up to the first stop sequence, if together they are Python."""
    ends = [found for stop in STOPS if (found := text.find(stop)) >= 0]
    body = text[: min(ends, default=len(text))]
    return stub.prompt + body if stub.body(body) else None
