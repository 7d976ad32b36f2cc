"""Names in a generated body: what each name of the program is called, and lines of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct, field

from netlang.codegen.pytorch.printing.text import TAKEN, Text, free, text
from netlang.codegen.pytorch.tables.forms import MODULE_ATTRIBUTES
from netlang.codegen.pytorch.units import NoTextError, Shared, Unit
from netlang.evaluate.arguments import takes_tensor
from netlang.evaluate.context.frame import Frame
from netlang.evaluate.context.values import Object, Results
from netlang.ir.graph import Value
from netlang.syntax import ast

Kind = Literal["init", "forward", "function"]
INDENT = "    "


class Named(Struct):
    """A name of the program in the text: a variable, or one variable for each of its results."""

    text: Text
    fields: Mapping[str, Text] | None = None


class Scope(Struct, eq=False):
    """A body that is being written: a constructor, a ``forward``, one iteration of a loop.

    ``base`` is the text of the module that owns the parameters of ``frames``; in the constructor,
    ``made`` has the modules that exist already.
    """

    shared: Shared
    unit: Unit
    kind: Kind
    frames: Sequence[Frame]
    base: Text
    parent: Scope | None = None
    loop: ast.For | ast.Comprehension | None = None
    names: dict[str, Named] = field(default_factory=dict[str, Named])
    lines: list[str] = field(default_factory=list[str])
    made: set[str] = field(default_factory=set[str])
    leaf: list[str] = field(default_factory=list[str])
    """The lines that create the module that an iteration is, where a call in it has no name."""
    container: str = "nn.Module"
    """The class of the module of an iteration that holds several."""

    def inner(
        self,
        frames: Sequence[Frame],
        base: Text,
        loop: ast.For | ast.Comprehension | None = None,
    ) -> Scope:
        """Return the scope of an indented body."""
        loop = loop if loop is not None else self.loop
        return Scope(self.shared, self.unit, self.kind, frames, base, self, loop, made=self.made)

    @property
    def depth(self) -> int:
        """How far the lines will be indented."""
        outer = 2 if self.unit.is_class else 1
        return outer if self.parent is None else self.parent.depth + 1

    def emit(self, *lines: str) -> None:
        self.lines.extend(lines)

    def nest(self, header: str, body: Sequence[str]) -> None:
        """Add an indented body under its header."""
        self.lines.append(header)
        self.lines.extend(INDENT + line if line else line for line in body)

    def find(self, name: str) -> Named | None:
        """Return what a local name is called, and remember that it is used."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                self.unit.used.add((self.kind, name))
                return scope.names[name]
            scope = scope.parent
        return None

    def use_field(self, name: str, field: str) -> None:
        """Remember that one of several results is used."""
        self.unit.used.add((self.kind, f"{name}.{field}"))

    def is_used(self, name: str) -> bool:
        """Return whether the text refers to a name, which an earlier version has shown."""
        return (self.kind, name) in self.unit.used

    def variable(self, name: str) -> Text:
        """Return the Python name for a name of the program."""
        if name == "_":
            return text("_")
        return text(free(name, self._taken() - ({name} if self.parent is None else set())))

    def fresh(self, *names: str) -> str:
        """Return the first of some names that the definition does not use."""
        taken = self._taken() | self.unit.names
        return next((name for name in names if name not in taken), free(names[0], taken))

    def device(self) -> Text:
        """Return the text of the device that new tensors belong on: that of an operand."""
        for param in self.unit.function.params:
            name = param.name.text
            if takes_tensor(param) and all(
                isinstance(f.names[name].value, Value) for f in self.unit.frames
            ):
                return text(f"{self._tensor(name)}.device")
        self.unit.device = True
        return text("device")

    def _taken(self) -> set[str]:
        names = {str(named.text) for named in self._outer().values()}
        return names | self.bases() | self.unit.tensors

    def bases(self) -> set[str]:
        """Return the variables for modules in this scope."""
        scope: Scope | None = self
        found: set[str] = set()
        while scope is not None:
            found.add(str(scope.base))
            scope = scope.parent
        return found

    def _outer(self) -> dict[str, Named]:
        found: dict[str, Named] = {}
        scope: Scope | None = self
        while scope is not None:
            found = scope.names | found
            scope = scope.parent
        return found

    def bind(self, name: str, value: Object) -> Text:
        """Name a value after its binding; return what is assigned: a variable for each result."""
        if isinstance(value, Results):
            fields = {f: self.variable(f"{name}_{f}") for f in value.values}
            self.names[name] = Named(text(", ".join(fields.values())), fields)
            return text(
                ", ".join(v if self.is_used(f"{name}.{f}") else "_" for f, v in fields.items())
            )
        variable = self.variable(name)
        if name != "_":
            self.names[name] = Named(variable)
        return variable

    def parameter(self, name: str) -> Text:
        """Return the text of a parameter or a symbol of the signature."""
        for param in self.unit.function.params:
            if param.name.text == name:
                if takes_tensor(param) or self._holds_tensor(name):
                    return self._tensor(name)
                return self._value(name)
        if name[0].isupper() and any(name in f.names for f in self.unit.frames):
            return self._symbol(name)
        raise NoTextError

    def _holds_tensor(self, name: str) -> bool:
        return any(isinstance(f.names[name].value, Value) for f in self.unit.frames)

    def _tensor(self, name: str) -> Text:
        if self.kind == "init":
            raise NoTextError
        self.unit.tensors.add(name)
        return text(python_name(name))

    def _value(self, name: str) -> Text:
        if self.kind == "forward":
            self.unit.attributes.add(name)
            return text(f"self.{attribute_name(name)}")
        self.unit.values.add(name)
        return text(python_name(name))

    def _symbol(self, name: str) -> Text:
        if self.kind == "init":
            raise NoTextError  # the value knows where the size is from
        self.unit.unpacked.add(name)
        return text(python_name(name))


def python_name(name: str) -> str:
    """Return a name that is not a keyword or a module."""
    return f"{name}_" if name in TAKEN else name


def attribute_name(name: str) -> str:
    """Return the attribute that stores a number, which no method of a module is called."""
    return f"{name}_" if name in MODULE_ATTRIBUTES or name in TAKEN else name


def access(base: str, path: str) -> Text:
    """Return the text of a module or parameter below another."""
    for part in path.split(".") if path else ():
        taken = part in MODULE_ATTRIBUTES or part in TAKEN
        base = f'{base}._modules["{part}"]' if taken else f"{base}.{part}"
    return text(base)
