"""The names a file can use: its own, those it imports, and those of the prelude."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct, field

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostics, diagnostic
from netlang.diagnostics.source import Source, Span
from netlang.evaluate.context.frame import DEPTH_LIMIT
from netlang.evaluate.context.parameter_names import Sites, sites_of
from netlang.evaluate.context.values import (
    BALANCED,
    PADDINGS,
    UNKNOWN,
    Bound,
    Function,
    Object,
    Word,
    is_block_in_list,
)
from netlang.ir.types import DType
from netlang.syntax import ast
from netlang.syntax.keywords import PREDEFINED

if TYPE_CHECKING:
    from netlang.evaluate.calls.binding import Expected

Constant = Callable[["ModuleScope", ast.Bind], dict[str, Object]]
"""Evaluates a binding at the top of a file."""

WORDS: Mapping[str, Object] = {
    **{word: Word(word) for word in (*PADDINGS, "most_frequent", BALANCED)},
    **{dtype.value: dtype for dtype in DType},
}


def is_private(name: str) -> bool:
    """Check whether a name of the library is for the library's own files only."""
    return name.startswith("_")


class ModuleScope(Struct, eq=False):
    """The names of one file.

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
    """Definitions that call themselves; a call of one has no value."""
    prepared: dict[int, tuple[ast.Node, tuple[Expected, ...]]] = field(
        default_factory=dict[int, "tuple[ast.Node, tuple[Expected, ...]]"]
    )
    """The signatures of the definitions called so far, ready to be matched.

    Each with its definition, whose number no other one can then have.
    """
    looking_into: int = 0
    """The depth of nested calls of ``sites``, counted in the library that all files share."""
    uses: list[tuple[Span, Span | None]] | None = None
    """For an editor: every name that is used, and where it is defined; ``None`` for a name of the
    file, of an import or of the library."""
    _values: dict[str, Object] = field(default_factory=dict[str, Object])
    _sites: dict[int, Sites] = field(default_factory=dict[int, Sites])
    _evaluating: list[str] = field(default_factory=list[str])

    def declaration(self, name: str) -> ast.Declaration | None:
        """Return what the file itself declares under a name; a train section's hides no other."""
        found = self.declared.get(name)
        return None if isinstance(found, ast.Train) else found

    def names(self) -> Iterable[str]:
        """Return the names that the file itself declares."""
        return self.declared

    def exports(self, name: str) -> bool:
        """Check whether another file can import a name from this one."""
        return self.declaration(name) is not None or name in self.imported

    def visible(self) -> set[str]:
        """Return every name the file can use."""
        sections = {name for name, each in self.declared.items() if isinstance(each, ast.Train)}
        found = {*self.names(), *self.imported} - sections
        if self.library is None:
            return found | set(WORDS)
        return found | {name for name in self.library.visible() if self._outer(name) is not None}

    def knows(self, name: str) -> bool:
        """Check whether a name can be used in this file, without evaluating anything."""
        if self.declaration(name) is not None or name in self.imported:
            return True
        outer = self._outer(name)
        return outer.knows(name) if outer is not None else name in WORDS

    def _outer(self, name: str) -> ModuleScope | None:
        """Return the library as the scope around this one; its private names stay inside it."""
        return None if is_private(name) else self.library

    def find(self, name: str) -> Object | type[LookupError] | None:
        """Return the value of a name, or ``LookupError`` where the file has none."""
        if name in self._values:
            return self._values[name]
        match self.declaration(name):
            case ast.Definition() | ast.Extern() as definition:
                value: Object = Function(definition, self)
            case ast.Bind() as bind:
                return self._constant(name, bind)
            case ast.Assert():
                return LookupError
            case _:
                if name in self.imported:
                    origin = self.imported[name]
                    return origin[0].find(origin[1]) if origin is not None else UNKNOWN
                outer = self._outer(name)
                return outer.find(name) if outer is not None else WORDS.get(name, LookupError)
        self._values[name] = value
        return value

    def _constant(self, name: str, bind: ast.Bind) -> Object:
        if name in self._evaluating:
            self._report_cycle(name, bind)
            return UNKNOWN
        self._evaluating.append(name)
        self._values.update(self.constant(self, bind))
        self._evaluating.pop()
        return self._values.get(name, UNKNOWN)

    def _report_cycle(self, name: str, bind: ast.Bind) -> None:
        cycle = self._evaluating[self._evaluating.index(name) :]
        shown = " → ".join(f"`{each}`" for each in [*cycle, name])
        self.diagnostics.report(
            diagnostic(
                rules.RECURSION,
                f"`{name}` is defined by itself"
                if len(cycle) == 1
                else f"these are defined by each other: {shown}",
                bind.value.span,
                "this needs its own value",
                helps=("give one of them a value of its own",),
            )
        )

    def function(self, name: str) -> Function | None:
        """Return the definition a name refers to, if it refers to one."""
        module: ModuleScope = self
        while True:
            match module.declaration(name):
                case ast.Definition() | ast.Extern():
                    found = module.find(name)
                    return found if isinstance(found, Function) else None
                case None if module.imported.get(name) is not None:
                    module, name = module.imported[name] or (module, name)
                case None if (
                    name not in module.imported and (outer := module._outer(name)) is not None
                ):
                    module = outer
                case _:
                    return None

    def owns(self, name: str) -> bool:
        """Check whether calling the definition ``name`` creates weights."""
        function = self.function(name) or self._named_block(name)
        if function is None:
            return False
        if isinstance(function.definition, ast.Extern):
            return function.name == "param" and function.module.library is None
        if function.kind in PREDEFINED:
            return False
        return function.module.sites(function.definition).owns

    def _named_block(self, name: str) -> Function | None:
        """Return the block that a constant is, with or without some arguments."""
        if name not in self.imported and not isinstance(self.declaration(name), ast.Bind):
            return None
        value = self.find(name)
        value = value.function if isinstance(value, Bound) else value
        return value if isinstance(value, Function) else None

    def waits(self, call: ast.Call) -> bool:
        """Check whether an argument, or an item of a list, is a block without its input."""
        callee = call.callee
        function = self.function(callee.text) if isinstance(callee, ast.Name) else None
        return function is not None and is_block_in_list(call, function)

    def sites(self, definition: ast.Definition) -> Sites:
        """Return the names of the weight-owning calls of a definition of this file."""
        known = self._sites.get(id(definition))
        if known is not None:
            return known
        # Calls nested deeper than this are rejected, whatever they own.
        common = self.library or self
        if common.looking_into >= DEPTH_LIMIT:
            return Sites()
        common.looking_into += 1
        self._sites[id(definition)] = Sites()  # a definition that calls itself owns nothing
        known = sites_of(definition.params, definition.body, self)
        self._sites[id(definition)] = known
        common.looking_into -= 1
        return known


class LibraryScope(ModuleScope, eq=False):
    """The prelude, or a module of the standard library: each definition is parsed when used."""

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

    def exports(self, name: str) -> bool:
        return name in self.index and not is_private(name)

    def _outer(self, name: str) -> ModuleScope | None:
        return self.library
