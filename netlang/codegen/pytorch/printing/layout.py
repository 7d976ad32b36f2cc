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
    brackets = _brackets(value, code)
    if brackets is not None:
        opening, items, closing = brackets
        return _bracketed(lead + opening, items, closing + end, code, indent)
    inner = _items_of(value, code, indent + INDENT)
    return [f"{indent}{lead}(", *inner, f"{indent}){end}"]


def _same_level(left: ast.expr, op: ast.operator) -> bool:
    """Return whether the left operand is part of the same chain of operators."""
    additive = ast.Add | ast.Sub
    return isinstance(left, ast.BinOp) and isinstance(left.op, additive) == isinstance(op, additive)


def _brackets(value: ast.expr, code: str) -> tuple[str, list[ast.expr | ast.keyword], str] | None:
    """Return what an expression ends in brackets with: the text before, the items, the end."""
    match value:
        case ast.Call(func=func, args=args, keywords=keywords):
            items: list[ast.expr | ast.keyword] = [*args, *keywords]
            return (_source(func, code) + "(", items, ")") if items else None
        case ast.BinOp(left=left, op=op, right=right) if not _same_level(left, op):
            last = _brackets(right, code)
            if last is None or code[right.end_col_offset or 0 :][:1] == ")":
                return None
            before = code[value.col_offset : right.col_offset]
            return before + last[0], last[1], last[2]
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
    parts: list[str] = []
    node = value
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub) == additive:
        left, right = node.left, node.right
        start = left.end_col_offset or 0
        between = code[start : right.end_col_offset]
        cut = len(between) - len(between.lstrip(" )"))
        parts.append(between[cut:])
        node = left
        if code[node.col_offset - 1] == "(" and node is not value:
            break
    first = code[value.col_offset : node.end_col_offset]
    return [first, *reversed(parts)]


def _signature(code: str, indent: str) -> list[str]:
    opening, _, rest = code.partition("(")
    inside = rest.removesuffix("):")
    deeper = indent + INDENT
    if len(deeper) + len(inside) <= WIDTH:
        return [f"{indent}{opening}(", deeper + inside, f"{indent}):"]
    items = inside.split(", ")
    return [f"{indent}{opening}(", *(f"{deeper}{item}," for item in items), f"{indent}):"]
