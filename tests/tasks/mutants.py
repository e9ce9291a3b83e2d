"""Small mistakes put into a function, one at a time (operators after DeMillo et al. 1978)."""

import ast
import copy
from collections.abc import Iterator

_FLIPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip


def mutants(source: str, name: str) -> Iterator[tuple[str, str]]:
    """(what was done, source) of the first mutant of each kind of the last function `name`; the
    one that returns None last."""
    tree = ast.parse(source)
    where = max(i for i, s in enumerate(tree.body) if getattr(s, "name", None) == name)
    kinds = set()
    for number, _ in enumerate(ast.walk(tree.body[where])):
        mutant = copy.deepcopy(tree)
        done = _mutate([*ast.walk(mutant.body[where])][number])
        if done and done not in kinds:
            kinds.add(done)
            yield done, ast.unparse(ast.fix_missing_locations(mutant))
    tree.body[where].body = [ast.Return(ast.Constant(None))]  # type: ignore[attr-defined]
    yield "return None", ast.unparse(ast.fix_missing_locations(tree))


def _mutate(node: ast.AST) -> str:
    """Changes the node in place and says how; "" if it has no mutant."""
    if isinstance(node, ast.Compare):
        node.ops[0] = _FLIPPED[type(node.ops[0])]()
        return "flipped comparison"
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        node.value += 1  # type: ignore[operator]
        return "off by one"
    if isinstance(node, ast.If | ast.IfExp):
        node.test = ast.UnaryOp(ast.Not(), node.test)
        return "negated condition"
    if isinstance(node, ast.For) and len(node.body) > 1:
        node.body.pop()
        return "dropped statement"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        node.op = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        return "turned sign"
    return ""
