"""Names of the parameters that calls own.

They depend on definitions alone, never on argument values, so that they are stable: the only call
of a binding that owns parameters gets the name of the binding; several add the name of their
callee, and the second with the same name a number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Protocol

from msgspec import Struct, field

from netlang.ir.types import DType
from netlang.syntax import ast
from netlang.syntax.walk import children, walk

ELEMENTS = frozenset({*(d.value for d in DType), "tensor", "float"})
"""Names that turn an index into a shape."""


class Definitions(Protocol):
    """What naming needs to know about the definitions of a file."""

    def owns(self, name: str) -> bool:
        """Return whether calling the definition ``name`` creates parameters."""
        ...

    def waits(self, call: ast.Call) -> bool:
        """Return whether an argument, or an item of a list, is a block without its input."""
        ...


class Sites(Struct):
    """The calls of one body that own parameters, by the identity of their syntax node.

    ``names`` has what each adds to the path of its binding, ``labels`` the label given with ``as``.
    """

    names: dict[int, str] = field(default_factory=dict[int, str])
    labels: dict[int, str] = field(default_factory=dict[int, str])
    owns: bool = False


def sites_of(
    params: Iterable[ast.Param],
    body: ast.Suite | ast.Expr,
    definitions: Definitions,
) -> Sites:
    """Return the names of the calls of a definition's body that own parameters."""
    naming = _Naming(definitions, _locals(params, body))
    if isinstance(body, ast.Suite):
        naming.statements(body.statements)
    else:
        naming.expressions([body])
    return naming.sites


def _locals(params: Iterable[ast.Param], body: ast.Suite | ast.Expr) -> dict[str, bool]:
    """Return for every local name whether calling it may create parameters."""
    found = {p.name.text: not _is_op(p.type) for p in params}
    for node in walk(body):
        match node:
            case ast.Bind(targets=targets, value=value):
                made_by_new = isinstance(bare(value), ast.New)
                found.update((t.text, not made_by_new) for t in targets)
            case ast.For(names=names, carries=carries):
                found.update((n.text, True) for n in names)
                found.update((c.name.text, True) for c in carries)
            case ast.Comprehension(names=names):
                found.update((n.text, True) for n in names)
            case _:
                pass
    return found


def _is_op(type: ast.TypeExpr | None) -> bool:
    match type:
        case ast.NameType(name="op"):
            return True
        case ast.OptionalType(inner=inner):
            return _is_op(inner)
        case _:
            return False


def bare(expr: ast.Expr) -> ast.Expr:
    """Strip parentheses and labels from an expression."""
    while isinstance(expr, ast.Paren | ast.Label):
        expr = expr.value
    return expr


class _Naming(Struct):
    definitions: Definitions
    local: dict[str, bool]
    sites: Sites = field(default_factory=Sites)
    items: set[int] = field(default_factory=set[int])
    """Arguments and items of lists, in which a call without its input creates nothing."""

    def statements(self, body: tuple[ast.Statement, ...]) -> bool:
        """Name the sites of a body; return whether there are any."""
        owns = False
        nameless: list[ast.Expr] = []
        for statement in body:
            match statement:
                case ast.Bind(value=value):
                    owns |= self.expressions([value])
                case ast.Next(value=value) | ast.Yield(value=value) | ast.State(value=value):
                    nameless.append(value)
                case ast.Assert():
                    pass
        return self.expressions(nameless) or owns

    def expressions(self, exprs: list[ast.Expr]) -> bool:
        """Name the sites of expressions that share one binding; return whether there are any."""
        owners: list[tuple[ast.Expr, str, str | None]] = []
        self._collect(exprs, owners)
        counts: Counter[str] = Counter()
        for node, callee, label in owners:
            # A labeled call counts too: a label never renames another call.
            counts[callee] += 1
            if label is not None:
                self.sites.labels[id(node)] = label
            elif len(owners) == 1:
                self.sites.names[id(node)] = ""
            else:
                number = str(counts[callee]) if counts[callee] > 1 else ""
                self.sites.names[id(node)] = callee + number
        self.sites.owns |= bool(owners)
        return bool(owners)

    def _collect(
        self, exprs: list[ast.Expr], owners: list[tuple[ast.Expr, str, str | None]]
    ) -> None:
        """Return the sites in the order in which they are evaluated."""
        # An entry is a node to expand, or one whose parts are done.
        stack: list[tuple[ast.Node, str | None, bool]] = [(e, None, False) for e in reversed(exprs)]
        while stack:
            node, label, done = stack.pop()
            if done:
                assert isinstance(node, ast.Expr)
                self._record(node, label, owners)
                continue
            match node:
                case ast.Label(value=value, name=name):
                    stack.append((value, name.text, False))
                case ast.Paren(value=value):
                    stack.append((value, label, False))
                case ast.Pipe(value=value, stages=stages):
                    for i, stage in reversed(list(enumerate(stages))):
                        own = label if i == len(stages) - 1 else None
                        self._push_stage(stage, own, stack)
                    stack.append((value, None, False))
                case ast.Call(callee=callee, args=args):
                    self._mark(a.value for a in args)
                    if id(node) not in self.items or not self._waits(node):
                        stack.append((node, label, True))
                    stack.extend((a.value, None, False) for a in reversed(args))
                    if not isinstance(callee, ast.Name):
                        stack.append((callee, None, False))
                case ast.List(items=items) | ast.Tuple(items=items):
                    self._mark(items)
                    stack.extend((item, None, False) for item in reversed(items))
                case ast.New(args=args):
                    self._mark(a.value for a in args)
                    stack.append((node, label, True))
                    stack.extend((a.value, None, False) for a in reversed(args))
                case ast.For(source=source, carries=carries):
                    stack.append((node, label, True))
                    stack.extend((c.value, None, False) for c in reversed(carries))
                    stack.append((source, None, False))
                case ast.Comprehension(source=source):
                    stack.append((node, label, True))
                    stack.append((source, None, False))
                case _:
                    stack.extend((child, None, False) for child in reversed(children(node)))

    def _mark(self, items: Iterable[ast.Expr]) -> None:
        waiting = list(items)
        while waiting:
            match waiting.pop():
                case ast.Paren(value=value):
                    waiting.append(value)
                case ast.If(then=then, otherwise=otherwise):
                    waiting += [then, otherwise]
                case item:
                    self.items.add(id(item))

    def _waits(self, call: ast.Call) -> bool:
        local = isinstance(call.callee, ast.Name) and call.callee.text in self.local
        return not local and self.definitions.waits(call)

    def _push_stage(
        self, stage: ast.Expr, label: str | None, stack: list[tuple[ast.Node, str | None, bool]]
    ) -> None:
        while isinstance(stage, ast.Paren | ast.Label):
            if isinstance(stage, ast.Label):
                label = stage.name.text
            stage = stage.value
        if isinstance(stage, ast.Call):
            stack.append((stage, label, False))
        else:
            stack.append((stage, label, True))

    def _record(
        self,
        node: ast.Expr,
        label: str | None,
        owners: list[tuple[ast.Expr, str, str | None]],
    ) -> None:
        match node:
            case ast.For(body=body):
                if self.statements(body):
                    owners.append((node, "for", label))
            case ast.Comprehension(body=body):
                if self.expressions([body]):
                    owners.append((node, "for", label))
            case ast.New(path=path):
                if self._owns(path[-1].text):
                    owners.append((node, path[-1].text, label))
            case ast.Call(callee=callee):
                self._record_callee(node, bare(callee), label, owners)
            case _:
                self._record_callee(node, node, label, owners)

    def _record_callee(
        self,
        node: ast.Expr,
        callee: ast.Expr,
        label: str | None,
        owners: list[tuple[ast.Expr, str, str | None]],
    ) -> None:
        match callee:
            case ast.Name(text=name):
                if self._owns(name):
                    owners.append((node, name, label))
            case ast.Field(name=name):
                owners.append((node, name.text, label))
            case ast.Index(value=ast.Name(text=name)) if name in ELEMENTS:
                pass  # a shape annotation such as `f32[N, 10]`
            case ast.Index() | ast.If():
                owners.append((node, "call", label))
            case _:
                pass

    def _owns(self, name: str) -> bool:
        return self.local[name] if name in self.local else self.definitions.owns(name)
