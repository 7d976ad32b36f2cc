"""The classes and functions of a generated module, and what their texts depend on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from msgspec import Struct, field

from netlang.codegen.pytorch.printing.text import Text, free, literal, text
from netlang.codegen.pytorch.recording import Recording
from netlang.diagnostics.diagnostic import DiagnosticError, diagnostic
from netlang.diagnostics.rules import Rule
from netlang.diagnostics.source import Span
from netlang.evaluate.context.frame import Frame
from netlang.evaluate.context.values import Function
from netlang.evaluate.modules.module import ModuleScope
from netlang.ir.graph import Param, Value
from netlang.syntax import ast
from netlang.syntax.walk import walk

SizeKey = tuple[str, int] | str
"""A size of a tensor that a constructor needs: a symbol of the signature, or a parameter's axis."""


class SplitError(Exception):
    """Two calls of a definition need different texts, so each kind gets a class of its own."""

    def __init__(self, kinds: Mapping[int, object]) -> None:
        super().__init__()
        self.kinds = kinds


class NoTextError(Exception):
    """An expression has no text of its own in Python; its value may have."""


class Unit(Struct, eq=False, dict=True):
    """A class or a function: a definition as some of its calls use it.

    Its text is written again and again until the sets below do not grow: ``sizes`` and ``values``
    are parameters of the constructor, ``attributes`` those that it stores, ``tensors`` parameters
    of the function; ``unpacked`` are symbols read off a tensor, ``used`` the names of numbers that
    the text refers to, ``carried`` the sizes that change from one iteration to the next.
    """

    function: Function
    frames: list[Frame]
    name: str
    is_class: bool
    is_net: bool
    sizes: dict[SizeKey, str] = field(default_factory=dict[SizeKey, str])
    values: set[str] = field(default_factory=set[str])
    attributes: set[str] = field(default_factory=set[str])
    tensors: set[str] = field(default_factory=set[str])
    unpacked: set[str] = field(default_factory=set[str])
    used: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    carried: dict[tuple[int, str, int], str] = field(
        default_factory=dict[tuple[int, str, int], str]
    )
    training: bool = False
    device: bool = False
    base: str = "nn.Module"
    lines: list[str] = field(default_factory=list[str])

    @property
    def definition(self) -> ast.Definition:
        definition = self.function.definition
        assert isinstance(definition, ast.Definition)
        return definition

    @cached_property
    def names(self) -> set[str]:
        """Every name that the definition binds or reads."""
        nodes = walk(self.definition)
        return {node.text for node in nodes if isinstance(node, ast.Name | ast.Ident)}

    @property
    def state(self) -> tuple[object, ...]:
        """What grows while the text is written."""
        parts = (self.values, self.attributes, self.tensors, self.unpacked, self.used)
        return (
            *map(len, parts),
            len(self.sizes),
            len(self.carried),
            self.training,
            self.device,
            self.base,
        )

    def snapshot(self) -> tuple[set[str], set[str], set[str], set[str]]:
        """Return what the text needs so far."""
        return set(self.values), set(self.attributes), set(self.tensors), set(self.unpacked)

    def restore(self, before: tuple[set[str], set[str], set[str], set[str]]) -> None:
        """Forget what a text needs that is not written after all."""
        self.values, self.attributes, self.tensors, self.unpacked = before

    def taken(self) -> set[str]:
        """Return every name that the definition uses."""
        return {param.name.text for param in self.function.params} | set(self.sizes.values())

    def size(self, key: SizeKey, stem: str) -> str:
        """Return the constructor's parameter for a size."""
        if key not in self.sizes:
            self.sizes[key] = free(stem, self.taken() | set(self.carried.values()))
        return self.sizes[key]

    def carried_size(self, loop: ast.Expr, carry: str, axis: int, stem: str) -> str:
        """Return the variable for a size that changes from one iteration to the next."""
        key = id(loop), carry, axis
        if key not in self.carried:
            self.carried[key] = free(stem, self.taken() | set(self.carried.values()))
        return self.carried[key]


def body_of(frame: Frame) -> Frame:
    """Return the frame of the definition that a frame of a loop is in."""
    while frame.parent is not None:
        frame = frame.parent
    return frame


def agreed(found: Sequence[tuple[Frame, str]]) -> str:
    """Return the text on which all frames agree; raises ``SplitError`` if some do not."""
    texts = {text for _, text in found}
    if len(texts) == 1:
        return found[0][1]
    raise SplitError(_kinds(found))


def _kinds(found: Sequence[tuple[Frame, str]]) -> dict[int, object]:
    kinds: dict[int, list[str]] = {}
    for frame, shown in found:
        seen = kinds.setdefault(id(body_of(frame)), [])
        if shown not in seen:
            seen.append(shown)
    return {frame: tuple(texts) for frame, texts in kinds.items()}


class Constant(Struct, frozen=True, eq=False):
    """A number or a list at the top of a file."""

    name: Text
    value: Text
    declared: ast.Bind


class Shared(Struct, eq=False):
    """What all units of a module share."""

    recording: Recording
    unit_of: Callable[[Sequence[tuple[Frame, Frame]]], Unit]
    comments: Callable[[Span], list[str]]
    locals: set[str]
    params: Mapping[Value, Param]
    constants: dict[tuple[int, str], Constant] = field(
        default_factory=dict[tuple[int, str], "Constant"]
    )
    helpers: dict[str, None] = field(default_factory=dict[str, None])
    by_path: Mapping[str, Param] = field(default_factory=dict[str, Param])

    def constant(self, name: str, module: ModuleScope) -> Text:
        """Return the name of a number or a list at the top of a file."""
        while module.declaration(name) is None and module.imported.get(name) is not None:
            module, name = module.imported[name] or (module, name)
        key = id(module), name
        if key not in self.constants:
            declared = module.declaration(name)
            value = module.find(name)
            shown = None if isinstance(value, type) else literal(value)
            if not isinstance(declared, ast.Bind) or shown is None:
                raise NoTextError
            if isinstance(declared.value, ast.Int | ast.Float):
                shown = text(declared.value.span.text)
            taken = {str(c.name) for c in self.constants.values()}
            self.constants[key] = Constant(text(free(name, taken)), shown, declared)
        return self.constants[key].name


def reject(rule: Rule, message: str, span: Span, label: str, *helps: str) -> DiagnosticError:
    """Return the error for a part of a program that has no form in PyTorch."""
    return DiagnosticError(diagnostic(rule, message, span, label, helps=helps))
