"""Train sections: every setting is checked, and becomes a record, before anything runs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from netlang.advice.parameters import setting_like
from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import DiagnosticError, Diagnostics, Label, diagnostic
from netlang.evaluate.bodies import check_assertion, run_bind
from netlang.evaluate.builtins.metrics import inner_labels, metric_names
from netlang.evaluate.calls.binding import bind_arguments
from netlang.evaluate.context.budget import BudgetError
from netlang.evaluate.context.frame import CallSite, Frame, Run, reject, report
from netlang.evaluate.context.parameter_names import sites_of
from netlang.evaluate.context.values import (
    UNKNOWN,
    Argued,
    Examples,
    Function,
    Layer,
    Object,
    Results,
)
from netlang.evaluate.modules.module import ModuleScope
from netlang.ir.dims import symbol
from netlang.ir.graph import Value
from netlang.plan.build import build_plan
from netlang.plan.cautions import warn
from netlang.plan.checks import setting
from netlang.plan.definitions import check_rates
from netlang.plan.plan import Plan
from netlang.plan.records import UnknownValueError
from netlang.plan.settings import SETTINGS, STEP_SETTINGS
from netlang.syntax import ast
from netlang.syntax.walk import walk

_REQUIRED = ("data", "run")


class _Section(Struct):
    decl: ast.Train
    frame: Frame
    settings: dict[str, Object] = field(default_factory=dict[str, Object])
    steps: dict[str, dict[str, Object]] = field(default_factory=dict[str, "dict[str, Object]"])
    metrics: list[str] = field(default_factory=list[str])
    batch: dict[str, Value] = field(default_factory=dict[str, Value])
    incomplete: bool = False

    def run(self) -> None:
        if not any(
            isinstance(i, ast.Bind) and i.targets[0].text == "data" for i in self.decl.items
        ):
            # That `data` is missing is reported once, at the end.
            self.frame.bind("batch", UNKNOWN, self.decl.name.span)
        for item in self.decl.items:
            try:
                self._item(item)
            except BudgetError as exhausted:
                report(self.frame, exhausted.diagnostic)
                return
            except DiagnosticError as rejected:
                report(self.frame, rejected.diagnostic)
        self._complete()

    def _item(self, item: ast.Bind | ast.Step | ast.Assert) -> None:
        match item:
            case ast.Assert():
                check_assertion(item, self.frame)
            case ast.Step():
                self._step(item)
            case ast.Bind(targets=targets):
                self._set(item, self.frame, SETTINGS, self.settings)
                match targets[0].text:
                    case "metrics":
                        values = self.settings["metrics"]
                        count = len(values) if isinstance(values, list) else 0
                        self.metrics = metric_names(item.value, count)
                        for error in inner_labels(item.value):
                            report(self.frame, error)
                    case "data":
                        self._open_batch(self.frame.names["data"].value)
                    case "valid":
                        self._same_columns(item)
                    case _:
                        pass

    def _set(
        self, bind: ast.Bind, frame: Frame, known: Collection[str], given: dict[str, Object]
    ) -> None:
        """Evaluate a binding; check it where it is a setting."""
        names = [target.text for target in bind.targets if target.text in known]
        given.update(dict.fromkeys(names, UNKNOWN))
        run_bind(bind, frame)
        for name in names:
            if len(bind.targets) > 1:
                reject(
                    rules.UNUSED_SETTING,
                    f"the setting `{name}` needs a line of its own",
                    bind.span,
                    helps=(f"such as `{name} = …`",),
                )
            given[name] = setting(name, frame.names[name].value, bind, frame)

    def _open_batch(self, data: Object) -> None:
        """Bind `batch` to the columns of the data, with N in front."""
        if not isinstance(data, Examples):
            self.frame.bind("batch", UNKNOWN, self.decl.span)
            return
        builder = self.frame.run.builder
        self.batch = {
            name: builder.fresh(f"batch.{name}", type) for name, type in data.columns.items()
        }
        self.frame.bind("batch", Results(self.batch), self.decl.span)

    def _same_columns(self, bind: ast.Bind) -> None:
        data, valid = self.settings.get("data"), self.settings.get("valid")
        if not isinstance(data, Examples) or not isinstance(valid, Examples):
            return
        if data.columns == valid.columns:
            return
        sized = data.columns.keys() == valid.columns.keys()
        reject(
            rules.COLUMNS_DIFFER,
            "`valid` doesn't have the same columns as `data`",
            bind.value.span,
            _columns(valid),
            notes=(f"`data` has {_columns(data)}",),
            helps=("every expression is evaluated again on `valid`: give both the same final size",)
            if sized
            else (),
        )

    def _step(self, step: ast.Step) -> None:
        inner = self.frame.inner("train", "")
        given: dict[str, Object] = {}
        for bind in step.binds:
            try:
                self._set(bind, inner, STEP_SETTINGS, given)
            except BudgetError:
                raise
            except DiagnosticError as rejected:
                report(inner, rejected.diagnostic)
        name = step.name.text
        if name in self.steps:
            steps = (item for item in self.decl.items if isinstance(item, ast.Step))
            first = next(other for other in steps if other.name.text == name)
            reject(
                rules.ALREADY_BOUND,
                f"there is a step `{name}` already",
                step.name.span,
                "a second step of this name",
                secondary=(Label(first.name.span, "the first is here"),),
                helps=("give each step a name of its own",),
            )
        self.steps[name] = given
        missing = [name for name in ("loss", "update", "optimizer") if name not in given]
        self._require(missing, f"step `{name}`", step.name, step.binds, STEP_SETTINGS)

    def _complete(self) -> None:
        """Check that nothing is missing, and that a section with steps leaves updates to them."""
        wanted = list(_REQUIRED) if self._uses_batch() else ["run"]
        if not self.steps:
            wanted += ["loss", "optimizer"]
        missing = [name for name in wanted if name not in self.settings]
        binds = [item for item in self.decl.items if isinstance(item, ast.Bind)]
        name = self.decl.name
        self._require(missing, f"train section `{name.text}`", name, binds, SETTINGS)
        for target in (target for bind in binds for target in bind.targets):
            if self.steps and target.text in SETTINGS and target.text in STEP_SETTINGS:
                found = diagnostic(
                    rules.UNUSED_SETTING,
                    f"`{target.text}` has no effect in a section with steps",
                    target.span,
                    f"each step has its own `{target.text}`",
                    helps=("move it into a step",),
                )
                report(self.frame, found)

    def _require(
        self, missing: Sequence[str], what: str, at: ast.Ident, binds: Iterable[ast.Bind],
        known: Collection[str],
    ) -> None:  # fmt: skip
        """Report settings that are missing, unless a misspelled one explains it."""
        if not missing:
            return
        self.incomplete = True
        if self._explained(binds, known):
            return
        shown = " and ".join(f"`{name}`" for name in missing)
        helps = tuple(_EXAMPLES[name] for name in missing if name != "update")
        if "update" in missing:
            helps = (*helps, self._updates(binds))
        message = f"the {what} has no {shown}"
        report(self.frame, diagnostic(rules.MISSING_SETTING, message, at.span, helps=helps))

    def _updates(self, binds: Iterable[ast.Bind]) -> str:
        """Return which layers a step may update: those that its loss depends on by name."""
        layers = [n for n, slot in self.frame.names.items() if isinstance(slot.value, Layer)]
        loss = (node for bind in binds if bind.targets[0].text == "loss" for node in walk(bind))
        used = {node.text for node in loss if isinstance(node, ast.Name)}
        near = [name for name in layers if name in used] or layers or ["model"]
        if len(near) == 1:
            return f"such as `update = [{near[0]}]`"
        return f"list what it changes: {' or '.join(f'`update = [{name}]`' for name in near)}"

    def _explained(self, binds: Iterable[ast.Bind], known: Collection[str]) -> bool:
        """Return whether a reported error may be a misspelled setting, the one that is missing."""
        return self.frame.run.diagnostics.failed and _misspelled(binds, known)

    def plan(self) -> Plan | None:
        """Return the records of the settings; ``None`` after an error that is known already."""
        if self.incomplete:
            return None
        bound = {name: slot.value for name, slot in self.frame.names.items()}
        try:
            return build_plan(
                self.decl.name.text,
                self.settings,
                self.steps,
                self.metrics,
                self.frame.run,
                self.batch,
                bound,
            )
        except UnknownValueError:
            return None
        except DiagnosticError as rejected:
            report(self.frame, rejected.diagnostic)
            return None

    def _uses_batch(self) -> bool:
        return any(isinstance(n, ast.Name) and n.text == "batch" for n in walk(self.decl))


_EXAMPLES = {
    "data": 'such as `data = fashion_mnist("train") |> batches(256, shuffle=true)`',
    "run": "such as `run = 10 epochs`",
    "loss": "such as `loss = cross_entropy(logits, batch.label)`",
    "optimizer": "such as `optimizer = sgd(0.1)`",
}


def _misspelled(binds: Iterable[ast.Bind], known: Collection[str]) -> bool:
    """Return whether a name is close to a setting, which may then be the one that is missing."""
    names = [target.text for bind in binds for target in bind.targets]
    return any(name not in known and setting_like(name, known) is not None for name in names)


def _columns(examples: Examples) -> str:
    return ", ".join(f"{name}: {type}" for name, type in examples.columns.items())


def elaborate_train(
    decl: ast.Train, module: ModuleScope, run: Run, values: dict[str, Object] | None = None
) -> Plan | None:
    """Check a train section; errors go to the run's diagnostics, and there is no plan."""
    run.training = True
    if decl.like is None:
        return _elaborate(decl, module, run, values or {})
    from netlang.evaluate.modules.sections import base_error

    if base_error(decl, module) is not None:
        return None  # reported with the names of the file
    before = len(run.diagnostics.items)
    plan = _elaborate(completed(decl, module), module, run, values or {})
    _say_where(run.diagnostics, before, decl)
    return plan


def completed(decl: ast.Train, module: ModuleScope) -> ast.Train:
    """Return a section with what it takes over from the one that it is like."""
    if decl.like is None:
        return decl
    from netlang.evaluate.modules.sections import complete

    return complete(decl, module)


def _say_where(found: Diagnostics, before: int, decl: ast.Train) -> None:
    """Add to each error in a line of another section that it is one of this section."""
    for at in range(before, len(found.items)):
        each = found.items[at]
        own, like = decl.span, decl.like
        if like is None or each.span.source is not own.source:
            continue
        if not own.start <= each.span.start < own.end:
            note = f"in the train section `{decl.name.text}`, which is like `{like.text}`"
            found.items[at] = replace(each, notes=(*each.notes, note))


def _elaborate(
    decl: ast.Train, module: ModuleScope, run: Run, values: dict[str, Object]
) -> Plan | None:
    frame = Frame(run, module, kind="train")
    frame.bind("N", symbol("N"), decl.name.span)
    _bind_params(decl, module, frame, values)
    frame.sites, frame.labels = _sites(decl, module)
    section = _Section(decl, frame)
    before = len(run.diagnostics.items)
    section.run()
    if any(d.is_error for d in run.diagnostics.items[before:]):
        return None
    plan = section.plan()
    if plan is None:
        return None
    warn(plan, decl, frame)
    check_rates(plan, frame)
    failed = any(d.is_error for d in run.diagnostics.items[before:])
    return None if failed else plan


def _sites(decl: ast.Train, module: ModuleScope) -> tuple[dict[int, str], dict[int, str]]:
    binds: list[ast.Statement] = []
    for item in decl.items:
        match item:
            case ast.Bind():
                binds.append(item)
            case ast.Step(binds=inner):
                binds.extend(inner)
            case ast.Assert():
                pass
    sites = sites_of(decl.params, ast.Suite(decl.span, tuple(binds)), module)
    return sites.names, sites.labels


def _bind_params(
    decl: ast.Train, module: ModuleScope, frame: Frame, values: dict[str, Object]
) -> None:
    definition = ast.Definition(
        decl.span,
        "op",
        decl.name,
        decl.params,
        (),
        (),
        ast.Suite(decl.span, ()),
        decl.doc,
        decl.head,
    )
    function = Function(definition, module)
    inner = Frame(frame.run, module, kind="train", names=frame.names)
    inner.call = CallSite(function, {}, decl.head, frame)
    for param in decl.params:
        if param.default is None and param.name.text not in values:
            reject(
                rules.MISSING_ARGUMENT,
                f"the parameter `{param.name.text}` of a train section needs a default",
                param.span,
                helps=(f"write `{param.span.text} = …`",),
            )
    given = {name: Argued(value, decl.head) for name, value in values.items()}
    bind_arguments(function, given, inner)
