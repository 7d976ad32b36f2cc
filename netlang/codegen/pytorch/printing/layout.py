"""Lines of Python in the standard format, as ``ruff format`` would leave them."""

from __future__ import annotations

import ast
from collections.abc import Sequence

WIDTH = 88
INDENT = "    "


def laid_out(lines: Sequence[str]) -> list[str]:
    """Break the lines that are too long; everything else is in the standard format already."""
    result: list[str] = []
    in_text = False
    for line in lines:
        bare = line.lstrip(" ")
        quotes = bare.count('"""')
        if in_text or quotes:
            in_text = in_text != (quotes == 1)
            result.append(line)
            continue
        result += _broken(bare, line[: len(line) - len(bare)]) if len(line) > WIDTH else [line]
    return result


def _broken(code: str, indent: str) -> list[str]:
    if code.startswith(("#", '"')):
        return [indent + code]
    header = code.endswith(":")
    tree = ast.parse(f"{code} pass" if header else code).body[0]
    match tree:
        case ast.Assign(value=value) | ast.AugAssign(value=value):
            return _after(code[: value.col_offset], value, code, indent, "")
        case ast.Return(value=ast.expr() as value):
            return _after("return ", value, code, indent, "")
        case ast.Expr(value=value):
            return _after("", value, code, indent, "")
        case ast.If(test=test):
            return _after("if ", test, code, indent, ":")
        case ast.For(iter=source):
            return _after(code[: source.col_offset], source, code, indent, ":")
        case ast.FunctionDef():
            return _signature(code, indent)
        case _:
            return [indent + code]


def _source(node: ast.expr, code: str) -> str:
    return code[node.col_offset : node.end_col_offset]


def _after(lead: str, value: ast.expr, code: str, indent: str, end: str) -> list[str]:
    """Break an expression after ``lead``, in parentheses if it has no brackets of its own."""
    brackets = _brackets(value, code, len(indent) + len(lead))
    if brackets is not None and len(indent) + len(lead) + len(brackets[0]) <= WIDTH:
        opening, items, closing = brackets
        return _bracketed(lead + opening, items, closing + end, code, indent)
    if isinstance(value, ast.ListComp):
        return _comprehension(lead, value, code, indent, end)
    inner = _items_of(value, code, indent + INDENT)
    return [f"{indent}{lead}(", *inner, f"{indent}){end}"]


def _comprehension(lead: str, value: ast.ListComp, code: str, indent: str, end: str) -> list[str]:
    """Return a comprehension with each of its clauses on lines of its own."""
    deeper = indent + INDENT
    whole = deeper + _source(value, code)[1:-1]
    if len(whole) <= WIDTH:
        return [f"{indent}{lead}[", whole, f"{indent}]{end}"]
    lines = _items_of(value.elt, code, deeper)
    for clause in value.generators:
        names = f"for {_source(clause.target, code)} in "
        shown = names + _source(clause.iter, code)
        if len(deeper) + len(shown) <= WIDTH:
            lines.append(deeper + shown)
        else:
            lines += _after(names, clause.iter, code, deeper, "")
        lines += [f"{deeper}if {_source(condition, code)}" for condition in clause.ifs]
    return [f"{indent}{lead}[", *lines, f"{indent}]{end}"]


def _first_too_long(
    value: ast.expr, right: ast.expr, code: str, column: int
) -> tuple[str, list[ast.expr | ast.keyword], str] | None:
    """Return the first call that does not fit on its line: it breaks before an operator does.

    That holds where the last operand is a call; a line begins ``column`` characters in.
    """
    start, end = value.col_offset, value.end_col_offset or 0
    if not isinstance(right, ast.Call) or code[end - 1 : end] != ")" or right.end_col_offset != end:
        return None
    calls = [n for n in ast.walk(value) if isinstance(n, ast.Call) and (n.args or n.keywords)]
    groups = sorted(
        ((n.func.end_col_offset or 0, n.end_col_offset or 0, n) for n in calls),
        key=lambda group: group[0],
    )
    outer = [g for g in groups if not any(o < g[0] and g[1] < c for o, c, _ in groups)]
    for i, (opening, closing, node) in enumerate(outer):
        following = outer[i + 1][0] + 1 if i + 1 < len(outer) else end
        if column + following - start > WIDTH:
            items: list[ast.expr | ast.keyword] = [*node.args, *node.keywords]
            return code[start : opening + 1], items, code[closing - 1 : end]
    return None


def _same_level(left: ast.expr, op: ast.operator) -> bool:
    """Return whether the left operand is part of the same chain of operators."""
    additive = ast.Add | ast.Sub
    return isinstance(left, ast.BinOp) and isinstance(left.op, additive) == isinstance(op, additive)


def _brackets(
    value: ast.expr, code: str, column: int = 0
) -> tuple[str, list[ast.expr | ast.keyword], str] | None:
    """Return what an expression ends in brackets with: the text before, the items, the end."""
    match value:
        case ast.Call(func=func, args=args, keywords=keywords):
            items: list[ast.expr | ast.keyword] = [*args, *keywords]
            return (_source(func, code) + "(", items, ")") if items else None
        case ast.BinOp(left=left, op=op, right=right) if not _same_level(left, op):
            return _first_too_long(value, right, code, column)
        case ast.Compare(comparators=[right]):
            return _first_too_long(value, right, code, column)
        case ast.List(elts=elts) if elts:
            return "[", [*elts], "]"
        case ast.Tuple(elts=elts) if code[value.col_offset] == "(":
            return "(", [*elts], ")"
        case _:
            return None


def _bracketed(
    opening: str, items: Sequence[ast.expr | ast.keyword], closing: str, code: str, indent: str
) -> list[str]:
    texts = [code[i.col_offset : i.end_col_offset] for i in items]
    deeper = indent + INDENT
    whole = deeper + ", ".join(texts)
    is_list = opening.endswith("[") or opening == "("
    if len(whole) <= WIDTH and not is_list:
        return [indent + opening, whole, indent + closing]
    lines = [indent + opening]
    for item, shown in zip(items, texts, strict=True):
        lines += _item(item, shown, code, deeper)
    return [*lines, indent + closing]


def _item(item: ast.expr | ast.keyword, shown: str, code: str, indent: str) -> list[str]:
    if len(indent) + len(shown) + 1 <= WIDTH:
        return [f"{indent}{shown},"]
    value = item.value if isinstance(item, ast.keyword) else item
    lead = code[item.col_offset : value.col_offset]
    broken = _after(lead, value, code, indent, ",")
    if (
        broken[0].endswith("(")
        and _brackets(value, code) is None
        and not isinstance(item, ast.keyword)
    ):
        inner = _items_of(value, code, indent)
        return [*inner[:-1], f"{inner[-1]},"]
    return broken


def _items_of(value: ast.expr, code: str, indent: str) -> list[str]:
    """Return an operation on lines of its own, one operand per line if it does not fit on one."""
    shown = _source(value, code)
    if len(indent) + len(shown) <= WIDTH:
        return [indent + shown]
    match value:
        case ast.BinOp(op=op):
            parts = _chain(value, type(op), code)
            return [indent + part for part in parts]
        case ast.Compare(left=left):
            return [indent + part for part in _cut(value, [_operator_after(left, code)], code)]
        case ast.BoolOp(op=op, values=values):
            word = "and" if isinstance(op, ast.And) else "or"
            first, *rest = [_source(v, code) for v in values]
            return [indent + first, *(f"{indent}{word} {r}" for r in rest)]
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return [
                indent + _source(body, code),
                f"{indent}if {_source(test, code)}",
                f"{indent}else {_source(orelse, code)}",
            ]
        case _:
            return [indent + shown]


def _chain(value: ast.expr, op: type[ast.operator], code: str) -> list[str]:
    """Return the operands of a chain of operators that bind alike, each after its operator."""
    additive = issubclass(op, ast.Add | ast.Sub)
    cuts: list[int] = []
    node = value
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub) == additive:
        if node is not value and code[node.col_offset - 1] == "(":
            break
        cuts.insert(0, _operator_after(node.left, code))
        node = node.left
    return _cut(value, cuts, code)


def _operator_after(left: ast.expr, code: str) -> int:
    """Return where the operator after an operand is."""
    at = left.end_col_offset or 0
    while code[at] in " )":
        at += 1
    return at


def _cut(value: ast.expr, cuts: Sequence[int], code: str) -> list[str]:
    ends = [*cuts, value.end_col_offset]
    return [code[a:b].rstrip() for a, b in zip([value.col_offset, *cuts], ends, strict=True)]


def _signature(code: str, indent: str) -> list[str]:
    opening, _, rest = code.partition("(")
    inside = rest.removesuffix("):")
    deeper = indent + INDENT
    if len(deeper) + len(inside) <= WIDTH:
        return [f"{indent}{opening}(", deeper + inside, f"{indent}):"]
    items = inside.split(", ")
    return [f"{indent}{opening}(", *(f"{deeper}{item}," for item in items), f"{indent}):"]
