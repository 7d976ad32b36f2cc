"""Evaluation of a text again and again, as it is edited: only what has changed.

What a net or a train section evaluates to depends on its text and on the texts of what it uses. It
is kept with the places of these declarations, and moved with them.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from netlang.analysis.layers import chain_of
from netlang.diagnostics.diagnostic import SHOWN, Diagnostic, Diagnostics, Label
from netlang.diagnostics.fix import Edit
from netlang.diagnostics.source import Span
from netlang.editor.facts.values import Shown, shown
from netlang.evaluate.context.frame import Run
from netlang.evaluate.modules.module import LibraryScope, ModuleScope
from netlang.evaluate.nets import partial_graph
from netlang.ir.graph import Graph, Node
from netlang.program import Net, Program
from netlang.syntax import ast

_REMEMBERED = 3
"""How many versions of a net or a section are kept: to undo a change costs nothing."""

_UNUSED = 50
"""How many nets and sections are kept that the text has no longer."""

_MENTIONS_LINE = re.compile(r"\blines? \d")


class Place(Struct, frozen=True, eq=False):
    """A declaration that an evaluation depends on."""

    path: Path
    name: str
    span: Span


class Note(Struct, frozen=True):
    """The value that a name had: in which declaration, where in its text, and what it was."""

    place: int
    offset: int
    name: str
    value: Shown


class Evaluated(Struct, frozen=True, eq=False):
    """What a net or a section evaluated to: its diagnostics, its graph, the values of names.

    Spans are those of the text that was evaluated, in which the declarations were at ``places``.
    ``names`` are the names of the file then, which messages may suggest.
    """

    kind: str
    name: str
    key: tuple[object, ...]
    places: tuple[Place, ...]
    diagnostics: tuple[Diagnostic, ...]
    notes: tuple[Note, ...]
    graph: Graph | None
    steps: int
    names: frozenset[str]


class Current(Struct, frozen=True, eq=False):
    """An evaluation, and where its declarations are now."""

    evaluated: Evaluated
    places: tuple[Place, ...]

    @property
    def failed(self) -> bool:
        """Whether the evaluation found an error."""
        return any(found.is_error for found in self.evaluated.diagnostics)

    def located(self, node: Node) -> Iterator[tuple[Path, Span]]:
        """Yield where a node of the graph is written now, then the calls around it from the inside.

        Each comes with the resolved path of its file; what is in the library is left out.
        """
        calls = (scope.span for scope in reversed(chain_of(node.scope)) if scope.path)
        spans = (node.span, *calls)
        for span in dict.fromkeys(span for span in spans if span is not None):
            for old, new in zip(self.evaluated.places, self.places, strict=True):
                if _holds(old.span, span):
                    yield new.path, _shifted(span, old.span, new.span)
                    break


class Evaluator:
    """Evaluates the versions of one text.

    ``evaluations`` lists what was evaluated for the last one, and not known before.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], list[Evaluated]] = {}
        self.evaluations: list[str] = []

    def evaluate(self, program: Program) -> list[Current]:
        """Do what ``Program.check`` does to a program that was opened for editing."""
        self.evaluations = []
        module, file = program.module, program.file
        if module is None or file is None:
            return []
        program.check_constants()
        dependencies = _Dependencies(program)
        found: list[Current] = []
        for net in program.nets.values():
            if net.complete:
                declaration = net.function.definition
                places = dependencies.of(module, declaration, net.name)
                evaluate = _net_evaluation(program, net)
                found.append(self._current(program, "net", net.name, places, evaluate))
        for declaration in file.declarations:
            match declaration:
                case ast.Train(name=ast.Ident(text=name)):
                    kind = "train"
                case ast.Assert(span=span):
                    kind, name = "assert", span.text
                case _:
                    program.check_declaration(declaration)
                    continue
            places = dependencies.of(module, declaration, name)
            evaluate = _declaration_evaluation(program, declaration)
            found.append(self._current(program, kind, name, places, evaluate))
        self._forget(found)
        return found

    def _forget(self, found: Sequence[Current]) -> None:
        """Forget what the text has no longer, once it is much."""
        used = {(each.evaluated.kind, each.evaluated.name) for each in found}
        for key in [key for key in self._known if key not in used][:-_UNUSED]:
            del self._known[key]

    def _current(
        self,
        program: Program,
        kind: str,
        name: str,
        places: tuple[Place, ...],
        evaluate: Callable[[], tuple[Run | None, Graph | None, Sequence[Diagnostic]]],
    ) -> Current:
        known = self._known.setdefault((kind, name), [])
        key = _key(program, places)
        names = _names(program)
        for evaluated in known:
            if evaluated.key == key and self._repeated(program, evaluated, places, names):
                known.remove(evaluated)
                known.insert(0, evaluated)
                return Current(evaluated, places)
        spent = program.budget.spent
        self.evaluations.append(name)
        run, graph, diagnostics = evaluate()
        notes = () if run is None else tuple(_notes(run, places))
        steps = program.budget.spent - spent
        made = Evaluated(
            kind, name, key, places, tuple(diagnostics), notes, graph, steps, names
        )  # fmt: skip
        crowded = len(program.diagnostics.items) >= SHOWN
        if not crowded and program.budget.spent <= program.budget.limit:
            known.insert(0, made)
            del known[_REMEMBERED:]
        return Current(made, places)

    def _repeated(
        self, program: Program, known: Evaluated, places: tuple[Place, ...], names: frozenset[str]
    ) -> bool:
        """Report what a known evaluation reported, unless it may report something else now."""
        if program.budget.spent + known.steps > program.budget.limit:
            return False
        own = Diagnostics()
        if known.diagnostics:
            if known.names != names:
                return False
            if len(program.diagnostics.items) + len(known.diagnostics) >= SHOWN:
                return False
            moved = [_moved(each, known.places, places) for each in known.diagnostics]
            if any(each is None for each in moved):
                return False
            for each in filter(None, moved):
                program.diagnostics.report(each)
                own.report(each)
        if known.kind == "net":
            program.remember(program.nets[known.name], whole(known.graph), own)
        program.budget.spent += known.steps
        return True


def whole(graph: Graph | None) -> Graph | None:
    """Return a graph, unless it is one of a net with errors."""
    return graph if graph is not None and graph.outputs else None


def _net_evaluation(
    program: Program, net: Net
) -> Callable[[], tuple[Run | None, Graph | None, Sequence[Diagnostic]]]:
    def evaluate() -> tuple[Run | None, Graph | None, Sequence[Diagnostic]]:
        _recorded(program)
        graph = program.check_net(net)
        run = program.run_of(net)
        if run is not None and graph is None:
            graph = partial_graph(net.function, run)
        return run, graph, run.diagnostics.items if run is not None else ()

    return evaluate


def _declaration_evaluation(
    program: Program, declaration: ast.Declaration
) -> Callable[[], tuple[Run | None, Graph | None, Sequence[Diagnostic]]]:
    def evaluate() -> tuple[Run | None, Graph | None, Sequence[Diagnostic]]:
        runs = _recorded(program)
        before = len(program.diagnostics.items)
        program.check_declaration(declaration)
        run = next((run for run in runs if run.training), None)
        return run, None, program.diagnostics.items[before:]

    return evaluate


def _recorded(program: Program) -> list[Run]:
    """Return the list, empty now, to which the program adds its evaluations."""
    assert program.runs is not None
    program.runs.clear()
    return program.runs


def _names(program: Program) -> frozenset[str]:
    module = program.module
    return frozenset() if module is None else frozenset({*module.declared, *module.imported})


def _key(program: Program, places: tuple[Place, ...]) -> tuple[object, ...]:
    """Return what an evaluation depends on: texts, and what is reported about them already."""
    texts = tuple((place.path, place.name, place.span.text) for place in places)
    assert program.file is not None
    imports = tuple(item.span.text for item in program.file.imports)
    others = tuple(
        (path, module.source.text)
        for path, module in program.modules.items()
        if module is not program.module
    )
    reported = tuple(
        (
            found.rule.code,
            at,
            found.span.start - place.span.start,
            found.span.end - found.span.start,
        )
        for found in program.diagnostics.items
        for at, place in enumerate(places)
        if _holds(place.span, found.span)
    )
    return texts, imports, others, reported, program.diagnostics.failed


def _notes(run: Run, places: tuple[Place, ...]) -> Iterator[Note]:
    """Yield each name in one of the places with a value, once for each value."""
    seen: set[Note] = set()
    for name, span, value in run.bound or ():
        if span.source.library:
            continue
        at = next((at for at, place in enumerate(places) if _holds(place.span, span)), None)
        if at is None or not (span.source.text.startswith(name, span.start) or name[0] == "<"):
            continue
        text = shown(value)
        if text is None:
            continue
        note = Note(at, span.start - places[at].span.start, name, text)
        if note not in seen:
            seen.add(note)
            yield note


def _holds(outer: Span, inner: Span) -> bool:
    same = outer.source is inner.source
    return same and outer.start <= inner.start and inner.end <= outer.end


class _Dependencies:
    """The declarations that each declaration of a program uses, directly or indirectly."""

    def __init__(self, program: Program) -> None:
        self._paths = {id(module): path for path, module in program.modules.items()}
        self._uses: dict[int, tuple[list[int], list[str]]] = {}

    def of(self, module: ModuleScope, declaration: ast.Declaration, name: str) -> tuple[Place, ...]:
        """Return a declaration and those it uses, in the order in which they are met."""
        found: dict[int, Place] = {}
        todo: list[tuple[ModuleScope, ast.Declaration, str]] = [(module, declaration, name)]
        while todo:
            module, declaration, name = todo.pop()
            # A train section may have the name of its net.
            if id(declaration) in found:
                continue
            path = self._paths.get(id(module), Path())
            found[id(declaration)] = Place(path, name, declaration.span)
            for used in self._used(module, declaration.span):
                if (other := defined(module, used)) is not None:
                    todo.append((*other, used))
        return tuple(found.values())

    def _used(self, module: ModuleScope, span: Span) -> Iterable[str]:
        """Return the names of the module that are used between two offsets."""
        if id(module) not in self._uses:
            uses = sorted((at.start, at.text) for at, own in module.uses or () if own is None)
            self._uses[id(module)] = [at for at, _ in uses], [name for _, name in uses]
        starts, names = self._uses[id(module)]
        return dict.fromkeys(names[bisect_left(starts, span.start) : bisect_left(starts, span.end)])


def defined(module: ModuleScope, name: str) -> tuple[ModuleScope, ast.Declaration] | None:
    """Return the declaration that a name of a file means, and its file, outside of the library."""
    while not isinstance(module, LibraryScope):
        declaration = module.declaration(name)
        if declaration is not None:
            return module, declaration
        origin = module.imported.get(name)
        if origin is None:
            return None
        module, name = origin
    return None


def _moved(
    found: Diagnostic, before: tuple[Place, ...], after: tuple[Place, ...]
) -> Diagnostic | None:
    """Return a diagnostic at where its text is now; ``None`` if it says where that was."""
    still = all(_at(old) == _at(new) for old, new in zip(before, after, strict=True))
    texts = (found.message, *found.notes, *found.helps, *found.trace)
    labels = [label for label in (found.primary, *found.secondary) if label is not None]
    fixes = [edit.text for fix in found.fixes for edit in fix.edits]
    if not still and any(
        map(_MENTIONS_LINE.search, (*texts, *(label.text for label in labels), *fixes))
    ):
        return None
    try:
        return replace(
            found,
            primary=found.primary and _moved_label(found.primary, before, after),
            secondary=tuple(_moved_label(label, before, after) for label in found.secondary),
            fixes=tuple(
                replace(
                    fix,
                    edits=tuple(
                        Edit(_moved_span(edit.span, before, after), edit.text) for edit in fix.edits
                    ),
                )
                for fix in found.fixes
            ),
        )
    except _ElsewhereError:
        return None


def _at(place: Place) -> tuple[int, int]:
    return place.span.start, place.span.line


class _ElsewhereError(Exception):
    """A span that is in none of the declarations."""


def _moved_label(label: Label, before: tuple[Place, ...], after: tuple[Place, ...]) -> Label:
    return Label(_moved_span(label.span, before, after), label.text)


def _moved_span(span: Span, before: tuple[Place, ...], after: tuple[Place, ...]) -> Span:
    for old, new in zip(before, after, strict=True):
        if _holds(old.span, span):
            return _shifted(span, old.span, new.span)
    raise _ElsewhereError


def _shifted(span: Span, before: Span, after: Span) -> Span:
    start = after.start + span.start - before.start
    return Span(after.source, start, start + span.end - span.start)
