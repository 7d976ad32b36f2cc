"""What a command works on: sound programs, graphs, plans and weights, or the end of the command."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from netlang.cli.output import colorful, page_width, reject, warn
from netlang.diagnostics import rules
from netlang.diagnostics.errors import USAGE, NetlangError

if TYPE_CHECKING:
    from netlang.ir.graph import Graph
    from netlang.plan.section import Plan
    from netlang.program import Program
    from netlang.system.numpy import Array


def valid_program(file: str, *, as_json: bool = False) -> Program:
    """Read a program; end the command with its diagnostics if mistakes are seen at once."""
    from netlang.program import open_program

    loaded = open_program(file)
    if loaded.diagnostics.failed:
        reject(loaded.diagnostics.sorted(), as_json=as_json)
    return loaded


def valid_graph(
    file: str, net: str | None, bind: Mapping[str, int] | None = None, *, as_json: bool = False
) -> Graph:
    """Load the graph of one net of a program, its sizes bound."""
    program = valid_program(file, as_json=as_json)
    chosen = program.net(net)
    try:
        return chosen.bind(bind or {})
    except NetlangError:
        # With other sizes than the file's own, shapes may no longer fit: shown where they meet.
        if program.diagnostics.failed:
            reject(program.diagnostics.sorted(), as_json=as_json)
        raise


def valid_plan(
    program: Program, section: str | None, given: Mapping[str, str], *, as_json: bool = False
) -> Plan:
    """Elaborate a train section; end the command with its mistakes, or show its warnings."""
    plan = program.plan(section, given)
    found = program.diagnostics.sorted()
    if program.diagnostics.failed:
        reject(found, as_json=as_json)
    if found:
        from netlang.diagnostics.render import render_all

        shown = render_all(found, color=colorful(sys.stderr), width=page_width(sys.stderr))
        warn(shown, painted=True)
    return plan


def initial_or_loaded(graph: Graph, weights: str | None, seed: int) -> Mapping[str, Array]:
    """Read the weights of a graph from a file, or draw them where there is none."""
    if weights is None:
        from netlang.ir.initializers import initialize

        return initialize(graph, seed)
    return given_weights(graph, weights)


def given_weights(graph: Graph, file: str) -> Mapping[str, Array]:
    """Read the weights of a graph; warn of numbers that are none."""
    from netlang.storage.weights import load_weights, not_finite, require

    values = load_weights(Path(file))
    require(graph, values)
    for path, count in not_finite(values).items():
        many = "number is" if count == 1 else "numbers are"
        warn(f"warning: {count:,} {many} not finite in the weight `{path}` of {file}")
    return values


def keep_apart(output: str | None, *inputs: str | None) -> None:
    """Refuse an output that would replace one of the inputs."""
    if output is None:
        return
    for given in inputs:
        if given is not None and _same_file(Path(given), Path(output)):
            raise NetlangError(
                rules.OUTPUT_IS_INPUT,
                f"{output} would replace {given}, which it is made from",
                helps=["choose another name for the output"],
                exit_code=USAGE,
            )


def _same_file(one: Path, other: Path) -> bool:
    if one.exists() and other.exists():
        return one.samefile(other)
    return one.resolve() == other.resolve()
