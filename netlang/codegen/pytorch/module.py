"""A whole module of PyTorch: the classes and functions that a net needs, callees first."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from netlang.codegen.pytorch import forward
from netlang.codegen.pytorch.calls import default_text, is_module, ordered
from netlang.codegen.pytorch.constructors import construct
from netlang.codegen.pytorch.printing.comments import comments_of
from netlang.codegen.pytorch.printing.layout import WIDTH, laid_out
from netlang.codegen.pytorch.printing.text import camel, free, literal, text
from netlang.codegen.pytorch.recording import Recording
from netlang.codegen.pytorch.scope import INDENT, Scope, attribute_name, python_name
from netlang.codegen.pytorch.tables.helpers import HELPERS, USES
from netlang.codegen.pytorch.translate import translate
from netlang.codegen.pytorch.units import NoTextError, Shared, SplitError, Unit, agreed, reject
from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import DiagnosticError
from netlang.evaluate.context.frame import Frame
from netlang.evaluate.context.values import Function
from netlang.ir.graph import Graph
from netlang.syntax import ast

MOST_PASSES = 20


class Module:
    """Writes the definitions of a program as they are needed."""

    def __init__(self, net: Function, recording: Recording, graph: Graph) -> None:
        self.recording = recording
        self.net = net
        self.units: dict[int, Unit] = {}
        self.order: list[Unit] = []
        self.names: set[str] = set()
        self.shared = Shared(
            recording,
            self.unit_of,
            comments_of,
            self._locals(),
            dict(graph.params),
            by_path={param.path: param for param in graph.params.values()},
        )

    def _locals(self) -> set[str]:
        found: set[str] = set()
        for frame in self.recording.kept:
            if frame.call is not None and isinstance(
                frame.call.function.definition, ast.Definition
            ):
                found |= set(frame.names)
        return found

    def unit_of(self, found: Sequence[tuple[Frame, Frame]]) -> Unit:
        """Return the class or function that a call of a definition becomes."""
        called = found[0][1]
        if id(called) not in self.units:
            assert called.call is not None
            function = called.call.function
            self._group(function, self.recording.bodies[id(function.definition)], is_net=False)
        units = {id(c): self.units[id(c)] for _, c in found}
        if len({id(unit) for unit in units.values()}) > 1:
            agreed([(f, units[id(c)].name) for f, c in found])
        return self.units[id(called)]

    def _group(self, function: Function, frames: Sequence[Frame], *, is_net: bool) -> None:
        """Write one class for the calls of a definition, or one for each kind of call."""
        pending = [list(frames)]
        while pending:
            group = pending.pop(0)
            try:
                unit = self._unit(function, group, is_net=is_net)
            except SplitError as split:
                parts: dict[object, list[Frame]] = {}
                for frame in group:
                    parts.setdefault(split.kinds.get(id(frame)), []).append(frame)
                if len(parts) < 2:
                    raise _no_form(
                        function, "its calls in a loop differ", "each would need its own class"
                    ) from None
                pending[:0] = parts.values()
                continue
            except NoTextError:
                raise _no_form(
                    function, "netlang cannot write it", "this has no text in Python"
                ) from None
            self.units |= {id(frame): unit for frame in group}
            self.order.append(unit)

    def _unit(self, function: Function, frames: list[Frame], *, is_net: bool) -> Unit:
        is_class = is_net or is_module(function)
        stem = camel(function.name) if is_class else python_name(function.name)
        taken = self.names if is_class else self.names | self.shared.locals
        unit = Unit(function, frames, free(stem, taken), is_class, is_net)
        for _ in range(MOST_PASSES):
            before = unit.state
            unit.lines = self._class(unit) if is_class else self._function(unit)
            if unit.state == before:
                break
        self.names.add(unit.name)
        return unit

    # ---- classes ---------------------------------------------------------------------

    def _class(self, unit: Unit) -> list[str]:
        init = Scope(self.shared, unit, "init", unit.frames, text("self"))
        construct(unit.definition.body, init)
        computing = Scope(self.shared, unit, "forward", unit.frames, text("self"))
        self._body(unit, computing)
        lines = [*comments_of(unit.definition.head), f"class {unit.name}({unit.base}):"]
        doc = _docstring(unit.definition.doc, 4)
        parts = [doc] if doc else []
        constructor = self._constructor(unit, init)
        if constructor:
            parts.append(constructor)
        parts.append(
            [f"def forward({', '.join(self._inputs(unit))}):", *_indented(computing.lines)]
        )
        for i, part in enumerate(parts):
            lines += [""] if i else []
            lines += _indented(part)
        return lines

    def _constructor(self, unit: Unit, init: Scope) -> list[str]:
        needed = unit.values | unit.attributes
        params = ordered([p for p in unit.function.params if p.name.text in needed])
        names = [*unit.sizes.values(), *(self._declared(p, unit) for p in params)]
        body = list(init.lines)
        if not any(line.startswith("super().__init__(") for line in body):
            body.insert(0, "super().__init__()")
        stored = [
            f"self.{attribute_name(p.name.text)} = {python_name(p.name.text)}"
            for p in params
            if p.name.text in unit.attributes
        ]
        at = next(i for i, line in enumerate(body) if line.startswith("super().__init__("))
        body[at + 1 : at + 1] = stored
        if body == ["super().__init__()"]:
            return []
        return [f"def __init__({', '.join(['self', *names])}):", *_indented(body)]

    def _declared(self, param: ast.Param, unit: Unit) -> str:
        name = python_name(param.name.text)
        default = default_text(param)
        if unit.is_net:
            value = unit.frames[0].names[param.name.text].value
            shown = literal(tuple(value) if isinstance(value, list) else value)
            default = str(shown) if shown is not None else default
        return name if default is None else f"{name}={default}"

    def _inputs(self, unit: Unit) -> list[str]:
        params = [
            p
            for p in unit.function.params
            if p.name.text in unit.tensors or (unit.is_net and _is_input(p))
        ]
        shown = [
            python_name(p.name.text) + (f"={d}" if (d := default_text(p)) is not None else "")
            for p in ordered(params)
        ]
        states = [s.name.text for s in _states(unit.definition)] if unit.is_net else []
        return ["self", *shown, *(f"{name}=None" for name in states)]

    # ---- functions -------------------------------------------------------------------

    def _function(self, unit: Unit) -> list[str]:
        scope = Scope(self.shared, unit, "function", unit.frames, text("self"))
        self._body(unit, scope)
        used = unit.tensors | unit.values
        params = ordered([p for p in unit.function.params if p.name.text in used])
        names = [self._declared(p, unit) for p in params]
        if unit.training:
            names.append("training=False")
        if unit.device:
            names.append("device=None")
        doc = _docstring(unit.definition.doc, 4)
        lines = comments_of(unit.definition.head)
        return [*lines, f"def {unit.name}({', '.join(names)}):", *_indented([*doc, *scope.lines])]

    # ---- bodies ----------------------------------------------------------------------

    def _body(self, unit: Unit, scope: Scope) -> None:
        """Write what a definition computes, and return it."""
        definition = unit.definition
        states = _states(definition) if unit.is_net else []
        for state in states:
            self._start(state, scope)
        if isinstance(definition.body, ast.Suite):
            forward.statements(definition.body.statements, scope)
            outs = [self._result(out.name.text, scope) for out in definition.outs]
            outs += [self._next(state.name.text, scope) for state in states]
            shown = ", ".join(outs)
        else:
            shown = str(translate(definition.body, scope))
        last = scope.lines[-1] if scope.lines else ""
        if last.startswith(f"{shown} = "):
            scope.lines[-1] = f"return {last.removeprefix(f'{shown} = ')}"
        else:
            scope.emit(f"return {shown}")
        scope.lines[:0] = self._unpacked(unit)

    def _result(self, name: str, scope: Scope) -> str:
        named = scope.find(name)
        if named is not None:
            return str(named.text)
        return str(scope.parameter(name))

    def _next(self, name: str, scope: Scope) -> str:
        named = scope.find(f"{name}_next") or scope.find(name)
        assert named is not None
        return str(named.text)

    def _start(self, state: ast.State, scope: Scope) -> None:
        name = scope.bind(state.name.text, None)
        assert isinstance(state.type, ast.ShapeType)
        sizes = [translate(d, scope) for d in state.type.dims if not isinstance(d, ast.Rest)]
        value = translate(state.value, scope)
        scope.nest(
            f"if {name} is None:",
            [f"{name} = torch.full(({', '.join(sizes)}), {value}, device={scope.device()})"],
        )

    def _unpacked(self, unit: Unit) -> list[str]:
        """Return lines that read symbolic sizes off the tensors."""
        left = set(unit.unpacked)
        lines: list[str] = []
        for param in unit.function.params:
            type = param.type
            while isinstance(type, ast.OptionalType):
                type = type.inner
            if not isinstance(type, ast.ShapeType) or not left:
                continue
            names = [d.text if isinstance(d, ast.Name) else "" for d in type.dims]
            here = [n for n in names if n in left]
            if not here:
                continue
            unit.tensors.add(param.name.text)
            lines += _read_sizes(python_name(param.name.text), type, set(here))
            left -= set(here)
        return lines

    # ---- the whole -------------------------------------------------------------------

    def text(self) -> str:
        """Return the module: imports, numbers, functions and classes."""
        net = self.recording.kept[0]
        name = self.net.name
        self._group(self.net, [net], is_net=True)
        intro = f'"""The network `{name}` in PyTorch, compiled by netlang."""'
        blocks: list[list[str]] = []
        helpers = dict(self.shared.helpers)
        for name in list(helpers):
            for other in USES.get(name, ()):
                helpers[other] = None
        blocks += [
            laid_out(HELPERS[name].strip("\n").split("\n")) for name in HELPERS if name in helpers
        ]
        blocks += [laid_out(unit.lines) for unit in self.order]
        body = "\n\n\n".join("\n".join(block) for block in blocks)
        used: list[str] = []
        for constant in self.shared.constants.values():
            used += comments_of(constant.declared.span, docs=True)
            used.append(f"{constant.name} = {constant.value}")
        parts = [intro, _imports(body + "\n".join(used))]
        if used:
            parts.append("\n".join(laid_out(used)))
        return "\n\n".join(parts) + "\n\n\n" + body + "\n"


def _no_form(function: Function, why: str, label: str) -> DiagnosticError:
    head = function.definition.head
    return reject(
        rules.NO_PYTORCH_FORM,
        f"`{function.name}` has no form in PyTorch: {why}",
        head,
        label,
        "compile the net to ONNX: `--target onnx`",
    )


def _is_input(param: ast.Param) -> bool:
    return isinstance(param.type, ast.ShapeType)


def _states(definition: ast.Definition) -> list[ast.State]:
    if not isinstance(definition.body, ast.Suite):
        return []
    return [s for s in definition.body.statements if isinstance(s, ast.State)]


def _read_sizes(name: str, type: ast.ShapeType, wanted: set[str]) -> list[str]:
    dims = list(type.dims)
    rest = next((i for i, d in enumerate(dims) if isinstance(d, ast.Rest)), None)
    parts = [(dims, "shape")]
    if rest is not None:
        parts = [
            (dims[:rest], f"shape[:{rest}]"),
            (dims[rest + 1 :], f"shape[{rest + 1 - len(dims)}:]"),
        ]
    lines: list[str] = []
    for entries, shown in parts:
        names = [
            python_name(d.text) if isinstance(d, ast.Name) and d.text in wanted else "_"
            for d in entries
        ]
        found = [n for n in names if n != "_"]
        if not found:
            continue
        if len(found) == 1:
            at = names.index(found[0])
            index = at if entries is dims or entries == dims[:rest] else at - len(entries)
            lines.append(f"{found[0]} = {name}.shape[{index}]")
        else:
            lines.append(f"{', '.join(names)} = {name}.{shown}")
    return lines


def _indented(lines: Sequence[str]) -> list[str]:
    return [INDENT + line if line else line for line in lines]


def _docstring(doc: str, indent: int) -> list[str]:
    """Return the description of a definition as a docstring, without examples in the language."""
    paragraphs = [p for p in doc.strip("\n").split("\n\n") if not p.startswith("e.g. ")]
    lines: list[str] = []
    for paragraph in paragraphs:
        shown = paragraph.replace("\\", "\\\\").replace('"""', "'''").split("\n")
        if not any(line.startswith(" ") for line in shown):
            shown = wrap(" ".join(shown), WIDTH - indent - 6)
        lines += ["", *shown] if lines else shown
    if not lines:
        return []
    if len(lines) == 1 and not lines[0].endswith('"'):
        return [f'"""{lines[0]}"""']
    return [f'"""{lines[0]}', *lines[1:], '"""']


def _imports(body: str) -> str:
    lines = ["import math", ""] if "math." in body else []
    lines += ["import torch"] if "torch." in body else []
    lines += ["import torch.nn.functional as F"] if "F." in body else []
    lines += ["from torch import nn"]
    return "\n".join(lines)
