"""netlang check"""

from __future__ import annotations

import click
from msgspec import Struct
from msgspec.structs import replace

import netlang
from netlang.analysis.counts import grouped, total
from netlang.cli.arguments import PROGRAMS, json_option
from netlang.cli.arguments import command as make_command
from netlang.cli.output import colorful, echo, escape, page_width, print_json
from netlang.diagnostics.diagnostic import Diagnostic, Severity
from netlang.diagnostics.errors import NetlangError
from netlang.diagnostics.render import render, render_all, to_json
from netlang.syntax import ast

EXAMPLES = """
netlang check lenet.net
netlang check --strict *.net
"""


@make_command(EXAMPLES)
@click.argument("files", nargs=-1, required=True, shell_complete=PROGRAMS)
@click.option("--strict", is_flag=True, help="Treat warnings as errors.")
@json_option
def command(files: tuple[str, ...], strict: bool, as_json: bool) -> None:
    """Check programs: names, types, shapes, settings and assertions.

    Every independent error is reported with its location and what to do about it.
    """
    checked = [_check(file, strict) for file in files]
    if as_json:
        print_json(_json(checked))
    else:
        for result in checked:
            echo(_report(result), styled=True)
    if code := max(result.exit_code for result in checked):
        raise click.exceptions.Exit(code)


class _Checked(Struct, frozen=True):
    """A file, its program or why it could not be read, and the diagnostics of the program."""

    file: str
    outcome: netlang.Program | NetlangError
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
        program = netlang.load(file)
        found = list(program.diagnostics)
    except NetlangError as error:
        return _Checked(file, error, [])
    if strict:
        found = [replace(d, severity=Severity.ERROR) for d in found]
    return _Checked(file, program, found)


def _report(checked: _Checked) -> str:
    if isinstance(checked.outcome, NetlangError):
        return render(checked.outcome.diagnostic, color=colorful())
    found = checked.found
    parts = [render_all(found, color=colorful(), width=page_width())] if found else []
    if not checked.failed:
        parts.append(f"{escape(checked.file)}: ok ({', '.join(_contents(checked.outcome))})")
    return "\n\n".join(parts)


def _contents(program: netlang.Program) -> list[str]:
    file = program.checked.file
    kinds = [_kind(d) for d in (file.declarations if file is not None else ())]
    counted = [(kinds.count(kind), kind) for kind in ("net", "train section")]
    if not any(count for count, _ in counted):
        rest = ("block", "op", "optimizer", "schedule", "dataset", "constant")
        counted = [(kinds.count(kind), kind) for kind in rest]
    contents = [f"{n:,} {kind}{'s' if n > 1 else ''}" for n, kind in counted if n]
    if program:
        count = total(network.trainable_parameters for network in _complete(program))
        contents.append(f"{grouped(count)} parameters")
    return contents or ["nothing in it"]


def _complete(program: netlang.Program) -> list[netlang.Network]:
    """Return the nets that have a default for each of their parameters."""
    return [program[name] for name, net in program.checked.nets.items() if net.complete]


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
            diagnostics.append(to_json(result.outcome.diagnostic))
    return {"files": list(map(_file_json, checked)), "diagnostics": diagnostics}


def _file_json(checked: _Checked) -> object:
    if isinstance(checked.outcome, NetlangError) or checked.failed:
        return {"file": checked.file, "ok": False, "nets": {}}
    nets = {network.name: _net(network) for network in _complete(checked.outcome)}
    return {"file": checked.file, "ok": True, "nets": nets}


def _net(network: netlang.Network) -> object:
    count = network.trainable_parameters
    return {
        "inputs": {value.name: str(value.type) for value in network.graph.inputs},
        "outputs": {name: str(value.type) for name, value in network.graph.outputs.items()},
        "trainable_parameters": count if isinstance(count, int) else str(count),
    }
