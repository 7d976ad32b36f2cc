"""Errors that are found without evaluating anything: names, their uses, recursive calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from netlang.advice.parameters import setting_like
from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostics
from netlang.diagnostics.fix import replacement
from netlang.diagnostics.suggestions import renaming
from netlang.evaluate.context.describe import article_of
from netlang.evaluate.modules.module import ModuleScope
from netlang.names.cycles import report_cycles
from netlang.names.externs import check_columns, check_extern_op
from netlang.names.lookup import Lookup
from netlang.names.scopes import Entry, Scope
from netlang.plan.settings import SETTINGS, STEP_SETTINGS
from netlang.syntax import ast
from netlang.syntax.keywords import PREDEFINED
from netlang.syntax.walk import walk


def lint(file: ast.File, module: ModuleScope, diagnostics: Diagnostics) -> None:
    """Report every static error of a file."""
    checker = _Lint(module, diagnostics)
    for declaration in file.declarations:
        match declaration:
            case ast.Definition():
                checker.definition(declaration)
            case ast.Extern():
                checker.extern(declaration)
            case ast.Train():
                checker.train(declaration)
            case ast.Bind(value=value):
                checker.expr(value, Scope())
            case ast.Assert(condition=condition):
                checker.expr(condition, Scope())
    report_cycles(checker.calls, module, diagnostics)


class _Lint(Lookup):
    """Checks definitions and train sections."""

    def definition(self, d: ast.Definition) -> None:
        self.untyped = d.kind == "net" and any(map(_open, d.params))
        scope = self._signature(d.params)
        if d.kind in PREDEFINED:
            self._rule(d, scope)
        for clause in d.where:
            self.expr(clause, scope)
        self.inside_op = d if d.kind in ("op", *PREDEFINED) else None
        outs = {out.name.text for out in d.outs}
        self.outside = self.calls.setdefault(d.name.text, {})
        if isinstance(d.body, ast.Suite):
            self.statements(d.body.statements, scope, outs)
        else:
            self.expr(d.body, scope)
        self.inside_op, self.outside = None, {}
        for out in d.outs:
            if (entry := scope.entries.get(out.name.text)) is not None:
                self._note(out.name.span, entry)
        self._outs(d.outs, scope, d.params)
        if d.kind == "net":
            self._unused_inputs(d, scope)
        if d.kind == "optimizer" and not scope.entries["gradient"].used:
            self._warn(
                rules.UNUSED_INPUT,
                f"`{d.name.text}` never uses `gradient`",
                d.name.span,
                "the weights would not depend on the loss",
            )

    def _rule(self, d: ast.Definition, scope: Scope) -> None:
        """Check the signature of an optimizer or a schedule, and declare what its body finds."""
        found = PREDEFINED[d.kind]
        taken = {*found, *(GROUP_NAMES if d.kind == "optimizer" else ())}
        for param in d.params:
            name = param.name.text
            if name in taken:
                whose = f"every {d.kind} has" if name not in GROUP_NAMES[1:] else "`group` takes"
                self._reject(
                    rules.ALREADY_BOUND,
                    f"{whose} `{name}` already",
                    param.span,
                    helps=("leave it out of the signature",)
                    if name in found or name == "groups"
                    else ("choose another name",),
                )
            else:
                self._setting_type(d, param)
        body = d.body.statements if isinstance(d.body, ast.Suite) else ()
        for name in (name for statement in body for name in _bound(statement)):
            if name.text in found:
                self._reject(
                    rules.ALREADY_BOUND,
                    f"every {d.kind} has `{name.text}` already",
                    name.span,
                    helps=("choose another name",),
                )
        for out in d.outs if d.kind == "optimizer" else ():
            self._reject(
                rules.UNUSED_SETTING,
                "an optimizer has no outputs",
                out.span,
                helps=("it gives the next weight: `next weight = …`",),
            )
        for name in PREDEFINED[d.kind]:
            scope.entries[name] = Entry(d.name.span, "free")

    def extern(self, d: ast.Extern) -> None:
        scope = self._signature(d.params)
        for clause in d.where:
            self.expr(clause, scope)
        if d.kind == "op":
            self._outs(d.outs, scope, d.params)
            check_extern_op(d, self.diagnostics)
            return
        for out in d.outs:  # the columns of a dataset may introduce sizes
            self._type(out.type, scope, binds=True)
        self._batch(d)
        check_columns(d, self.diagnostics)
        for bind in d.fields:
            self._dataset_field(bind, d, scope)

    def _batch(self, d: ast.Extern) -> None:
        if any(_begins_large(out.type) for out in d.outs):
            from netlang.evaluate.calls.datasets import batch_error

            if (found := batch_error(d)) is not None:
                self.diagnostics.report(found)

    def _dataset_field(self, bind: ast.Bind, dataset: ast.Extern, scope: Scope) -> None:
        from netlang.evaluate.calls.datasets import field_error

        if (found := field_error(bind, dataset)) is not None:
            self.diagnostics.report(found)
        else:
            self.expr(bind.value, scope)

    def _signature(self, params: Sequence[ast.Param]) -> Scope:
        scope = Scope()
        for param in params:
            self._declare(scope, param.name, "param", None)
        for param in params:
            self._type(param.type, scope, binds=True)
        for param in params:
            if param.default is not None:
                self.expr(param.default, scope)
        return scope

    def _outs(self, outs: Sequence[ast.Out], scope: Scope, params: Sequence[ast.Param]) -> None:
        signature = self._signature(params) if any(o.type for o in outs) else scope
        for out in outs:
            self._type(out.type, signature, binds=False)

    def _unused_inputs(self, d: ast.Definition, scope: Scope) -> None:
        outs = {out.name.text for out in d.outs}
        inputs = [param for param in d.params if isinstance(param.type, ast.ShapeType)]
        unread = [
            param
            for param in inputs
            if not scope.entries[param.name.text].used and param.name.text not in outs
        ]
        known = {name for param in inputs if param not in unread for name in _names(param.type)}
        read = set(_names(d.body)) - known if unread else set[str]()
        for param in unread:
            sizes = read.intersection(_names(param.type))
            if not sizes:
                self._warn(
                    rules.UNUSED_INPUT,
                    f"the input `{param.name.text}` is never used",
                    param.name.span,
                    "nothing depends on it",
                )
            # Of two inputs that could give a size, the first one does.
            read -= sizes

    def _setting_type(self, d: ast.Definition, param: ast.Param) -> None:
        """Check that a parameter of an optimizer or a schedule is a setting."""
        name, kind = param.name.text, article_of(d.kind)
        match param.type:
            case None:
                self._reject(
                    rules.UNTYPED_INPUT,
                    f"the parameter `{name}` of {kind} needs a type",
                    param.span,
                    "it is a setting, not a tensor",
                    helps=(
                        f"such as `{name}: schedule`, a learning rate, or `{name}: float = 0.9`",
                    ),
                )
            case ast.ShapeType():
                self._reject(
                    rules.WRONG_TYPE,
                    f"the parameter `{name}` of {kind} can't be a tensor",
                    param.type.span,
                    helps=(f"such as `{name}: float`",),
                )
            case ast.ListType() if d.kind == "optimizer" and _mentions_schedule(param.type):
                self._reject(
                    rules.WRONG_TYPE,
                    "an optimizer takes each learning rate by itself",
                    param.type.span,
                    helps=(f"write `{name}: schedule`, and one more for each other",),
                )
            case _:
                pass

    # ---- training ------------------------------------------------------------------------

    def train(self, t: ast.Train) -> None:
        own, t = t, self._complete(t)
        scope = self._signature(t.params)
        for name in ("batch", "N"):
            scope.entries.setdefault(name, Entry(t.name.span, "free", used=True))
        scope.later = frozenset(
            n.text for s in t.items if isinstance(s, ast.Bind) for n in s.targets
        )
        for item in t.items:
            match item:
                case ast.Bind(targets=targets, value=value):
                    self.expr(value, scope)
                    for target in targets:
                        self._declare(scope, target, "binding", value)
                case ast.Assert(condition=condition):
                    self.expr(condition, scope)
                case ast.Step():
                    self._step(item, scope)
        if any(isinstance(item, ast.Bind) and _named(item) for item in t.items):
            return  # what the loss or the metric is to be computed from has no use yet
        for name, entry in scope.entries.items():
            # What a section takes over from another one may have lost its use.
            if entry.used or name[0] == "_" or not _holds(own, entry):
                continue
            if entry.kind == "binding" and name not in SETTINGS:
                self._unused_setting(name, entry, scope)
            elif entry.kind == "param":
                self._unused_param(name, entry)

    def _complete(self, t: ast.Train) -> ast.Train:
        """Return a section with what it takes over from the one that it is like."""
        if t.like is None:
            return t
        from netlang.evaluate.modules.sections import base_error, complete

        if (found := base_error(t, self.module)) is not None:
            self.diagnostics.report(found)
        return complete(t, self.module)

    def _unused_param(self, name: str, entry: Entry) -> None:
        self._warn(
            rules.UNUSED_INPUT,
            f"the parameter `{name}` is never used",
            entry.span,
            f"`--set {name}=…` would change nothing",
            helps=("use it, or remove it",),
        )

    def _step(self, step: ast.Step, scope: Scope) -> None:
        inner = Scope(scope)
        for bind in step.binds:
            self.expr(bind.value, inner)
            for target in bind.targets:
                self._declare(inner, target, "binding", bind.value)
        for name, entry in inner.entries.items():
            if not entry.used and name not in STEP_SETTINGS and name[0] != "_":
                self._unused_setting(name, entry, inner, STEP_SETTINGS)

    def _unused_setting(
        self, name: str, entry: Entry, scope: Scope, settings: Iterable[str] = SETTINGS
    ) -> None:
        near = setting_like(name, settings)
        if near in scope.entries:
            near = None
        elif name == "dataset" and settings is SETTINGS:
            return  # the keyword is an error already, which says the same
        helps, fixes = (f"the settings are: {', '.join(settings)}",), renaming(entry.span, near)
        if near == "run" and isinstance(entry.value, ast.Int):
            span = entry.span.to(entry.value.span)
            unit = "steps" if "step" in name or "iter" in name else "epochs"
            code = f"run = {entry.value.span.text} {unit}"
            helps, fixes = (f"write `{code}`",), (replacement(span, code),)
        elif near is not None:
            helps = (f"did you mean the setting `{near}`?",)
        self._reject(
            rules.UNUSED_SETTING,
            f"`{name}` is neither a training setting nor used",
            entry.span,
            helps=helps,
            fixes=fixes,
        )


def _holds(section: ast.Train, entry: Entry) -> bool:
    """Return whether a name is from the text of a section itself."""
    span = section.span
    return span.source is entry.span.source and span.start <= entry.span.start < span.end


def _begins_large(type: ast.TypeExpr | None) -> bool:
    """Return whether a shape begins with a name in capitals."""
    first = type.dims[:1] if isinstance(type, ast.ShapeType) else ()
    return any(isinstance(dim, ast.Name) and dim.text.isupper() for dim in first)


def _named(bind: ast.Bind) -> bool:
    """Return whether a loss or metrics are given by name, which is an error."""
    value = bind.value
    items = value.items if isinstance(value, ast.List) else [value]
    functions = isinstance(value, ast.List | ast.Str) and bind.targets[0].text in _COMPUTED
    return functions and any(isinstance(item, ast.Str) for item in items)


_COMPUTED = frozenset({"loss", "metrics"})


GROUP_NAMES = ("groups", "what", "lr_scale")
"""What a parameter of an optimizer can't be called, as its groups could not override it."""


def _bound(statement: ast.Statement) -> tuple[ast.Ident, ...]:
    match statement:
        case ast.Bind(targets=targets):
            return targets
        case ast.State(name=name):
            return (name,)
        case _:
            return ()


def _mentions_schedule(type: ast.TypeExpr) -> bool:
    return any(isinstance(n, ast.NameType) and n.name == "schedule" for n in walk(type))


def _open(param: ast.Param) -> bool:
    """Check whether an input may have dimensions that its type does not name."""
    if not isinstance(param.type, ast.ShapeType):
        return param.type is None
    return any(isinstance(d, ast.Nothing | ast.Unary) for d in param.type.dims)


def _names(node: ast.Node | None) -> list[str]:
    """Return the names in a type or a body, among them the sizes."""
    roots = [node] if node is not None else []
    return [each.text for each in walk(*roots) if isinstance(each, ast.Name)]
