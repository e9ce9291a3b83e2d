"""Python source that nobody has read: parsed without raising, cut to what a function needs."""

import ast
import re
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_IMPORTS = (ast.Import, ast.ImportFrom)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_ASSIGNMENTS = (ast.Assign, ast.AnnAssign, ast.AugAssign)
_CLOSERS = (")", "]", "}")
_DEFINITION = re.compile(r"@|(async|def|class|import|from)\b|\w.*=")
# What parsing or walking a text may end in: no Python, a null byte or a lone surrogate, too deep.
_UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)


@dataclass(frozen=True, eq=False)
class Piece:
    """Source with its top-level statements, of which there is at least one."""

    source: str
    statements: Sequence[ast.stmt]

    def defines(self, name: str | None) -> bool:
        """Whether a top-level statement binds `name`; without a name, whether any is a function."""
        if name is None:
            return any(isinstance(s, _FUNCTIONS) for s in self.statements)
        return any(name in binds(s) for s in self.statements if not isinstance(s, _IMPORTS))

    def sources(self, statements: Iterable[ast.stmt] | None = None) -> list[str]:
        """The lines of each statement, all by default, in order; a line that two share, once."""
        chosen = self.statements if statements is None else statements
        lines = self.source.split("\n")
        spans = dict.fromkeys((_first(s), s.end_lineno or s.lineno) for s in chosen)
        return ["\n".join(lines[first - 1 : last]) for first, last in sorted(spans)]

    def without_last(self) -> str:
        """The lines before the last statement."""
        return "\n".join(self.source.split("\n")[: _first(self.statements[-1]) - 1])


def parse(source: str) -> Piece | None:
    """None for what is no Python, or an empty file. Lines must end in newlines alone."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a "\d" in a reply is not the user's concern
            statements = ast.parse(source).body
    except _UNREADABLE:
        return None
    return Piece(source, statements) if statements else None


def read(block: str) -> Piece | None:
    """A block as it is, else without its common indentation, else the definitions in it."""
    return parse(block) or parse(textwrap.dedent(block)) or definitions(block)


def definitions(text: str) -> Piece | None:
    """What lines between prose define: functions, classes, imports, assignments.

    Parsed by the line at the margin with what belongs to it, so that prose costs only itself.
    """
    found: list[str] = []
    for chunk in filter(_DEFINITION.match, _chunks(text)):
        piece = parse(chunk)
        if piece and all(binds(s) for s in piece.statements):
            found.append(chunk)
    return parse("\n".join(found))


def binds(statement: ast.stmt) -> set[str]:
    """Names that a definition defines or changes: `f.cache = {}` changes f. No other statement
    defines anything."""
    if isinstance(statement, (*_FUNCTIONS, ast.ClassDef)):
        return {statement.name}
    if isinstance(statement, _IMPORTS):
        return {(a.asname or a.name).partition(".")[0] for a in statement.names}
    if not isinstance(statement, _ASSIGNMENTS):
        return set()
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return {name for target in targets for name in _roots(target)}


def needed(main: Piece, others: Sequence[Piece], entry: str) -> list[str]:
    """Lines of `main` that `entry` needs, after those that it needs from other pieces.

    Definitions that lead to it are kept, imports too, and of other statements those that have
    nothing to do with it or with what was left out: `sys.setrecursionlimit(5000)` stays,
    `print(entry(3))` and the call of a test do not.
    """
    own = set().union(*map(binds, main.statements))
    foreign = [(p, s) for p in others for s in p.statements if binds(s) and not binds(s) & own]
    everything = [*(s for _, s in foreign), *main.statements]
    reached = _reached(everything, entry)
    left_out = own - reached
    for statement in main.statements:
        if isinstance(statement, _IMPORTS):
            left_out -= binds(statement)

    def stays(statement: ast.stmt) -> bool:
        if isinstance(statement, _IMPORTS):
            return True
        bound = binds(statement)
        return bool(bound & reached) if bound else not _uses(statement) & (left_out | {entry})

    borrowed = [line for p, s in foreign if binds(s) & reached for line in p.sources([s])]
    return [*borrowed, *main.sources([s for s in main.statements if stays(s)])]


def body(piece: Piece, name: str) -> list[ast.stmt]:
    """Of the last top-level function `name`; empty if there is none."""
    found = [s.body for s in piece.statements if isinstance(s, _FUNCTIONS) and s.name == name]
    return found[-1] if found else []


def returns(statements: Sequence[ast.stmt]) -> bool:
    """Whether a body returns or yields, functions and classes within it left aside."""
    stack: list[ast.AST] = list(statements)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Return | ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, (*_FUNCTIONS, ast.ClassDef, ast.Lambda)):
            stack.extend(ast.iter_child_nodes(node))
    return False


def normal(source: str, without: str = "") -> str | None:
    """The source in one spelling, without comments, docstrings and the statements of `without`."""
    piece, known = parse(source), parse(without)
    if piece is None:
        return None
    try:
        dropped = {ast.unparse(s) for s in known.statements} if known else set()
        kept = [s for s in piece.statements if not _is_text(s) and ast.unparse(s) not in dropped]
        return ast.unparse(_without_texts(ast.Module(kept, []))).strip() or None
    except _UNREADABLE:
        return source.strip()


def _without_texts(tree: ast.AST) -> ast.AST:
    """Strings that stand alone taken out, in place; a body that was nothing else passes."""
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list) and any(map(_is_text, block)):
                kept = [s for s in block if not _is_text(s)]
                setattr(node, field, kept or [ast.Pass()])
    return tree


def _is_text(statement: ast.stmt) -> bool:
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _reached(statements: Sequence[ast.stmt], entry: str) -> set[str]:
    """Names that `entry` depends on, itself among them."""
    uses: dict[str, set[str]] = {}
    for statement in statements:
        for name in binds(statement):
            uses.setdefault(name, set()).update(_uses(statement))
    reached, stack = {entry}, [entry]
    while stack:
        fresh = uses.get(stack.pop(), set()) - reached
        reached |= fresh
        stack.extend(fresh)
    return reached


def _uses(statement: ast.stmt) -> set[str]:
    """Names that it reads; of a function's own those that it declares global."""
    read: set[str] = set()
    own: set[str] = set()
    declared: set[str] = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else own).add(node.id)
        elif isinstance(node, ast.arg):
            own.add(node.arg)
        elif isinstance(node, ast.Global):
            declared.update(node.names)
    return read - own | declared if isinstance(statement, _FUNCTIONS) else read


def _roots(target: ast.expr) -> Iterator[str]:
    stack = [target]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
            stack.append(node.value)
        elif isinstance(node, ast.Tuple | ast.List):
            stack.extend(node.elts)


def _first(statement: ast.stmt) -> int:
    """The line it starts on, with its decorators."""
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])


def _chunks(text: str) -> Iterator[str]:
    """Lines at the margin, each with the lines that belong to it: indented or blank ones, closing
    brackets, the rest of a long string, and what a decorator stands over."""
    chunk: list[str] = []
    within = False  # a triple-quoted string
    for line in text.split("\n"):
        begins = line[:1] not in ("", " ", "\t", *_CLOSERS) and not within
        if begins and chunk and not chunk[-1].startswith("@"):
            yield "\n".join(chunk)
            chunk = []
        chunk.append(line)
        within ^= (line.count('"""') + line.count("'''")) % 2 == 1
    yield "\n".join(chunk)
