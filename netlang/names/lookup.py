"""Look up every name of statements and expressions before anything is evaluated."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import partial
from itertools import count
from typing import Unpack

from msgspec import Struct, field

from netlang.advice.parameters import element_suggestion, type_like
from netlang.advice.tables import definitions
from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import (
    Diagnostics,
    Label,
    Parts,
    Severity,
    diagnostic,
)  # fmt: skip
from netlang.diagnostics.fix import Edit, Fix
from netlang.diagnostics.rules import Rule
from netlang.diagnostics.source import Span
from netlang.diagnostics.suggestions import Suggestion, nearest, renaming
from netlang.evaluate.builtins.conditions import FILTER, compared_columns, is_filter
from netlang.evaluate.calls.unknown import advice, unknown_name
from netlang.evaluate.context.describe import article_of
from netlang.evaluate.context.parameter_names import ELEMENTS
from netlang.evaluate.modules.module import ModuleScope
from netlang.evaluate.types.fitting import TYPE_NAMES
from netlang.names.scopes import Entry, Kind, Scope
from netlang.syntax import ast
from netlang.syntax.keywords import FOREIGN_VALUES, RESERVED, capitalized
from netlang.syntax.walk import children, walk


class Lookup(Struct):
    """Looks up the names of a file, and reports unknown and unused ones."""

    module: ModuleScope
    diagnostics: Diagnostics
    inside_op: ast.Definition | None = None
    untyped: bool = False
    """Whether an input without a type may have an unknown dimension."""
    calls: dict[str, dict[str, Span]] = field(default_factory=dict[str, dict[str, Span]])
    """For each definition, the names of the module that its body uses, and where."""
    outside: dict[str, Span] = field(default_factory=dict[str, Span])
    """The entry of ``calls`` to which names are added."""

    def _note(self, span: Span, entry: Entry | None) -> None:
        """For an editor: record a use of a name, and the span that defines it."""
        if self.module.uses is not None:
            self.module.uses.append((span, None if entry is None else entry.span))

    # ---- types --------------------------------------------------------------------------

    def _type(self, type: ast.TypeExpr | None, scope: Scope, *, binds: bool) -> None:
        """Mark the names in a type as used; with ``binds``, capitalized names become dimensions."""
        for node in walk(*([type] if type is not None else [])):
            if isinstance(node, ast.NameType) and node.name not in TYPE_NAMES:
                self._unknown_type(node)
            if not isinstance(node, ast.ShapeType):
                continue
            if node.element.text not in ELEMENTS:
                self._reject(
                    rules.UNKNOWN_TYPE,
                    f"I don't know the element type `{node.element.text}`",
                    node.element.span,
                    **element_suggestion(node.element.span),
                )
            for dim in node.dims:
                if isinstance(dim, ast.Rest):
                    self._rest(dim, scope, binds=binds)
                    continue
                for part in walk(dim):
                    if binds and isinstance(part, ast.Name) and part.text[0].isupper():
                        scope.entries.setdefault(part.text, Entry(part.span, "dim", used=True))
                if isinstance(dim, ast.Name) and not self._finds(dim.text, dim.span, scope):
                    self._unknown_size(dim.text, dim.span, scope, binds=binds)
                else:
                    self.expr(dim, scope)

    def _rest(self, dim: ast.Rest, scope: Scope, *, binds: bool) -> None:
        if dim.name is None:
            return
        if binds:
            scope.entries.setdefault(dim.name.text, Entry(dim.name.span, "dim", used=True))
        if (entry := scope.find(dim.name.text)) is not None:
            self._note(dim.name.span, entry)

    def _unknown_type(self, type: ast.NameType) -> None:
        near = type_like(type.name, TYPE_NAMES)
        helps, fixes = (f"did you mean `{near}`?",), renaming(type.span, near)
        if type.name in ELEMENTS:
            shaped = f"{type.name}[]"
            helps = (f"a tensor has a shape: `{shaped}` is one number, `{type.name}[8]` are eight",)
            fixes = ()
        self._reject(
            rules.UNKNOWN_TYPE,
            f"I don't know the type `{type.name}`",
            type.span,
            helps=helps if near is not None or type.name in ELEMENTS else (),
            fixes=fixes,
        )

    # ---- statements ---------------------------------------------------------------------

    def statements(
        self, body: Sequence[ast.Statement], scope: Scope, outs: Iterable[str] = ()
    ) -> None:
        scope.later = frozenset(t.text for s in body if isinstance(s, ast.Bind) for t in s.targets)
        self._strays(body, scope)
        for statement in body:
            match statement:
                case ast.Bind(targets=targets, type=type, value=value):
                    self.expr(value, scope)
                    self._type(type, scope, binds=False)
                    for target in targets:
                        self._declare(scope, target, "binding", value)
                case ast.Next(name=name, value=value):
                    self.expr(value, scope)
                    if (entry := scope.find(name.text)) is not None:
                        self._note(name.span, entry)
                case ast.Yield(value=value):
                    self.expr(value, scope)
                case ast.State(name=name, type=type, value=value):
                    self.expr(value, scope)
                    self._type(type, scope, binds=False)
                    self._declare(scope, name, "free", None)
                case ast.Assert(condition=condition):
                    self.expr(condition, scope)
        wanted = set(outs)
        several = (s for s in body if isinstance(s, ast.Bind) and len(s.targets) > 1)
        unpacked = {target.text for bind in several for target in bind.targets}
        for name, entry in scope.entries.items():
            if entry.kind == "binding" and not entry.used and name not in wanted and name[0] != "_":
                self._unused(name, entry, part=name in unpacked)

    def _strays(self, body: Sequence[ast.Statement], scope: Scope) -> None:
        """Declare the names of each stray `next`, which the syntax check reports."""
        states = {s.name.text for s in body if isinstance(s, ast.State)}
        for statement in body:
            if isinstance(statement, ast.Next):
                name = statement.name
                if name.text not in states and scope.find(name.text) is None:
                    scope.entries[name.text] = Entry(name.span, "free", used=True)

    def _declare(self, scope: Scope, name: ast.Ident, kind: Kind, value: ast.Expr | None) -> None:
        before = scope.entries.get(name.text)
        if before is None or name.text == "_":
            used = name.text in scope.early
            entry = scope.entries[name.text] = Entry(name.span, kind, value, used)
            self._note(name.span, entry)
            return
        before.used = True
        if kind == "param":
            return  # the syntax check has reported it
        number = next(n for n in count(2) if scope.find(f"{name.text}{n}") is None)
        note = "a name denotes one value"
        if (
            value is not None
            and before.value is not None
            and self._owns(value)
            and self._owns(before.value)
        ):
            note += (
                ", and also names the parameters that were created for it: both lines\n"
                f"would own `{name.text}.weight`"
            )
        new = f"{name.text}{number}"

        def suggestion() -> Suggestion:
            from netlang.names.order import given_two_names

            helps = (f"give this value a name of its own, such as `{new}`",)
            return {"helps": helps, "fixes": given_two_names(name.span, new, self.module)}

        self._reject(
            rules.ALREADY_BOUND,
            f"`{name.text}` already has a value",
            name.span,
            "bound again here",
            secondary=(Label(before.span, "first bound here"),),
            notes=(note,),
            suggestion=suggestion,
        )

    def _owns(self, expr: ast.Expr) -> bool:
        return any(isinstance(n, ast.Name) and self.module.owns(n.text) for n in walk(expr))

    def _unused(self, name: str, entry: Entry, *, part: bool) -> None:
        if part:
            self._warn(
                rules.UNUSED_BINDING, f"`{name}` is never used", entry.span,
                "taken out of several values, but nothing depends on it",
                helps=("write `_` for a value you don't need",), fixes=renaming(entry.span, "_"),
            )  # fmt: skip
            return
        owns = entry.value is not None and self._owns(entry.value)
        on_purpose = renaming(entry.span, f"_{name}")

        def suggestion() -> Suggestion:
            from netlang.names.order import removed

            without = removed(entry.span, self.module)
            helps = (f"did you forget to pass it on? If it's on purpose, name it `_{name}`",)
            fixes = (*without, *(() if without and owns else on_purpose))
            return {"helps": helps, "fixes": fixes}

        self._warn(
            rules.UNUSED_BINDING,
            f"`{name}` is never used",
            entry.span,
            "computed here, but nothing depends on it",
            notes=("its parameters would never be trained",) if owns else (),
            suggestion=suggestion,
        )

    # ---- expressions --------------------------------------------------------------------

    def expr(self, root: ast.Expr, scope: Scope) -> None:
        """Look up every name of an expression."""
        stack: list[ast.Node] = [root]
        columns = set[int]()
        while stack:
            node = stack.pop()
            match node:
                case ast.Name() if id(node) in columns:
                    pass  # whether there is such a column is known once the data are
                case ast.Name():
                    self._use(node.text, node.span, scope)
                case ast.New(path=path, args=args):
                    self._use(path[0].text, path[0].span, scope, new=True)
                    self._called(path[-1])
                    stack.extend(reversed(args))
                case ast.Field(value=ast.Name(text=text) as value, name=name) if self._is_module(
                    text, scope
                ):
                    self._module(value, name, scope)
                case ast.Field(value=value) | ast.Label(value=value) | ast.Argument(value=value):
                    stack.append(value)
                case ast.Index(value=ast.Name(text=text), items=items) if text in ELEMENTS:
                    stack.extend(reversed(items))
                case ast.For():
                    self._loop(node, scope)
                case ast.Str(value=text) if (named := scope.find(text)) is not None:
                    named.used = True  # quotes around a name are reported where it is used
                case ast.Comprehension():
                    self._comprehension(node, scope)
                case ast.Call(callee=ast.Name() as callee, args=args):
                    self._called(callee)
                    stack.extend(reversed(children(node)))
                    if callee.text == FILTER and self._filters(scope):
                        columns.update(map(id, compared_columns(args)))
                case ast.Pipe(stages=stages):
                    for stage in stages:
                        if isinstance(stage, ast.Name):
                            self._called(stage)
                    stack.extend(reversed(children(node)))
                case _:
                    stack.extend(reversed(children(node)))

    def _filters(self, scope: Scope) -> bool:
        """Return whether the name of the filter of examples has its own meaning."""
        return scope.find(FILTER) is None and is_filter(self.module.function(FILTER))

    def _is_layer(self, name: str, kinds: Collection[str] = ("block", "net")) -> bool:
        """Return whether a name may follow `new`, or is of one of the ``kinds``."""
        function = self.module.function(name)
        return function is not None and function.kind in kinds

    def _is_module(self, name: str, scope: Scope) -> bool:
        """Check whether a name before a dot is a module of another framework."""
        unknown = scope.find(name) is None and not self.module.knows(name)
        return unknown and name in definitions().modules

    def _module(self, value: ast.Name, name: ast.Ident, scope: Scope) -> None:
        notes, helps, meant = advice(name.text, scope.names() | self.module.visible())
        if self.module.knows(name.text):
            meant = name.text
            helps = (f"layers are called by their names alone: `{meant}(…)`",)
        whole = Span(name.span.source, value.span.start, name.span.end)
        self._reject(
            rules.UNKNOWN_NAME,
            f"I don't know `{value.text}`",
            value.span,
            "netlang has no such modules",
            notes=notes,
            helps=helps or ("layers are called by their names alone: `conv(…)`, `relu(…)`",),
            fixes=renaming(whole, meant if meant is not None and meant.isidentifier() else None),
        )

    def _finds(self, name: str, span: Span, scope: Scope) -> bool:
        """Mark a name as used; return whether it is known, or reported for another reason."""
        entry = scope.find(name)
        if entry is not None:
            entry.used = True
            self._note(span, entry)
            return True
        self.outside[name] = span
        if self.module.knows(name) or name in ELEMENTS:
            self._note(span, None)
            return True
        if name in FOREIGN_VALUES or name in RESERVED:
            return True  # the parser rejected it
        outer: Scope | None = scope
        while outer is not None and name not in outer.later:
            outer = outer.parent
        if outer is not None:
            outer.early.add(name)
            self._reject(
                rules.USED_EARLY,
                f"`{name}` is used before it gets its value",
                span,
                "its line comes later",
                suggestion=partial(self._order, span),
            )
        return outer is not None

    def _order(self, use: Span) -> Suggestion:
        from netlang.names.order import moved_up

        helps = ("put the line that makes it before this one",)
        return {"helps": helps, "fixes": moved_up(use, self.module)}

    def _use(self, name: str, span: Span, scope: Scope, *, new: bool = False) -> None:
        if self._finds(name, span, scope):
            return
        if name[0].isupper() and len(name) <= 2:
            self._unknown_dimension(name, span, scope)
            return

        def visible() -> set[str]:
            names = scope.names() | self.module.visible()
            if new:
                return {each for each in names if self._is_layer(each)}
            # Where a batch is, a net is made with `new`, and called by the name of that.
            if scope.find("batch") is None:
                return names
            return {each for each in names if not self._is_layer(each, ("net",))}

        found = unknown_name(name, span, visible, scope.names)
        if not self.diagnostics.crowded:
            near = scope.find(nearest(name, visible(), scope.names()) or "")
            if near is not None:
                near.used = True  # it is meant, although misspelled
            from netlang.names.elsewhere import elsewhere

            found = self.diagnostics.completed(found)
            found = elsewhere(found, self.module) or found
        self.diagnostics.report(found)

    def _unknown_size(self, name: str, span: Span, scope: Scope, *, binds: bool) -> None:
        """Report an unknown name in a shape; no layer or op is meant there."""
        capital = capitalized(name) or "N"
        if capital == name:
            self._use(name, span, scope)
            return
        constants = {n for n, d in self.module.declared.items() if isinstance(d, ast.Bind)}
        known = {*scope.names(), *constants, *self.module.imported}
        near = None if self.diagnostics.crowded else nearest(name, known)
        helps = (f"a dimension has a capital letter: `{capital}`",)
        scope.entries[name] = Entry(span, "dim", used=True)  # reported once
        self._reject(
            rules.UNKNOWN_NAME,
            f"I don't know `{name}`",
            span,
            "not a dimension, a parameter or a constant",
            helps=(f"did you mean `{near}`?",) if near is not None else helps,
            fixes=self._renamed_everywhere(span, capital if near is None and binds else near),
        )

    def _renamed_everywhere(self, span: Span, name: str | None) -> tuple[Fix, ...]:
        """Return the fix that renames a size in all of the definition it is in."""
        around = (
            d for d in self.module.declared.values() if d.span.start <= span.start < d.span.end
        )
        wrong = {
            node.span: Edit(node.span, name or "")
            for node in walk(*around)
            if isinstance(node, ast.Name) and node.text == span.text
        }
        edits = tuple(wrong.values()) or (Edit(span, name or ""),)
        return () if name is None else (Fix(f"rename `{span.text}` to `{name}`", edits),)

    def _unknown_dimension(self, name: str, span: Span, scope: Scope) -> None:
        if self.untyped:
            return
        known = [n for n, e in scope.entries.items() if e.kind == "dim"]
        near = self._free_dimension(span, known)
        self._reject(
            rules.UNKNOWN_DIMENSION,
            f"the dimension `{name}` isn't given by any input",
            span,
            "no input has a dimension of this name",
            notes=(
                "a name with a capital letter is a dimension: it gets its value from the shape of "
                f"an input,\nand here the inputs have: {', '.join(known) or 'none'}",
            ),
            helps=(
                f"did you mean `{near}`?"
                if near is not None
                else f"use one of these, or give an input the dimension `{name}`"
                if known
                else f"give an input the dimension `{name}`",
            ),
            fixes=self._renamed_everywhere(span, near),
        )

    def _free_dimension(self, span: Span, known: Sequence[str]) -> str | None:
        """Return the dimension that is meant by an unknown one: the one that is not used yet."""
        around = [d for d in self.module.declared.values() if isinstance(d, ast.Definition)]
        own = next((d for d in around if d.span.start <= span.start < d.span.end), None)
        after = walk(*own.outs, own.body) if own is not None else ()
        used = {node.text for node in after if isinstance(node, ast.Name)}
        free = [dim for dim in known if dim not in used]
        return free[0] if len(free) == 1 else None

    def _loop(self, node: ast.For, scope: Scope) -> None:
        self.expr(node.source, scope)
        for carry in node.carries:
            self.expr(carry.value, scope)
        inner = Scope(scope)
        for name in node.names:
            self._declare(inner, name, "loop", None)
        for carry in node.carries:
            self._declare(inner, carry.name, "loop", None)
        gives = node.carries or any(isinstance(s, ast.Yield) for s in node.body)
        # A loop without a result is reported as such; everything in it is unused.
        self.statements(node.body, inner, () if gives else _bound(node.body))

    def _comprehension(self, node: ast.Comprehension, scope: Scope) -> None:
        self.expr(node.source, self._before_clauses(node, scope))
        inner = Scope(scope)
        for name in node.names:
            self._declare(inner, name, "loop", None)
        self.expr(node.body, inner)
        if node.condition is not None:
            self.expr(node.condition, inner)

    def _before_clauses(self, node: ast.Comprehension, scope: Scope) -> Scope:
        """Return the scope of a clause, in which the names of later ones are reported as such."""
        later = Scope(scope)
        clause = node
        while clause.nested and isinstance(clause.body, ast.Comprehension):
            clause = clause.body
            names = {name.text: name for name in clause.names}
            for use in walk(node.source):
                if not isinstance(use, ast.Name) or use.text not in names:
                    continue
                if later.find(use.text) is not None or self.module.knows(use.text):
                    continue
                later.entries[use.text] = Entry(use.span, "loop", used=True)
                written = f"for {', '.join(names)} in {clause.source.span.text}"
                self._reject(
                    rules.USED_EARLY,
                    f"`{use.text}` belongs to a later clause",
                    use.span,
                    "each clause sees the names of those before it",
                    helps=(f"put `{written}` before this clause",),
                )
        return later

    def _called(self, callee: ast.Name | ast.Ident) -> None:
        """Reject a block called by an op, which has no parameters."""
        if self.inside_op is None:
            return
        if any(p.name.text == callee.text for p in self.inside_op.params):
            return
        function = self.module.function(callee.text)
        if function is None or not (
            function.kind in ("block", "net") or self.module.owns(callee.text)
        ):
            return
        op, kind = self.inside_op.name.text, article_of(self.inside_op.kind)
        self._reject(
            rules.OP_CALLS_BLOCK,
            f"`{op}` is {kind}, and can't call the {function.kind} `{callee.text}`",
            callee.span,
            "this creates parameters" if self.module.owns(callee.text) else "this is a block",
            secondary=(Label(self.inside_op.name.span, f"{kind} has no parameters"),),
            helps=(f"make it a block: `block {op}(…)`",) if kind == "an op" else (),
        )

    # ---- reporting ----------------------------------------------------------------------

    def _reject(
        self,
        rule: Rule,
        message: str,
        span: Span,
        label: str = "",
        *,
        severity: Severity = Severity.ERROR,
        **parts: Unpack[Parts],
    ) -> None:
        self.diagnostics.report(diagnostic(rule, message, span, label, severity=severity, **parts))

    def _warn(
        self, rule: Rule, message: str, span: Span, label: str, **parts: Unpack[Parts]
    ) -> None:
        self._reject(rule, message, span, label, severity=Severity.WARNING, **parts)


def _bound(body: Sequence[ast.Statement]) -> list[str]:
    return [t.text for s in body if isinstance(s, ast.Bind) for t in s.targets]
