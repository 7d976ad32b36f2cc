"""The facts about one version of a text, and the analyser that finds them as it is edited."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from msgspec import Struct

from netlang.analysis.counts import grouped, macs, trained
from netlang.diagnostics.errors import NetlangError
from netlang.editor.facts.completion import candidates
from netlang.editor.facts.elsewhere import uses_elsewhere
from netlang.editor.facts.evaluation import Current, Evaluator, whole
from netlang.editor.facts.hints import parameter_hints, type_hints, values_of
from netlang.editor.facts.hover import joined, manual, use_text, value_text
from netlang.editor.facts.names import Meaning, Names, Use, called_at
from netlang.editor.facts.positions import Positions
from netlang.editor.facts.problems import problem, unreadable
from netlang.editor.facts.records import (
    Candidate,
    Folding,
    Hint,
    Hover,
    Lens,
    Location,
    Net,
    Problem,
    Renaming,
    Section,
    SemanticToken,
    Symbol,
)
from netlang.editor.facts.renaming import renamed
from netlang.editor.facts.symbols import ends_of, foldings, symbols, tokens
from netlang.editor.facts.values import Shown
from netlang.evaluate.context.known_calls import KnownCalls
from netlang.ir.graph import Graph, Node
from netlang.plan.settings import SETTINGS
from netlang.program import Program, open_program
from netlang.syntax import ast
from netlang.syntax.reader import text_source
from netlang.syntax.reuse import KnownTrees
from netlang.syntax.walk import walk


class Facts(Struct, frozen=True, eq=False):
    """What is known about a text. Offsets count the characters of ``text``.

    Attributes:
        path: the file, as messages name it.
        text: the text, with ``\\n`` at the end of each line.
        problems: what ``netlang check`` reports, in the same order.
        positions: converts offsets to the lines and columns of editors.
    """

    path: str
    text: str
    problems: tuple[Problem, ...]
    positions: Positions
    _view: _View

    @property
    def imports(self) -> frozenset[Path]:
        """The resolved paths of the files that are imported, directly or indirectly.

        Those that a direct import names are among them, whether they exist or not.
        """
        return self._view.imports

    @property
    def hints(self) -> tuple[Hint, ...]:
        """The types of names and the parameters of arguments, in the order of the text."""
        return self._view.hints

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """The definitions, and the names that each of them binds."""
        return self._view.symbols

    @property
    def foldings(self) -> tuple[Folding, ...]:
        """The lines that can be folded."""
        file = self._view.file
        return () if file is None else tuple(foldings(file))

    @property
    def tokens(self) -> tuple[SemanticToken, ...]:
        """What each name denotes, in the order of the text."""
        return self._view.tokens

    @property
    def lenses(self) -> tuple[Lens, ...]:
        """The counts of each net without errors, and an offer to run each train section."""
        return self._view.lenses

    @property
    def nets(self) -> tuple[Net, ...]:
        """The nets of the text, in its order."""
        return self._view.nets

    @property
    def sections(self) -> tuple[Section, ...]:
        """The train sections of the text, in its order."""
        return self._view.sections

    def places(self, net: str, node: Node) -> tuple[Location, ...]:
        """Return where a node of the graph of a net is written, then the calls around it.

        The innermost comes first; what is in the library is left out.
        """
        return self._view.places(net, node)

    def hover(self, offset: int) -> Hover | None:
        """Return what is known about the name or keyword at an offset.

        That is its type or value, and for a call the parameters, multiply-adds, receptive field
        and arithmetic of what it makes, and the page of the manual.
        """
        return self._view.hover(offset)

    def explain(self, offset: int) -> Hover | None:
        """Return what is known about the layer at an offset: of the call around it, or its line.

        That is what ``hover`` returns there, and what it returns for the name that is called.
        """
        return self._view.explain(offset)

    def complete(self, offset: int) -> tuple[Candidate, ...]:
        """Return what can complete the text before an offset."""
        view = self._view
        found = candidates(self.text, offset, self.path, view.names, view.values)
        return tuple({each.label: each for each in reversed([*found])}.values())[::-1]

    def definition(self, offset: int) -> Location | None:
        """Return where the name at an offset is defined: here, in an import or in the library."""
        use = self._view.names.at(offset)
        return None if use is None else use.meaning.definition

    def references(
        self, offset: int, files: Iterable[Path] = (), texts: Mapping[str, str] | None = None
    ) -> tuple[Location, ...]:
        """Return every place in this file and its imports that means what the name here does.

        Then come those in other ``files``, which may import this one; ``texts`` are read instead of
        the files at these paths.
        """
        use = self._view.names.at(offset)
        if use is None:
            return ()
        found = dict.fromkeys(self._view.names.references(use.meaning))
        if use.meaning.declaration is not None and not use.meaning.library:
            others = (file for file in files if file.resolve() != Path(self.path).resolve())
            elsewhere = uses_elsewhere(use.meaning.definition, others, texts or {})
            found |= dict.fromkeys(elsewhere)
        return tuple(found)

    def rename(self, offset: int, name: str) -> Renaming | None:
        """Return the edits that rename what the name at an offset means.

        Calls get a label, ``as old``, where that keeps the names of weights; the remarks say
        which weights get other names. Returns ``None`` where no name is. Raises ``NetlangError``
        for a name that can't be renamed, or not so.
        """
        use = self._view.names.at(offset)
        return None if use is None else renamed(self._view.names, use, name)

    def format(self) -> str | None:
        """Return the text in the standard layout; ``None`` if it has a syntax error."""
        from netlang.syntax.formatting.format import format_file

        view = self._view
        if view.file is None or view.program is None or view.program.syntax_errors is not None:
            return None
        return format_file(view.file)


class Analyser:
    """Finds the facts of one text after another.

    What has not changed is not evaluated again: a net and a train section are kept with the texts
    of all that they use. ``evaluations`` names those that the last text needed.
    """

    def __init__(self, path: str | Path = "untitled.net") -> None:
        self.path = str(path)
        self._evaluator = Evaluator()
        self._exact: Evaluator | None = None
        self._trees = KnownTrees()
        self._calls = KnownCalls()

    @property
    def evaluations(self) -> list[str]:
        """The nets and sections that were evaluated for the last text."""
        return (self._exact or self._evaluator).evaluations

    def analyse(
        self, text: str, texts: Mapping[str, str] | Mapping[Path, str] | None = None
    ) -> Facts:
        """Return the facts of a text; see ``netlang.editor.analyse``."""
        path = Path(self.path)
        try:
            program, current = self._evaluated(text, texts)
        except NetlangError as error:
            whole = unreadable(error.diagnostic, path)
            source = text_source(path, text)
            view = _View(None, [], source.text, self.path)
            return Facts(self.path, source.text, (whole,), Positions(source.text), view)
        source = program.source or text_source(path, text)
        found = (program.syntax_errors or program.diagnostics).sorted()
        problems = tuple(map(problem, found))
        view = _View(program, current, source.text, self.path)
        return Facts(self.path, source.text, problems, Positions(source.text), view)

    def _evaluated(
        self, text: str, texts: Mapping[str, str] | Mapping[Path, str] | None
    ) -> tuple[Program, list[Current]]:
        """Evaluate a text; what earlier versions called of the library is copied.

        A call that is copied took the steps of a version in which others may have come before it.
        So a program that may come near the limit of steps is evaluated without copies.
        """
        program = open_program(self.path, text, texts=texts, editing=True, trees=self._trees)
        if self._exact is None:
            program.known_calls = self._calls
            current = self._evaluator.evaluate(program)
            if not _is_long(program):
                return program, current
            self._exact = Evaluator()
            program = open_program(self.path, text, texts=texts, editing=True, trees=self._trees)
        current = self._exact.evaluate(program)
        if not _is_long(program):
            self._exact = None
        return program, current


def _is_long(program: Program) -> bool:
    return program.budget.spent > program.budget.limit // 2


class _View:
    """A program and its evaluations, from which each fact is computed when it is needed."""

    def __init__(
        self, program: Program | None, current: Sequence[Current], text: str, path: str
    ) -> None:
        self.program = program
        self.current = current
        self.text = text
        self.path = path
        self.file = None if program is None else program.file

    @cached_property
    def names(self) -> Names:
        return Names(self.program or Program(Path(self.path)), self.nodes)

    @cached_property
    def imports(self) -> frozenset[Path]:
        found = set(self.program.modules) if self.program is not None else set[Path]()
        for item in self.file.imports if self.file is not None else ():
            if isinstance(item.module, ast.Str):
                found.add((Path(self.path).parent / item.module.value).resolve())
        return frozenset(found - {Path(self.path).resolve()})

    @cached_property
    def nodes(self) -> Sequence[ast.Node]:
        return tuple(walk(*self.declarations))

    @cached_property
    def values(self) -> dict[tuple[str, int], list[Shown]]:
        return {} if self.program is None else values_of(self.program, self.current)

    @property
    def declarations(self) -> Sequence[ast.Declaration]:
        return self.file.declarations if self.file is not None else ()

    @cached_property
    def hints(self) -> tuple[Hint, ...]:
        meanings: dict[tuple[int, int], Meaning] = {
            (use.start, use.end): use.meaning for use in self.names.uses()
        }
        found = [
            *type_hints(self.nodes, self.values),
            *parameter_hints(self.nodes, meanings),
        ]
        return tuple(sorted(found, key=lambda hint: (hint.offset, hint.kind)))

    @cached_property
    def symbols(self) -> tuple[Symbol, ...]:
        return () if self.file is None else tuple(symbols(self.file, self.values))

    @cached_property
    def tokens(self) -> tuple[SemanticToken, ...]:
        params = [n.name.span for n in self.nodes if isinstance(n, ast.Param)]
        return tuple(tokens(self.names.uses(), params))

    @cached_property
    def lenses(self) -> tuple[Lens, ...]:
        found: list[Lens] = []
        graphs = {each.evaluated.name: each.evaluated.graph for each in self.current}
        for declaration in self.declarations:
            match declaration:
                case ast.Definition(kind="net", name=name, span=span):
                    graph = graphs.get(name.text)
                    if graph is not None and graph.outputs:
                        found.append(Lens(span.start, _counts(graph), "summary", name.text))
                case ast.Train(name=name, span=span) if name.text:
                    found.append(Lens(span.start, "train", "train", name.text))
                case _:
                    pass
        return tuple(found)

    @cached_property
    def _nets(self) -> dict[str, Current]:
        nets = (each for each in self.current if each.evaluated.kind == "net")
        return {each.evaluated.name: each for each in nets}

    @cached_property
    def nets(self) -> tuple[Net, ...]:
        found: list[Net] = []
        for declaration in self.declarations:
            match declaration:
                case ast.Definition(kind="net", name=name, span=span) if name.text:
                    current = self._nets.get(name.text)
                    graph = None
                    if current is not None and not current.failed:
                        graph = whole(current.evaluated.graph)
                    ends = {
                        each.text: Location(self.path, each.span.start, each.span.end)
                        for each in ends_of(declaration)
                    }
                    found.append(Net(name.text, span.start, span.end, graph, ends))
                case _:
                    pass
        return tuple(found)

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        failed = {
            each.evaluated.name: each.failed
            for each in self.current
            if each.evaluated.kind == "train"
        }
        return tuple(
            Section(
                d.name.text,
                d.span.start,
                d.span.end,
                tuple((p.name.text, p.default.span.text if p.default else "") for p in d.params),
                failed.get(d.name.text, True),
            )
            for d in self.declarations
            if isinstance(d, ast.Train) and d.name.text
        )

    def places(self, net: str, node: Node) -> tuple[Location, ...]:
        own = Path(self.path).resolve()
        found = self._nets[net].located(node)
        return tuple(
            Location(self.path if path == own else str(path), span.start, span.end)
            for path, span in found
        )

    def explain(self, offset: int) -> Hover | None:
        here = self.hover(offset)
        callee = called_at(self.nodes, self.text, offset)
        if callee is None or (here is not None and here.start <= callee < here.end):
            return here
        layer = self.hover(callee)
        if layer is None or here is None:
            return layer or here
        return Hover(layer.start, layer.end, joined([here.text, layer.text]))

    def hover(self, offset: int) -> Hover | None:
        use = self.names.at(offset)
        if use is not None:
            values = self.values.get((use.meaning.name, use.meaning.definition.start), ())
            here = use.meaning.definition.path == self.path
            text = use_text(use, values if here else (), self.current, self.path)
            if self._is_setting(use):
                text = joined([text, manual(use.meaning.name) or ""])
            return Hover(use.start, use.end, text) if text else None
        start, end = self._word(offset)
        word = self.text[start:end]
        parts: list[str] = []
        if (values := self.values.get((word, start))) is not None:
            parts.append(value_text(word, values))
        page = manual(word) if word else None
        if page is not None:
            parts.append(page)
        return Hover(start, end, joined(parts)) if parts else None

    def _is_setting(self, use: Use) -> bool:
        """Return whether a name is that of a setting, where a train section sets it."""
        sections = [d for d in self.declarations if isinstance(d, ast.Train)]
        return use.meaning.name in SETTINGS and any(
            target.span.start == use.start
            for section in sections
            for item in section.items
            for target in (item.targets if isinstance(item, ast.Bind) else ())
        )

    def _word(self, offset: int) -> tuple[int, int]:
        """Return the bounds of the name at an offset; elsewhere, both are the offset."""
        start = end = min(offset, len(self.text))
        while start > 0 and (self.text[start - 1].isalnum() or self.text[start - 1] == "_"):
            start -= 1
        while end < len(self.text) and (self.text[end].isalnum() or self.text[end] == "_"):
            end += 1
        return start, end


def _counts(graph: Graph) -> str:
    return f"{grouped(trained(graph))} parameters · {grouped(macs(graph))} MACs"
