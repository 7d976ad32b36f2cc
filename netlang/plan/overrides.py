"""Values for the parameters of a train section from the command line."""

from __future__ import annotations

from collections.abc import Mapping

from netlang.advice.parameters import our_parameter
from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import DiagnosticError, Diagnostics
from netlang.diagnostics.errors import USAGE, NetlangError
from netlang.diagnostics.source import Source
from netlang.diagnostics.suggestions import nearest
from netlang.evaluate.context.frame import Frame, Run
from netlang.evaluate.context.values import UNKNOWN, Object
from netlang.evaluate.evaluate import evaluate
from netlang.evaluate.modules.module import ModuleScope
from netlang.syntax import ast
from netlang.syntax.parser import parse


def parameter_values(
    decl: ast.Train, given: Mapping[str, str], module: ModuleScope
) -> dict[str, Object]:
    """Evaluate ``NAME=TEXT`` for parameters of a section; the texts are of the language.

    Raises ``NetlangError`` for a name the section does not have and a text that is not a value. A
    parameter that is a string takes the text as it stands.
    """
    params = {param.name.text: param for param in decl.params}
    values: dict[str, Object] = {}
    for name, text in given.items():
        if name not in params:
            near = _meant(name, params)
            listed = ", ".join(f"`{p}`" for p in params)
            own = name.rpartition(".")[2]  # `optimizer.lr` is not a name
            raise NetlangError(
                rules.UNKNOWN_PARAMETER,
                f"the train section `{decl.name.text}` has no parameter `{name}`",
                notes=(f"it has {listed}" if listed else "it has none",),
                helps=(
                    f"did you mean `{near}`?"
                    if near is not None
                    else f"make it a parameter, `train {decl.name.text}({own}: … = …)`, "
                    f"and write `{own}` where its value is used",
                ),
                exit_code=USAGE,
            )
        type = params[name].type
        if isinstance(type, ast.NameType) and type.name == "str" and not text.startswith('"'):
            values[name] = text
        else:
            values[name] = _evaluated(params[name], text, module)
    return values


def _meant(name: str, params: Mapping[str, ast.Param]) -> str | None:
    """Return the parameter that is meant: spelled or named a little differently."""
    ours = our_parameter(name, params)
    return ours if ours in params else nearest(name, params)


def _evaluated(param: ast.Param, text: str, module: ModuleScope) -> Object:
    name = param.name.text
    found = Diagnostics()
    file = parse(Source("--set", f"value = {text}"), found)
    value: Object = UNKNOWN
    if file is not None and len(file.declarations) == 1:
        run = Run(found)
        run.tensors = False
        bind = file.declarations[0]
        assert isinstance(bind, ast.Bind)
        try:
            value = evaluate(bind.value, Frame(run, module))
        except DiagnosticError as rejected:
            found.report(rejected.diagnostic)
    if value is UNKNOWN:
        first = found.items[0] if found.items else None
        raise NetlangError(
            rules.BAD_VALUE,
            f"`{name}={text}`: {first.message if first is not None else 'this is not a value'}",
            helps=(f"the program declares `{' '.join(param.span.text.split())}`",),
            exit_code=USAGE,
        )
    return value
