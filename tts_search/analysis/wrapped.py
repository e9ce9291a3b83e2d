"""Text of others on the terminal: nothing in it is obeyed, and it keeps to its column."""

import unicodedata
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode categories that move the cursor, reorder what is read, or cannot be written."""


def safe(text: str) -> str:
    r"""The text with what a terminal would obey written out: \x1b, \u202e. Lines and tabs stay."""
    return "".join(c if c in "\n\t" or unicodedata.category(c) not in HIDDEN else _out(c)
                   for c in text)  # fmt: skip


def line(text: str) -> str:
    r"""The same on one line: a line break reads \n."""
    return safe(text).replace("\n", r"\n").replace("\t", r"\t")


def _out(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


@dataclass(frozen=True)
class Column:
    """`body` wrapped to the right of `first`, and of `rest` (default: blanks) on later lines."""

    first: Text
    body: Text
    rest: Text | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        margin = self.first.cell_len
        rest = self.rest or Text(" " * margin)
        lines = self.body.wrap(console, max(20, options.max_width - margin))
        for i, text in enumerate(lines):
            yield Text.assemble(rest if i else self.first, text, no_wrap=True, overflow="ignore")


def quoted(text: str) -> Column:
    """Words of a question, a prompt or a model, set apart by a bar."""
    bar = Text("  │ ", "dim")
    return Column(bar, Text(safe(text)), bar)
