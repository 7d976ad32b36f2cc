"""The names a file gives, and where they come from: the file, its imports, the prelude."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, Diagnostics, Label
from netlang.diagnostics.source import Source
from netlang.evaluate.context.frame import DEPTH_LIMIT
from netlang.evaluate.context.parameter_names import Sites, sites_of
from netlang.evaluate.context.values import UNKNOWN, Function, Object, Word
from netlang.ir.types import DType
from netlang.syntax import ast

if TYPE_CHECKING:
    from netlang.evaluate.calls.binding import Expected

Constant = Callable[["ModuleScope", ast.Bind], dict[str, Object]]
"""Evaluates a binding at the top of a file; set by the elaborator."""

WORDS: Mapping[str, Object] = {
    **{word: Word(word) for word in ("same", "valid", "half", "causal")},
    **{dtype.value: dtype for dtype in DType},
}


@dataclass(slots=True, eq=False)
class ModuleScope:
    """One file's names.

    ``imported`` maps a local name to the file and the name it comes from (``None`` after a
    failed import, so that its uses stay silent).
    """

    source: Source
    diagnostics: Diagnostics
    constant: Constant
    library: ModuleScope | None
    declared: dict[str, ast.Declaration] = field(default_factory=dict[str, ast.Declaration])
    imported: dict[str, tuple[ModuleScope, str] | None] = field(
        default_factory=dict[str, "tuple[ModuleScope, str] | None"]
    )
    recursive: set[str] = field(default_factory=set[str])
    """Definitions that call themselves; calling one gives nothing."""
    prepared: dict[int, tuple[Expected, ...]] = field(
        default_factory=dict[int, "tuple[Expected, ...]"]
    )
    """The signatures of the definitions called so far, ready to be matched."""
    looking_into: int = 0
    """Definitions being named one inside the other, counted in the library all files share."""
    _values: dict[str, Object] = field(default_factory=dict[str, Object])
    _sites: dict[int, Sites] = field(default_factory=dict[int, Sites])
    _evaluating: list[str] = field(default_factory=list[str])

    def declaration(self, name: str) -> ast.Declaration | None:
        """Give what the file itself declares under a name."""
        return self.declared.get(name)

    def names(self) -> Iterable[str]:
        """List what the file itself declares."""
        return self.declared

    def visible(self) -> set[str]:
        """List every name the file can use."""
        found = {*self.names(), *self.imported}
        return found | self.library.visible() if self.library is not None else found | set(WORDS)

    def knows(self, name: str) -> bool:
        """Tell whether a name can be used in this file, without evaluating anything."""
        if self.declaration(name) is not None or name in self.imported:
            return True
        return self.library.knows(name) if self.library is not None else name in WORDS

    def find(self, name: str) -> Object | type[LookupError] | None:
        """Give the value of a name, or ``LookupError`` where the file has none."""
        if name in self._values:
            return self._values[name]
        match self.declaration(name):
            case ast.Definition() | ast.Extern() as definition:
                value: Object = Function(definition, self)
            case ast.Bind() as bind:
                return self._constant(name, bind)
            case ast.Assert():
                return LookupError
            case ast.Train() | None:  # a train section has a name, which hides no other
                if name in self.imported:
                    origin = self.imported[name]
                    return origin[0].find(origin[1]) if origin is not None else UNKNOWN
                if self.library is not None:
                    return self.library.find(name)
                return WORDS.get(name, LookupError)
        self._values[name] = value
        return value

    def _constant(self, name: str, bind: ast.Bind) -> Object:
        if name in self._evaluating:
            self._report_circle(name, bind)
            return UNKNOWN
        self._evaluating.append(name)
        self._values.update(self.constant(self, bind))
        self._evaluating.pop()
        return self._values.get(name, UNKNOWN)

    def _report_circle(self, name: str, bind: ast.Bind) -> None:
        circle = self._evaluating[self._evaluating.index(name) :]
        shown = " → ".join(f"`{each}`" for each in [*circle, name])
        self.diagnostics.report(
            Diagnostic(
                rules.RECURSION,
                f"`{name}` is defined by itself"
                if len(circle) == 1
                else f"these are defined by each other: {shown}",
                Label(bind.value.span, "this needs its own value"),
                helps=("give one of them a value of its own",),
            )
        )

    def function(self, name: str) -> Function | None:
        """Give the definition a name stands for, if it stands for one."""
        home: ModuleScope = self
        while True:
            match home.declaration(name):
                case ast.Definition() | ast.Extern():
                    found = home.find(name)
                    return found if isinstance(found, Function) else None
                case None if home.imported.get(name) is not None:
                    home, name = home.imported[name] or (home, name)
                case None if name not in home.imported and home.library is not None:
                    home = home.library
                case _:
                    return None

    def owns(self, name: str) -> bool:
        """Tell whether calling the definition ``name`` makes weights."""
        function = self.function(name)
        if function is None:
            return False
        if isinstance(function.definition, ast.Extern):
            return function.name == "param" and function.home.library is None
        return function.home.sites(function.definition).owns

    def sites(self, definition: ast.Definition) -> Sites:
        """Name the weight-owning calls of a definition of this file."""
        known = self._sites.get(id(definition))
        if known is not None:
            return known
        # Calls nested deeper than this are refused, whatever they own.
        common = self.library or self
        if common.looking_into >= DEPTH_LIMIT:
            return Sites()
        common.looking_into += 1
        self._sites[id(definition)] = Sites()  # a definition that calls itself owns nothing
        known = sites_of(definition.params, definition.body, self)
        self._sites[id(definition)] = known
        common.looking_into -= 1
        return known


@dataclass(slots=True, eq=False)
class LibraryScope(ModuleScope):
    """The prelude, or a module of the standard library: parsed name by name, as far as used."""

    parse: Callable[[str], ast.Declaration | None] = lambda _: None
    index: frozenset[str] = frozenset()
    _parsed: dict[str, ast.Declaration | None] = field(
        default_factory=dict[str, "ast.Declaration | None"]
    )

    def declaration(self, name: str) -> ast.Declaration | None:
        if name not in self.index:
            return None
        if name not in self._parsed:
            self._parsed[name] = self.parse(name)
        return self._parsed[name]

    def names(self) -> Iterable[str]:
        return self.index
