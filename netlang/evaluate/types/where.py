"""``where`` clauses: facts about dimensions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from math import lcm
from typing import NoReturn

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import DiagnosticError, Label
from netlang.diagnostics.fix import replacement
from netlang.diagnostics.source import Span
from netlang.diagnostics.suggestions import Suggestion, nearest
from netlang.evaluate.context.describe import short
from netlang.evaluate.context.frame import Frame, reject
from netlang.evaluate.context.values import Argued, Setting
from netlang.evaluate.evaluate import RULES, evaluate, truth
from netlang.ir.dims import Dim, is_symbol
from netlang.ir.graph import Value
from netlang.syntax import ast
from netlang.syntax.keywords import PREDEFINED
from netlang.syntax.walk import walk


def promised_units(clauses: tuple[ast.Expr, ...], frame: Frame) -> dict[str, int]:
    """Return the divisors of sizes that the clauses of a net state, as in ``H % 16 == 0``."""
    units: dict[str, int] = {}
    for part in (part for clause in clauses for part in _parts(clause)):
        found = _divisibility(part)
        if found is None:
            continue
        name, divisor_expr = found
        divisor = evaluate(divisor_expr, frame)
        if isinstance(divisor, int) and not isinstance(divisor, bool) and divisor > 0:
            units[name] = lcm(units.get(name, 1), divisor)
    return units


def _parts(clause: ast.Expr) -> Iterator[ast.Expr]:
    """Return the clauses that ``and`` connects."""
    stack = [clause]
    while stack:
        match stack.pop():
            case ast.Paren(value=value):
                stack.append(value)
            case ast.Binary(op="and", left=left, right=right):
                stack += [right, left]
            case part:
                yield part


def _divisibility(clause: ast.Expr) -> tuple[str, ast.Expr] | None:
    match clause:
        case ast.Binary(op="==", left=ast.Int(value=0) as zero, right=ast.Binary() as right):
            return _divisibility(ast.Binary(clause.span, "==", clause.op_span, right, zero))
        case ast.Binary(
            op="==",
            left=ast.Binary(op="%", left=ast.Name(text=name), right=divisor),
            right=ast.Int(value=0),
        ) if name[0].isupper():
            return name, divisor
        case _:
            return None


def check_clause(clause: ast.Expr, frame: Frame) -> None:
    """Check one clause at a call, with the dimensions the call has bound."""
    for part in _parts(clause):
        _check_part(part, frame)


def check_arguments(
    clause: ast.Expr, assigned: Mapping[str, Argued], span: Span, frame: Frame
) -> None:
    """Check the clauses of a call of settings; an argument that is ``none`` satisfies them all.

    A schedule was checked where it starts: `0.1 |> cosine(5 epochs)` starts with 0.1.
    """
    assert frame.call is not None
    library = clause.span.source.library
    if not library and frame.call.function.kind not in PREDEFINED:
        check_clause(clause, frame)
        return
    names = list(_names_in(clause))
    values = [slot.value for name in names if (slot := frame.find(name)) is not None]
    if any(value is None or isinstance(value, Setting) for value in values):
        return
    if truth(evaluate(clause, frame), clause) is not False:
        return
    own = assigned.get(names[0]) if len(names) == 1 else None
    public = frame.call.function.public_name
    reject(
        rules.OUT_OF_RANGE,
        (_requirement(clause) or "").replace("` must", f"` of `{public}` must", 1)
        or f"`{public}` needs `{_text(clause)}`",
        own.span if own is not None else span,
        f"{_values_in(clause, frame)} here",
        secondary=() if library else (Label(clause.span, "the definition requires this"),),
        suggestion=partial(_meant, clause, assigned, own),
    )


def _meant(clause: ast.Expr, assigned: Mapping[str, Argued], own: Argued | None) -> Suggestion:
    """Suggest the one of several strings that a misspelled one means, or a missing argument."""
    choices = [node.value for node in walk(clause) if isinstance(node, ast.Str)]
    if own is not None and isinstance(own.value, str) and isinstance(own.expr, ast.Str):
        near = nearest(own.value, choices)
        meant = near or next((c for c in choices if own.value.lower().startswith(c)), None)
        if meant is not None:
            code = f'"{meant}"'
            help = f"write `{code}`" if near is None else f"did you mean `{code}`?"
            return {"helps": (help,), "fixes": (replacement(own.expr.span, code),)}
    return {"helps": tuple(_passing(clause, assigned)), "fixes": ()}


def _text(expr: ast.Expr) -> str:
    return " ".join(expr.span.text.split())


_MUST = {
    ">": "be greater than", ">=": "be at least", "<": "be less than", "<=": "be at most",
    "==": "be equal to", "!=": "differ from",
}  # fmt: skip


def _requirement(clause: ast.Expr) -> str | None:
    """Return a comparison in words: "`C` must be divisible by 2"; `None` for anything else."""
    match clause:
        case ast.Paren(value=value):
            return _requirement(value)
        case ast.Binary(
            op="==", left=ast.Binary(op="%", left=whole, right=part), right=ast.Int(value=0)
        ):
            return f"{_quoted(whole)} must be divisible by {_quoted(part)}"
        case ast.Binary(op="or", left=ast.Unary(op="not", operand=condition), right=then):
            inner = _requirement(then)
            return f"{inner} with {_quoted(condition)}" if inner is not None else None
        case ast.Binary(
            op="or",
            left=ast.Binary(op="==", left=ast.Name(text=name), right=one),
            right=ast.Binary(op="==", left=ast.Name(text=again), right=other),
        ) if name == again:
            return f"`{name}` must be {_quoted(one)} or {_quoted(other)}"
        case ast.Binary(op=op, left=left, right=right) if op in _MUST:
            return f"{_quoted(left)} must {_MUST[op]} {_quoted(right)}"
        case _:
            return None


def _quoted(expr: ast.Expr) -> str:
    number = isinstance(expr, ast.Int | ast.Float | ast.Str)
    return _text(expr) if number else f"`{_text(expr)}`"


def _passing(clause: ast.Expr, assigned: Mapping[str, Argued]) -> Iterator[str]:
    """Yield which argument another one requires, if it has its default value."""
    match clause:
        case ast.Binary(
            op="or",
            left=ast.Unary(op="not", operand=condition),
            right=ast.Binary(left=ast.Name(text=name)),
        ) if name not in assigned:
            yield f"pass `{name}=…` too, or leave out {_quoted(condition)}"
        case _:
            pass


def _names_in(clause: ast.Expr) -> Iterator[str]:
    """Return the names of a clause that are values, each once."""
    called = {id(node.callee) for node in walk(clause) if isinstance(node, ast.Call)}
    named = [n.text for n in walk(clause) if isinstance(n, ast.Name) and id(n) not in called]
    yield from dict.fromkeys(named)


def _check_part(clause: ast.Expr, frame: Frame) -> None:
    found = _divisibility(clause)
    if found is None:
        try:
            value = RULES[type(clause)](clause, frame)
        except DiagnosticError as rejected:
            if rejected.diagnostic.rule is not rules.UNDECIDED_SIZE:
                raise
            _reject_undecided(clause, frame)
        if truth(value, clause) is False:
            _reject_broken(clause, _values_in(clause, frame), frame)
        return
    name, divisor_expr = found
    slot = frame.names.get(name)
    divisor = evaluate(divisor_expr, frame)
    if slot is None or not isinstance(slot.value, int | Dim) or not isinstance(divisor, int | Dim):
        return
    rest = slot.value % divisor if divisor != 0 else 1
    if rest == 0:
        return
    symbol = is_symbol(slot.value)
    helps = (f"promise it in the net: `where {symbol} % {divisor} == 0`",) if symbol else ()
    if isinstance(slot.value, int) and isinstance(divisor, int) and slot.value > divisor > 1:
        low = slot.value // divisor * divisor
        helps = (f"the nearest multiples of {divisor} are {low} and {low + divisor}",)
    value = str(slot.value)
    known = f"{name} is {value}" if value != name else f"{name} may be any size"
    _reject_broken(clause, known, frame, helps)


def _reject_undecided(clause: ast.Expr, frame: Frame) -> NoReturn:
    """Reject a clause about symbolic sizes that can be neither assumed nor proved."""
    text = " ".join(clause.span.text.split())
    match clause:
        case ast.Binary(op="==", left=ast.Name(text=left), right=ast.Name(text=right)):
            helps = (f"equal sizes have one name: write `{left}` for `{right}` in the signature",)
        case _:
            helps = ("what can be promised is divisibility, such as `where H % 2 == 0`",)
    if frame.call is None:
        message = f"a net can't promise `{text}`"
        reject(rules.UNDECIDED_SIZE, message, clause.span, _values_in(clause, frame), helps=helps)
    requirement = Label(clause.span, "the definition requires this")
    reject(
        rules.UNDECIDED_SIZE,
        f"nothing shows that this call satisfies `where {text}`",
        frame.call.span,
        f"{_values_in(clause, frame)} here",
        secondary=() if clause.span.source.library else (requirement,),
        helps=("fix the size in the net's signature",),
    )


def _reject_broken(
    clause: ast.Expr, values: str, frame: Frame, helps: tuple[str, ...] = ()
) -> NoReturn:
    """Reject a call whose sizes violate a clause, or a net whose own clause fails."""
    text = " ".join(clause.span.text.split())
    if frame.call is None:
        message = f"this net is bound to sizes that break `where {text}`"
        reject(rules.WHERE_FAILS, message, clause.span, f"{values} here", helps=helps)
    message = _requirement(clause) or f"this call breaks `where {text}`"
    clause_label = Label(clause.span, "the definition requires this")
    secondary = () if clause.span.source.library else (clause_label,)
    reject(
        rules.WHERE_FAILS,
        message,
        frame.call.span,
        f"{values} here",
        secondary=secondary,
        helps=helps,
    )


def _values_in(clause: ast.Expr, frame: Frame) -> str:
    shown: list[str] = []
    for name in _names_in(clause):
        slot = frame.find(name)
        if slot is not None and not isinstance(slot.value, Value):
            value = short(slot.value)
            shown.append(f"{name} is {value}" if value != name else f"{name} may be any size")
    return ", ".join(shown)
