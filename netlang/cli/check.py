"""netlang check"""

from __future__ import annotations

from dataclasses import replace

import click

from netlang.analysis.counts import total, trained
from netlang.cli.arguments import json_option
from netlang.cli.output import colorful, exit_code, grouped, page_width, say, say_json
from netlang.diagnostics import Diagnostic, Severity
from netlang.elaborate.nets import takes_tensor
from netlang.program import Net, Program, load
from netlang.render import render_all, to_json
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
    checked = [(file, load(file)) for file in files]
    found = {file: _diagnostics(program, strict) for file, program in checked}
    if as_json:
        say_json(_json(checked, found))
    else:
        for file, program in checked:
            say(_report(file, program, found[file]))
    if code := max(map(exit_code, found.values())):
        raise click.exceptions.Exit(code)


def _diagnostics(program: Program, strict: bool) -> list[Diagnostic]:
    found = program.diagnostics.sorted()
    return [replace(d, severity=Severity.ERROR) for d in found] if strict else found


def _report(file: str, program: Program, found: list[Diagnostic]) -> str:
    parts = [render_all(found, color=colorful(), width=page_width())] if found else []
    if not exit_code(found):
        parts.append(f"{file}: ok ({', '.join(_contents(program))})")
    return "\n\n".join(parts)


def _contents(program: Program) -> list[str]:
    declarations = program.file.declarations if program.file else ()
    kinds = [_kind(d) for d in declarations]
    counted = [(kinds.count(kind), kind) for kind in ("net", "train section")]
    if not any(count for count, _ in counted):
        counted = [(kinds.count(kind), kind) for kind in ("block", "op", "dataset", "constant")]
    contents = [f"{n:,} {kind}{'s' if n > 1 else ''}" for n, kind in counted if n]
    if program.nets:
        weights = total(trained(net.graph) for net in program.nets.values() if _complete(net))
        contents.append(f"{grouped(weights)} weights")
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


def _json(checked: list[tuple[str, Program]], found: dict[str, list[Diagnostic]]) -> object:
    return {
        "files": [
            {
                "file": file,
                "ok": not exit_code(found[file]),
                "nets": {} if exit_code(found[file]) else _nets(program),
            }
            for file, program in checked
        ],
        "diagnostics": [to_json(d) for diagnostics in found.values() for d in diagnostics],
    }


def _nets(program: Program) -> dict[str, object]:
    return {name: _net(net) for name, net in program.nets.items() if _complete(net)}


def _net(net: Net) -> object:
    weights = trained(net.graph)
    return {
        "inputs": {value.name: str(value.type) for value in net.graph.inputs},
        "outputs": {name: str(value.type) for name, value in net.graph.outputs.items()},
        "params": weights if isinstance(weights, int) else str(weights),
    }
