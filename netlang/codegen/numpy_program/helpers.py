"""Operators as NumPy functions: the source of their own arithmetic, without the class around it."""

from __future__ import annotations

import ast
import builtins
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from types import ModuleType
from typing import cast

from msgspec import NODEFAULT
from msgspec.structs import fields

from netlang.codegen.numpy_program.layout import docstring, statement
from netlang.codegen.numpy_program.literals import literal
from netlang.ir.op import Primitive
from netlang.system.numpy import np

_ERASED = frozenset({"numpy_dtype", "known_sizes", "_fixed", "np.asarray"})
"""Functions whose only argument is their result in a program: sizes and types are NumPy's there."""
_APPLICATION = "run_body"
"""The function that applies a graph, which is a function in a program."""
_CHECK = "_check"
"""How the names of functions begin that check the values of operands."""

_SIMPLE_SLICE = re.compile(r"\[(\w*) ?: ?(\w*)\]")
"""A slice without blanks, now that `self.` is gone."""


@dataclass
class Helper:
    """A function of a generated program.

    ``attributes`` are the fields of the operator that it reads, ``defaults`` those that a call may
    omit; ``needs`` are the functions that it calls. ``is_tuple`` marks one that returns a tuple,
    even of one result.
    """

    name: str
    doc: str = ""
    operands: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    defaults: dict[str, object] = field(default_factory=dict[str, object])
    body: list[str] = field(default_factory=list[str])
    imports: set[str] = field(default_factory=set[str])
    needs: list[Helper] = field(default_factory=list["Helper"])
    is_tuple: bool = False

    def closure(self) -> Iterator[Helper]:
        """Yield the functions that this one calls, and itself after them."""
        for other in self.needs:
            yield from other.closure()
        yield self

    def lines(self) -> list[str]:
        required = [name for name in self.attributes if name not in self.defaults]
        optional = [name for name in self.attributes if name in self.defaults]
        attributes = [*required, *(f"{n}={literal(self.defaults[n])}" for n in optional)]
        signature = f"def {self.name}({', '.join([*self.operands, *attributes])}):"
        return [*statement(signature), *docstring(self.doc), *self.body]


@cache
def helper(cls: type[Primitive]) -> Helper:
    """Return the function that computes an operator."""
    own = cls.plain is not Primitive.plain
    made = _Translation(cls.plain if own else cls.forward, cls).made
    made.doc = _summary(cls)
    taken = {*dir(builtins), *(other.name for other in made.needs)}
    made.name = f"{cls.name}_" if cls.name in taken else cls.name
    return made


def with_usual_defaults(made: Helper, ops: Sequence[Primitive]) -> Helper:
    """Return the function of some operators with the usual values of attributes as defaults."""
    usual: dict[str, object] = {}
    for op in ops:
        for name, number in op.usual.items():
            value = getattr(op, name)
            if all(each == number for each in _flat(value)):
                usual.setdefault(name, value)
    return replace(made, defaults={**made.defaults, **usual}) if usual else made


def _flat(value: object) -> Iterator[object]:
    if isinstance(value, tuple):
        for item in cast("tuple[object, ...]", value):
            yield from _flat(item)
    else:
        yield value


@cache
def _function(function: Callable[..., object]) -> Helper:
    made = _Translation(function, None).made
    made.name, made.doc = function.__name__, _summary(function)
    return made


@cache
def _method(cls: type[Primitive], name: str) -> Helper:
    made = _Translation(getattr(cls, name), cls).made
    made.name, made.doc = f"{cls.name}_{name.strip('_')}", _summary(getattr(cls, name))
    return made


class _Translation:
    """The translation of one function: edits of its source.

    ``cls`` is the operator that it is a method of; the fields that it reads become parameters.
    """

    def __init__(self, function: Callable[..., object], cls: type[Primitive] | None) -> None:
        self.cls = cls
        self.source = textwrap.dedent(inspect.getsource(function))
        (self.tree,) = cast("list[ast.FunctionDef]", ast.parse(self.source).body)
        self.module = inspect.getmodule(function)
        self.fields = {f.name: f for f in fields(cls)} if cls is not None else {}
        self.is_operator = self.tree.args.vararg is not None and (
            self.tree.args.vararg.arg == "operands"
        )
        self.local = _local_names(self.tree)
        self.starts = [0]
        for line in self.source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.edits: list[tuple[int, int, str]] = []
        self.read: set[str] = set()
        self.made = Helper("", operands=self.operands())
        for node in self.tree.body:
            self.visit(node)
        self.made.attributes = tuple(f for f in self.fields if f in self.read)
        defaults = {name: self.fields[name].default for name in self.made.attributes}
        self.made.defaults = {k: v for k, v in defaults.items() if v is not NODEFAULT}
        self.made.body = self.body()

    def operands(self) -> tuple[str, ...]:
        """Return the names to which the operands are unpacked, or the parameters."""
        for node in self.tree.body:
            match node:
                case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Name(id="operands")):
                    return tuple(ast.unparse(name) for name in names)
                case ast.Delete(targets=[ast.Name(id="operands")]):
                    return ()
                case _:
                    pass
        arguments = self.tree.args
        names = [a.arg for a in arguments.args if a.arg != "self"]
        return (*names, *([f"*{arguments.vararg.arg}"] if arguments.vararg else []))

    def visit(self, node: ast.AST) -> None:
        """Edit a node and what is in it, except for annotations."""
        if isinstance(node, ast.stmt) and _left_out(node):
            assert node.end_lineno is not None
            self.replace(self.starts[node.lineno - 1], self.starts[node.end_lineno], "")
            if isinstance(node, ast.Assign):
                read = {n.attr for n in ast.walk(node.value) if isinstance(n, ast.Attribute)}
                self.read |= read & self.fields.keys()
            return
        self.edit(node)
        annotation = node.annotation if isinstance(node, ast.AnnAssign) else None
        for child in ast.iter_child_nodes(node):
            if child is not annotation:
                self.visit(child)

    def edit(self, node: ast.AST) -> None:
        match node:
            case ast.AnnAssign(value=ast.expr() as value):
                self.replace(self.end(node.target), self.start(value), " = ")
            case ast.Return(value=ast.Tuple(elts=[element]) as value) if self.is_operator and (
                not isinstance(element, ast.Starred)
            ):
                self.unwrap(value, element)
            case ast.Return():
                self.made.is_tuple = True
            case ast.Call(func=function, args=[argument], keywords=[]) if (
                ast.unparse(function) in _ERASED
            ):
                self.unwrap(node, argument)
            case ast.Call(func=ast.Name(id=name), args=[function, first, *_]) if (
                name == _APPLICATION
            ):
                self.replace(self.start(node), self.start(function), "")
                self.replace(self.end(function), self.start(first), "(")
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=name)):
                self.method_call(node, name)
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                self.attribute(node, name)
            case ast.Name(id=name) if name not in self.local:
                self.global_name(node, name)
            case _:
                pass

    def attribute(self, node: ast.Attribute, name: str) -> None:
        if name in self.fields:
            self.read.add(name)
            self.replace(self.start(node), self.end(node), name)
        elif not callable(value := getattr(self.cls, name)):
            self.replace(self.start(node), self.end(node), literal(value))

    def method_call(self, node: ast.Call, name: str) -> None:
        """Call a method of the operator as a function, with the fields that it reads."""
        assert self.cls is not None
        called = _method(self.cls, name)
        self.made.needs.append(called)
        self.read.update(called.attributes)
        self.replace(self.start(node.func), self.end(node.func), called.name)
        passed = "".join(f", {name}={name}" for name in called.attributes)
        self.replace(self.end(node) - 1, self.end(node) - 1, passed)

    def global_name(self, node: ast.Name, name: str) -> None:
        value = inspect.unwrap(vars(self.module).get(name))  # pyright: ignore[reportArgumentType]
        if value is None or value is np or name in _ERASED or name == _APPLICATION:
            return
        origin = getattr(value, "__module__", None)
        if isinstance(value, ModuleType) or (origin and not origin.startswith("netlang.")):
            self.made.imports.add(self.imported(name))
        elif inspect.isfunction(value):
            called = _function(value)
            self.made.needs.append(called)
            self.replace(self.start(node), self.end(node), called.name)
        else:
            self.replace(self.start(node), self.end(node), literal(value))

    def imported(self, name: str) -> str:
        """Return the statement by which the module of the function imports a name."""
        assert self.module is not None
        for node in ast.parse(inspect.getsource(self.module)).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                for alias in node.names:
                    if (alias.asname or alias.name) == name:
                        node.names = [alias]
                        return ast.unparse(node)
        raise LookupError(name)

    def unwrap(self, node: ast.expr, inner: ast.expr) -> None:
        """Replace an expression by one inside it."""
        self.replace(self.start(node), self.start(inner), "")
        self.replace(self.end(inner), self.end(node), "")

    def replace(self, start: int, end: int, text: str) -> None:
        self.edits.append((start, end, text))

    def start(self, node: ast.expr | ast.stmt) -> int:
        return self.starts[node.lineno - 1] + node.col_offset

    def end(self, node: ast.expr | ast.stmt) -> int:
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self.starts[node.end_lineno - 1] + node.end_col_offset

    def body(self) -> list[str]:
        """Return the edited lines after the signature, with their comments."""
        text = self.source
        for start, end, new in sorted(self.edits, reverse=True):
            text = text[:start] + new + text[end:]
        assert self.tree.returns is not None
        lines = _SIMPLE_SLICE.sub(r"[\1:\2]", text).splitlines()[self.tree.returns.end_lineno :]
        return [
            laid
            for line in lines
            for laid in statement(line.lstrip(), len(line) - len(line.lstrip()))
        ]


def _left_out(node: ast.stmt) -> bool:
    """Return whether a program has no use for a statement: documentation, unpacking or a check."""
    match node:
        case ast.Assert() | ast.Delete() | ast.Assign(value=ast.Name(id="operands")):
            return True
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.Expr(value=ast.Call(func=ast.Name(id=name))):
            return name.startswith(_CHECK)
        case ast.Assign(targets=[target], value=value):
            # `stride, pad = self.stride, self.pad`: these are parameters of the same names.
            return ast.unparse(value).replace("self.", "") == ast.unparse(target)
        case _:
            return False


def _summary(documented: object) -> str:
    return (inspect.getdoc(documented) or "").partition("\n\n")[0]


def _local_names(function: ast.FunctionDef) -> set[str]:
    found = {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
    return found | {
        node.id
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
