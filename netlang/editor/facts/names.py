"""Where names are defined and used, from the scopes in which the compiler looks them up."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from msgspec import Struct

from netlang.diagnostics.source import Source, Span
from netlang.editor.facts.records import Location
from netlang.evaluate.context.values import Function
from netlang.evaluate.modules.module import ModuleScope
from netlang.program import Program
from netlang.syntax import ast
from netlang.syntax.library import FOLDER
from netlang.syntax.walk import walk


class Meaning(Struct, frozen=True):
    """What a name in the text means.

    ``definition`` is where it is defined, ``function`` the definition it means, if it is one, and
    ``declaration`` what the file or an import declares under the name.
    """

    name: str
    definition: Location
    function: Function | None = None
    declaration: ast.Declaration | None = None
    library: bool = False


class Use(Struct, frozen=True):
    """A name at a place, and what it means."""

    start: int
    end: int
    meaning: Meaning


class Names:
    """The names of a program, in its file, whose syntax nodes are given, and in its imports."""

    def __init__(self, program: Program, nodes: Sequence[ast.Node]) -> None:
        self.program = program
        self._nodes = nodes
        self._uses: dict[int, list[Use]] = {}
        self._meanings: dict[tuple[int, str], Meaning | None] = {}
        self._paths = {id(m.source): str(path) for path, m in program.modules.items()}
        if program.file is not None:
            self._paths[id(program.file.source)] = str(program.path)

    # ---- questions -----------------------------------------------------------------------

    def at(self, offset: int) -> Use | None:
        """Return the name of the file at an offset, or just before it."""
        uses = self.uses()
        index = bisect_right(uses, offset, key=lambda use: use.start)
        for use in reversed(uses[max(0, index - 2) : index]):
            if use.start <= offset <= use.end:
                return use
        return None

    def uses(self) -> list[Use]:
        """Return every name of the file with its meaning, in the order of the text."""
        module = self.program.module
        return [] if module is None else self._of(module)

    def references(self, meaning: Meaning) -> list[Location]:
        """Return every place in the file and its imports with this meaning."""
        found: dict[Location, None] = {}
        for path, module in self.program.modules.items():
            shown = str(self.program.path) if module is self.program.module else str(path)
            for use in self._of(module):
                if use.meaning.definition == meaning.definition:
                    found[Location(shown, use.start, use.end)] = None
        return list(found)

    def meaning(self, module: ModuleScope, name: str) -> Meaning | None:
        """Return what a name at the top of a file means."""
        key = id(module), name
        if key not in self._meanings:
            self._meanings[key] = self._meaning(module, name)
        return self._meanings[key]

    def _meaning(self, module: ModuleScope, name: str) -> Meaning | None:
        function = module.function(name)
        home: ModuleScope | None = module
        inner = name
        while home is not None:
            declaration = home.declaration(inner)
            if declaration is not None and not isinstance(declaration, ast.Assert):
                span = _name_span(declaration, inner)
                library = span.source.library
                return Meaning(inner, self._location(span), function, declaration, library)
            if inner in home.imported:
                origin = home.imported[inner]
                home, inner = origin if origin is not None else (None, inner)
            else:
                home = home.library
        return None

    # ---- the uses of one file ---------------------------------------------------------------

    def _of(self, module: ModuleScope) -> list[Use]:
        key = id(module)
        if key not in self._uses:
            # The name of a definition whose head does not parse is empty.
            uses = (use for use in self._found(module) if use.start < use.end)
            found = {(use.start, use.end): use for use in uses}
            self._uses[key] = [found[at] for at in sorted(found)]
        return self._uses[key]

    def _found(self, module: ModuleScope) -> Iterator[Use]:
        local: dict[tuple[int, int], Meaning] = {}
        for span, definition in module.uses or ():
            if span.source is not module.source:
                continue
            if definition is None:
                meaning = self.meaning(module, span.text)
            elif definition.text == span.text:
                meaning = Meaning(span.text, self._location(definition))
            else:
                meaning = None  # what every section or optimizer has
            if meaning is not None:
                local[span.start, span.end] = meaning
                yield Use(span.start, span.end, meaning)
        for declaration in module.declared.values():
            yield from self._declared(module, declaration)
        own = module is self.program.module
        yield from self._arguments(self._nodes if own else walk(*module.declared.values()), local)
        if own and self.program.file is not None:
            for item in self.program.file.imports:
                yield from self._imported(module, item)

    def _declared(self, module: ModuleScope, declaration: ast.Declaration) -> Iterator[Use]:
        match declaration:
            case ast.Bind(targets=targets):
                names = targets
            case ast.Assert():
                return
            case ast.Train(name=name):
                meaning = Meaning(name.text, self._location(name.span), None, declaration)
                yield Use(name.span.start, name.span.end, meaning)
                return
            case _:
                names = (declaration.name,)
        for name in names:
            meaning = self.meaning(module, name.text)
            if meaning is not None:
                yield Use(name.span.start, name.span.end, meaning)

    def _imported(self, module: ModuleScope, item: ast.Import) -> Iterator[Use]:
        for each in item.names:
            shown = each.alias or each.name
            meaning = self.meaning(module, shown.text)
            if meaning is not None:
                yield Use(each.name.span.start, each.name.span.end, meaning)
                yield Use(shown.span.start, shown.span.end, meaning)

    def _arguments(
        self, nodes: Iterable[ast.Node], local: dict[tuple[int, int], Meaning]
    ) -> Iterator[Use]:
        """Yield the names of arguments, which mean parameters of what is called."""
        for node in nodes:
            if not isinstance(node, ast.Call | ast.New):
                continue
            named = [arg for arg in node.args if arg.name is not None]
            function = called(node, local) if named else None
            if function is None:
                continue
            params = {param.name.text: param.name for param in function.params}
            for name in (arg.name for arg in named if arg.name is not None):
                if name.text in params:
                    location = self._location(params[name.text].span)
                    library = params[name.text].span.source.library
                    meaning = Meaning(name.text, location, library=library)
                    yield Use(name.span.start, name.span.end, meaning)

    def _location(self, span: Span) -> Location:
        return Location(self._path(span.source), span.start, span.end)

    def _path(self, source: Source) -> str:
        if source.library:
            return str(library_path(source.name))
        return self._paths.get(id(source), source.name)


@cache
def library_path(name: str) -> Path:
    """Return the file of a source of the library."""
    file = name.rpartition("/")[2]
    return next(iter(sorted(FOLDER.rglob(file))), FOLDER / file)


def called(
    node: ast.Call | ast.New, meanings: Mapping[tuple[int, int], Meaning]
) -> Function | None:
    """Return the definition that a call names, if it names one."""
    if isinstance(node, ast.New):
        span = node.path[-1].span
    elif isinstance(node.callee, ast.Name):
        span = node.callee.span
    else:
        return None
    meaning = meanings.get((span.start, span.end))
    return None if meaning is None else meaning.function


def called_at(nodes: Iterable[ast.Node], text: str, offset: int) -> int | None:
    """Return where the name of a call begins: the innermost around an offset, else of its line."""
    line = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    around: list[tuple[int, int]] = []
    beside: list[int] = []
    for node in nodes:
        match node:
            case ast.Call(callee=ast.Name(span=name)):
                called = [(node.span, name)]
            case ast.Pipe(stages=stages):
                called = [
                    (stage.span, stage.span) for stage in stages if isinstance(stage, ast.Name)
                ]
            case _:
                continue
        for span, name in called:
            if span.start <= offset <= span.end:
                around.append((span.end - span.start, name.start))
            elif line <= name.start < (end if end >= 0 else len(text)):
                beside.append(name.start)
    return min(around)[1] if around else min(beside, default=None)


def _name_span(declaration: ast.Definition | ast.Extern | ast.Train | ast.Bind, name: str) -> Span:
    if isinstance(declaration, ast.Bind):
        return next(target.span for target in declaration.targets if target.text == name)
    return declaration.name.span
