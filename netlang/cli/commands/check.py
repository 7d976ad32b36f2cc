"""netlang check"""

from __future__ import annotations

from dataclasses import dataclass, replace

import click

from netlang.analysis.counts import grouped, total, trained
from netlang.cli.arguments import json_option
from netlang.cli.output import colorful, harmless, page_width, print_json, say
from netlang.diagnostics.diagnostic import Diagnostic, Severity
from netlang.diagnostics.errors import NetlangError
from netlang.diagnostics.render import error_to_json, render_all, render_error, to_json
from netlang.evaluate.nets import takes_tensor
from netlang.program import Net, Program, load
from netlang.syntax import ast

EPILOG = """\b
Examples:
  netlang check lenet.net
  netlang check --strict *.net
"""


@click.command(epilog=EPILOG)
@click.argument("files", nargs=-1, required=True)
@click.option("--strict", is_flag=True, help="Take warnings for errors.")
@json_option
def command(files: tuple[str, ...], strict: bool, as_json: bool) -> None:
    """Check programs: names, types, shapes, settings, assertions.

    Every independent mistake is reported with its place and what to do about it.
    """
    checked = [_check(file, strict) for file in files]
    if as_json:
        print_json(_json(checked))
    else:
        for result in checked:
            say(_report(result), painted=True)
    if code := max(result.exit_code for result in checked):
        raise click.exceptions.Exit(code)


@dataclass(frozen=True, slots=True)
class _Checked:
    """A file, what it holds or why it could not be read, and what is wrong in it."""

    file: str
    outcome: Program | NetlangError
    found: list[Diagnostic]

    @property
    def exit_code(self) -> int:
        return (
            self.outcome.exit_code if isinstance(self.outcome, NetlangError) else int(self.failed)
        )

    @property
    def failed(self) -> bool:
        return any(d.severity is Severity.ERROR for d in self.found)


def _check(file: str, strict: bool) -> _Checked:
    try:
        program = load(file)
    except NetlangError as fault:
        return _Checked(file, fault, [])
    found = program.diagnostics.sorted()
    if strict:
        found = [replace(d, severity=Severity.ERROR) for d in found]
    return _Checked(file, program, found)


def _report(checked: _Checked) -> str:
    if isinstance(checked.outcome, NetlangError):
        return render_error(checked.outcome, color=colorful())
    found = checked.found
    parts = [render_all(found, color=colorful(), width=page_width())] if found else []
    if not checked.failed:
        parts.append(f"{harmless(checked.file)}: ok ({', '.join(_contents(checked.outcome))})")
    return "\n\n".join(parts)


def _contents(program: Program) -> list[str]:
    declarations = program.file.declarations if program.file is not None else ()
    kinds = [_kind(d) for d in declarations]
    counted = [(kinds.count(kind), kind) for kind in ("net", "train section")]
    if not any(count for count, _ in counted):
        counted = [(kinds.count(kind), kind) for kind in ("block", "op", "dataset", "constant")]
    contents = [f"{n:,} {kind}{'s' if n > 1 else ''}" for n, kind in counted if n]
    if program.nets:
        weights = total(trained(net.graph) for net in program.nets.values() if _complete(net))
        contents.append(f"{grouped(weights)} parameters")
    return contents or ["nothing in it"]


def _complete(net: Net) -> bool:
    """Tell whether a net has a default for each of its parameters."""
    return all(p.default is not None or takes_tensor(p) for p in net.function.params)


def _kind(declaration: ast.Declaration) -> str:
    match declaration:
        case ast.Definition() | ast.Extern():
            return declaration.kind
        case ast.Train():
            return "train section"
        case ast.Bind():
            return "constant"
        case ast.Assert():
            return "assertion"


def _json(checked: list[_Checked]) -> object:
    diagnostics: list[dict[str, object]] = []
    for result in checked:
        diagnostics += map(to_json, result.found)
        if isinstance(result.outcome, NetlangError):
            diagnostics.append(error_to_json(result.outcome))
    return {"files": list(map(_file_json, checked)), "diagnostics": diagnostics}


def _file_json(checked: _Checked) -> object:
    if isinstance(checked.outcome, NetlangError) or checked.failed:
        return {"file": checked.file, "ok": False, "nets": {}}
    return {"file": checked.file, "ok": True, "nets": _nets(checked.outcome)}


def _nets(program: Program) -> dict[str, object]:
    return {name: _net(net) for name, net in program.nets.items() if _complete(net)}


def _net(net: Net) -> object:
    weights = trained(net.graph)
    return {
        "inputs": {value.name: str(value.type) for value in net.graph.inputs},
        "outputs": {name: str(value.type) for name, value in net.graph.outputs.items()},
        "trainable_parameters": weights if isinstance(weights, int) else str(weights),
    }
