"""A program: one file, its imports, its nets and train sections."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import (
    DiagnosticError,
    Diagnostics,
    Label,
    diagnostic,
)
from netlang.diagnostics.errors import USAGE, NetlangError
from netlang.diagnostics.source import Source
from netlang.diagnostics.suggestions import did_you_mean, nearest
from netlang.evaluate import nets
from netlang.evaluate.bodies import check_assertion, maker, take_apart
from netlang.evaluate.context.budget import STEPS_PER_LETTER, Budget
from netlang.evaluate.context.frame import Frame, Observer, Run, report
from netlang.evaluate.context.parameter_names import sites_of
from netlang.evaluate.context.values import UNKNOWN, Argued, Function, Object, takes_tensor
from netlang.evaluate.evaluate import evaluate_item
from netlang.evaluate.modules.expansion import reject_expansion
from netlang.evaluate.modules.imports import locate, missing_name, reject_import_cycle
from netlang.evaluate.modules.library import Library
from netlang.evaluate.modules.module import ModuleScope
from netlang.evaluate.types.fitting import fits
from netlang.ir.dims import Size
from netlang.ir.graph import Builder, Graph
from netlang.names.lint import lint
from netlang.syntax import ast
from netlang.syntax.parser import no_definition, parse
from netlang.syntax.reader import read_source, text_source

if TYPE_CHECKING:
    from netlang.evaluate.context.known_calls import KnownCalls
    from netlang.plan.plan import Plan
    from netlang.syntax.reuse import KnownTrees

RECURSION_LIMIT = 30_000
"""Python frames: enough for calls and brackets nested as deep as our own limits allow."""


class UnknownNetError(NetlangError, KeyError):
    """A net that a program does not have; to ``Mapping.get`` it is a missing key."""

    __str__ = Exception.__str__


class Net(Struct, frozen=True):
    """One net of a program."""

    name: str
    function: Function
    program: Program

    @property
    def complete(self) -> bool:
        """Whether each of its parameters has a default."""
        return all(p.default is not None or takes_tensor(p) for p in self.function.params)

    @property
    def graph(self) -> Graph:
        """The graph with default parameters; raises ``NetlangError`` for a net with errors."""
        return self.bind({})

    def bind(self, values: Mapping[str, Object]) -> Graph:
        """Return the graph with sizes or parameters fixed: ``{"H": 224, "classes": 10}``."""
        found = Diagnostics()
        graph = self.build(values, found)
        if graph is None:
            first = next((d for d in found.items if d.is_error), None)
            raise NetlangError(
                first.rule if first is not None else rules.PROGRAM_ERRORS,
                first.message if first is not None else f"`{self.name}` has errors",
                notes=first.notes if first is not None else (),
                helps=(
                    *(first.helps if first is not None else ()),
                    f"see `netlang check {self.program.path}`",
                ),
            )
        return graph

    def build(self, values: Mapping[str, Object], found: Diagnostics) -> Graph | None:
        """Return the graph as ``bind`` does, or ``None`` after errors, which are in ``found``.

        Errors of constants are in the diagnostics of the program.
        """
        self._check_names(values)
        return self.program.build(self.function, values, found)

    def __deepcopy__(self, memo: object) -> Net:
        return self  # nothing can change it

    def _check_names(self, values: Mapping[str, Object]) -> None:
        known = nets.settable(self.function)
        for name in values:
            if name not in known:
                near = nearest(name, known)
                raise NetlangError(
                    rules.UNKNOWN_SIZE,
                    f"`{self.name}` has no size or parameter `{name}`",
                    helps=(
                        f"did you mean `{near}`?"
                        if near is not None
                        else f"it has: {', '.join(sorted(known))}",
                    ),
                    exit_code=USAGE,
                )


class Program(Struct, eq=False):
    """A checked file. ``diagnostics`` holds every error; none is raised."""

    path: Path
    source: Source | None = None
    """The text, where it does not come from the file at ``path``."""
    name: str = ""
    """How messages refer to the program: its path as given."""
    diagnostics: Diagnostics = field(default_factory=Diagnostics)
    file: ast.File | None = None
    nets: dict[str, Net] = field(default_factory=dict[str, Net])
    plans: dict[str, Plan] = field(default_factory=dict[str, "Plan"])
    texts: Mapping[Path, str] = field(default_factory=dict[Path, str])
    """Texts to read instead of files, by their resolved paths."""
    runs: list[Run] | None = None
    """For an editor: the evaluations so far, with the values of their names."""
    net_runs: dict[tuple[object, ...], Run] = field(default_factory=dict[tuple[object, ...], Run])
    """For an editor: the evaluation of each net."""
    syntax_errors: Diagnostics | None = None
    """For an editor: the errors of a file of which only a part parses, which is ``file``."""
    trees: KnownTrees | None = None
    """For an editor: the syntax trees of earlier versions."""
    known_calls: KnownCalls | None = None
    """For an editor: the calls of the library in earlier versions."""
    _modules: dict[Path, ModuleScope] = field(default_factory=dict[Path, ModuleScope])
    _opening: dict[Path, Path] = field(default_factory=dict[Path, Path])
    """The files whose imports are being read, each imported by the one before."""
    _library: Library | None = None
    _main: ModuleScope | None = None
    _building: list[tuple[object, ...]] = field(default_factory=list[tuple[object, ...]])
    _budget: Budget = field(default_factory=Budget)
    _counts: dict[tuple[str, Graph], Size] = field(default_factory=dict[tuple[str, Graph], Size])
    _graphs: dict[tuple[object, ...], tuple[Graph | None, Diagnostics]] = field(
        default_factory=dict[tuple[object, ...], "tuple[Graph | None, Diagnostics]"]
    )

    @property
    def module(self) -> ModuleScope | None:
        """The names of the file; ``None`` where it could not be read or parsed."""
        return self._main

    @property
    def modules(self) -> Mapping[Path, ModuleScope]:
        """The names of the file and of those it imports, by their resolved paths."""
        return self._modules

    @property
    def budget(self) -> Budget:
        """The steps that evaluations have taken, and may take."""
        return self._budget

    def net(self, name: str | None) -> Net:
        """Find a net by name, or the only one; raises ``NetlangError`` otherwise.

        Imported nets have the name that the file gives them; they count where it has no other.
        """
        if name in self.nets:
            return self.nets[name]
        imported = self.imported_nets()
        known = {**self.nets, **imported}
        if name in known:
            return known[name]
        own = self.nets or imported
        if name is None and len(own) == 1:
            return next(iter(own.values()))
        notes = [f"its nets: {', '.join(self.nets) or 'none'}"] if own or name is not None else []
        if imported:
            notes.append(f"imported nets: {', '.join(imported)}")
        if name is None:
            raise NetlangError(
                rules.WHICH_NET,
                f"{self.path} has {len(own) or 'no'} nets: name one of them"
                if own
                else f"{self.path} has no net",
                notes=notes,
                exit_code=USAGE,
            )
        raise UnknownNetError(
            rules.UNKNOWN_NET,
            f"{self.path} has no net `{name}`",
            notes=notes,
            helps=did_you_mean(name, known),
            exit_code=USAGE,
        )

    def imported_nets(self) -> dict[str, Net]:
        """Return the nets that the file imports, by their names in it."""
        names = self._main.imported if self._main is not None else ()
        found: dict[str, Net] = {}
        for name in names:
            function = self._main.function(name) if self._main is not None else None
            if function is not None and function.kind == "net":
                found[name] = Net(name, function, self)
        return found

    @property
    def sections(self) -> dict[str, ast.Train]:
        """The train sections of the file by name."""
        declared = self.file.declarations if self.file is not None else ()
        return {d.name.text: d for d in declared if isinstance(d, ast.Train)}

    def section(self, name: str | None) -> ast.Train:
        """Find a train section by name, or the only one; raises ``NetlangError`` otherwise."""
        sections = self.sections
        if name in sections:
            return sections[name]
        if name is None and len(sections) == 1:
            return next(iter(sections.values()))
        listed = (f"its train sections: {', '.join(sections)}",) if sections else ()
        if name is None:
            many = f"{len(sections)} train sections: name one of them" if sections else ""
            raise NetlangError(
                rules.WHICH_SECTION,
                f"{self.path} has {many or 'no train section'}",
                notes=listed,
                exit_code=USAGE,
            )
        raise NetlangError(
            rules.UNKNOWN_SECTION,
            f"{self.path} has no train section `{name}`",
            notes=listed,
            helps=did_you_mean(name, sections),
            exit_code=USAGE,
        )

    def plan(
        self,
        name: str | None,
        settings: Mapping[str, str] | None = None,
        found: Diagnostics | None = None,
    ) -> Plan | None:
        """Evaluate a train section with texts for some of its parameters.

        Returns ``None`` after errors in the program, which are in ``found``, by default the
        diagnostics of the program; others are raised as ``NetlangError``.
        """
        from netlang.plan.overrides import parameter_values
        from netlang.plan.section import completed, elaborate_train

        decl = self.section(name)
        assert self._main is not None
        values = parameter_values(completed(decl, self._main), settings or {}, self._main)
        self._start_over()
        run = self._run(found)
        try:
            return elaborate_train(decl, self._main, run, values)
        except DiagnosticError as rejected:
            report(Frame(run, self._main), rejected.diagnostic)
            return None

    def __deepcopy__(self, memo: object) -> Program:
        return self  # what is checked and evaluated once is true of every copy

    # ---- building ------------------------------------------------------------------------

    def build(
        self, function: Function, values: Mapping[str, Object], found: Diagnostics
    ) -> Graph | None:
        """Evaluate a net with a budget of its own, unless its graph is known."""
        if _key(function, values) not in self._graphs:
            self._start_over()
        return self._graph_of(function, values, found)

    def observe(
        self,
        function: Function,
        values: Mapping[str, Object],
        observer: Observer,
        builder: Builder,
    ) -> Graph:
        """Evaluate a net without errors again, with a builder, while an observer takes notes."""
        self._start_over()
        run = replace(self._run(Diagnostics()), observer=observer, builder=builder)
        graph = nets.build_net(function, run, values)
        assert graph is not None
        return graph

    def _start_over(self) -> None:
        """Renew the budget, and forget the graphs of values that a caller gave."""
        self._budget = Budget(self._budget.limit)
        self._counts = {}
        self._graphs = {key: known for key, known in self._graphs.items() if len(key) == 1}

    def _graph_of(
        self, function: Function, values: Mapping[str, Object], found: Diagnostics
    ) -> Graph | None:
        """Evaluate a net, once for each choice of parameters; its diagnostics go to ``found``."""
        key = _key(function, values)
        if key in self._building:
            found.report(
                diagnostic(
                    rules.RECURSION,
                    f"`{function.name}` depends on its own counts",
                    function.definition.name.span,
                    "to check this, it must be checked",
                )
            )
            return None
        if key not in self._graphs:
            own = Diagnostics(earlier=self.diagnostics)
            run = self._run(own)
            if self.runs is not None:
                self.net_runs[key] = run
            self._building.append(key)
            try:
                self._graphs[key] = nets.build_net(function, run, values), own
            finally:
                self._building.remove(key)
        graph, own = self._graphs[key]
        for each in own.items:
            found.report(each)
        return graph

    def _run(self, found: Diagnostics | None = None) -> Run:
        found = self.diagnostics if found is None else found
        graph_of = partial(self._graph_of, found=found)
        run = Run(found, graph_of=graph_of, budget=self._budget, counts=self._counts)
        if self.runs is not None:
            run.bound, run.known_calls = [], self.known_calls
            self.runs.append(run)
        return run

    def _run_of_numbers(self) -> Run:
        run = self._run()
        run.tensors = False
        return run

    def read(self) -> None:
        """Parse the file and its imports, and report the errors found without evaluating."""
        try:
            source = self.source or read_source(self.path)
        except DiagnosticError as rejected:
            self.diagnostics.report(rejected.diagnostic)
            return
        self._main = self._module_scope(source, self.path)
        if self._main is None or self.file is None:
            return
        if (empty := no_definition(self.file)) is not None:
            self.diagnostics.report(empty)
        for declaration in self.file.declarations:
            if isinstance(declaration, ast.Definition) and declaration.kind == "net":
                name = declaration.name.text
                function = self._main.find(name)
                if isinstance(function, Function) and function.definition is declaration:
                    self.nets[name] = Net(name, function, self)

    def check(self) -> None:
        """Evaluate everything: constants, nets, assertions, train sections."""
        if self._main is None or self.file is None:
            return
        self.check_constants()
        for net in self.nets.values():
            if net.complete:
                self.check_net(net)
        for declaration in self.file.declarations:
            self.check_declaration(declaration)

    def check_constants(self) -> None:
        """Evaluate the bindings of the file with a new budget: the first part of ``check``."""
        assert self._main is not None and self.file is not None
        self._start_over()
        for declaration in self.file.declarations:
            if isinstance(declaration, ast.Bind):
                names = [t.text for t in declaration.targets if t.text != "_"]
                if names:
                    self._main.find(names[0])
                else:
                    self._constant(self._main, declaration)

    def check_net(self, net: Net) -> Graph | None:
        """Evaluate a net, as ``check`` does; errors are in ``diagnostics``."""
        return self._graph_of(net.function, {}, self.diagnostics)

    def run_of(self, net: Net) -> Run | None:
        """Return the evaluation of a net in a program that was opened for editing."""
        return self.net_runs.get(_key(net.function, {}))

    def remember(self, net: Net, graph: Graph | None, found: Diagnostics) -> None:
        """Take the graph of a net, and its diagnostics, as known."""
        self._graphs[_key(net.function, {})] = graph, found

    def check_declaration(self, declaration: ast.Declaration) -> None:
        """Check what is neither a constant nor a net: an assertion, a train section, …"""
        assert self._main is not None
        frame = Frame(self._run_of_numbers(), self._main)
        try:
            match declaration:
                case ast.Assert():
                    check_assertion(declaration, frame)
                case ast.Train(name=name):
                    from netlang.plan.section import elaborate_train

                    plan = elaborate_train(declaration, self._main, self._run())
                    if plan is not None:
                        self.plans[name.text] = plan
                case ast.Definition(kind="optimizer" | "schedule"):
                    from netlang.plan.definitions import check_definition

                    check_definition(declaration, self._main, self._run())
                case _:
                    pass
        except DiagnosticError as rejected:
            report(frame, rejected.diagnostic)

    # ---- files ---------------------------------------------------------------------------

    def _module_scope(self, source: Source, path: Path) -> ModuleScope | None:
        """Parse a file and collect its names; returns ``None`` after a syntax error."""
        self._budget.limit += STEPS_PER_LETTER * len(source.text)
        first = not self._opening
        file = None if self.trees is None else self.trees.parse(source)
        if file is None:
            file = parse(source, self.diagnostics, partly=first and self.runs is not None)
        if first:
            self.file = file
        if file is None:
            return None
        if first and self.runs is not None and self.diagnostics.failed:
            self.syntax_errors, self.diagnostics = self.diagnostics, Diagnostics()
        if self._library is None:
            self._library = Library(self.diagnostics, self._constant)
        module = ModuleScope(source, self.diagnostics, self._constant, self._library.prelude)
        module.uses = None if self.runs is None else []
        real = _real(path)
        self._modules[real] = module
        self._opening[real] = path
        meant = [each for item in file.imports for each in self._import(item, module, path)]
        del self._opening[real]
        self._declare(file, module)
        for origin, name in meant:
            if module.declaration(name) is None:
                # What a misspelled import means is known: its uses need no errors of their own.
                module.imported.setdefault(name, (origin, name))
        lint(file, module, self.diagnostics)
        return module

    def _declare(self, file: ast.File, module: ModuleScope) -> None:
        for declaration in file.declarations:
            match declaration:
                case ast.Assert():
                    continue
                case ast.Bind(targets=targets):
                    names = targets
                case _:
                    names = (declaration.name,)
            for name in names:
                if name.text == "_":
                    continue
                before = module.declared.get(name.text)
                if before is not None or name.text in module.imported:
                    self._twice(name, before)
                    continue
                module.declared[name.text] = declaration

    def _twice(self, name: ast.Ident, before: ast.Declaration | None) -> None:
        first = ()
        if before is not None and not isinstance(before, ast.Assert):
            span = before.targets[0].span if isinstance(before, ast.Bind) else before.name.span
            first = (Label(span, "first defined here"),)
        self.diagnostics.report(
            diagnostic(
                rules.ALREADY_DEFINED,
                f"`{name.text}` is defined twice",
                name.span,
                "defined again here" if first else "this name is imported above",
                secondary=first,
                helps=("give one of them another name",),
            )
        )

    def _import(
        self, item: ast.Import, module: ModuleScope, path: Path
    ) -> list[tuple[ModuleScope, str]]:
        """Import the names of one file; return those that were meant by misspelled ones."""
        suggested: list[tuple[ModuleScope, str]] = []
        try:
            origin = self._imported(item, path)
        except DiagnosticError as rejected:
            self.diagnostics.report(rejected.diagnostic)
            origin = None
        for name in item.names:
            shown = name.alias or name.name
            local = shown.text
            if local in module.imported:
                self._twice(shown, None)
                continue
            module.imported[local] = None
            if origin is None:
                continue
            if not origin.exports(name.name.text):
                found = missing_name(item, name, origin)
                self.diagnostics.report(found)
                if name.alias is None:
                    suggested += [(origin, fix.edits[0].text) for fix in found.fixes]
                continue
            module.imported[local] = (origin, name.name.text)
        return suggested

    def _imported(self, item: ast.Import, path: Path) -> ModuleScope | None:
        assert self._library is not None
        if isinstance(item.module, tuple):
            return self._library.module(item.module)
        target = locate(item.module, path, self.texts)
        real = _real(target)
        if real in self._opening:
            reject_import_cycle(item.module, [*self._opening.values(), target])
        if real in self._modules:
            return self._modules[real]
        text = self.texts.get(real)
        source = read_source(target) if text is None else text_source(target, text)
        return self._module_scope(source, target)

    def _constant(self, module: ModuleScope, bind: ast.Bind) -> dict[str, Object]:
        """Evaluate a binding in module scope."""
        run = self._run_of_numbers()
        sites = sites_of((), ast.Suite(bind.span, (bind,)), module)
        frame = Frame(run, module, sites=sites.names, labels=sites.labels)
        names = [t.text for t in bind.targets]
        try:
            reject_expansion(bind.value, module, self._budget, bind.value.span)
            value = evaluate_item(bind.value, frame)
            if bind.type is not None:
                at = Argued(value, maker(bind.value).span, bind.value)
                value = fits(at, bind.type, frame, names[0])
            parts = take_apart(value, bind.targets, bind.value.span)
        except DiagnosticError as rejected:
            report(frame, rejected.diagnostic)
            return dict.fromkeys(names, UNKNOWN)
        return dict(zip(names, parts, strict=True))


def _key(function: Function, values: Mapping[str, Object]) -> tuple[object, ...]:
    return id(function.definition), *sorted((name, repr(value)) for name, value in values.items())


def _real(path: Path) -> Path:
    return Path(path).resolve()


def load(path: str | Path) -> Program:
    """Check a file; its errors are in ``diagnostics``, and none is raised."""
    program = open_program(path)
    program.check()
    return program


def open_program(
    path: str | Path,
    text: str | None = None,
    *,
    texts: Mapping[str, str] | Mapping[Path, str] | None = None,
    editing: bool = False,
    trees: KnownTrees | None = None,
) -> Program:
    """Read a file, or a text instead, and evaluate nothing yet.

    Args:
        path: the file, as messages name it.
        text: read instead of the file.
        texts: read instead of the files at these paths, as an editor holds them before they are
            saved: of this file and of those that it imports.
        editing: keep what an editor needs: the part of the file that parses, the values of all
            names, and where they are used.
        trees: what earlier versions of the file were parsed to.
    """
    if sys.getrecursionlimit() < RECURSION_LIMIT:
        sys.setrecursionlimit(RECURSION_LIMIT)
    held = {_real(Path(each)): content for each, content in (texts or {}).items()}
    if text is None and held:
        text = held.get(_real(Path(path)))
    source = None if text is None else text_source(path, text)
    program = Program(Path(path), source, str(path), texts=held, runs=[] if editing else None)
    program.trees = trees
    program.read()
    return program
