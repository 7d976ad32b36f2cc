"""Arguments that several commands share, and what they stand for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from netlang.cli.output import colorful, page_width, refuse, warn
from netlang.faults import USAGE, Fault

if TYPE_CHECKING:
    from netlang.elaborate.training import Plan
    from netlang.ir.graph import Graph
    from netlang.numeric import Array
    from netlang.program import Program

F = TypeVar("F", bound=Callable[..., Any])


def assignments(
    ctx: click.Context, param: click.Parameter, given: tuple[str, ...]
) -> dict[str, str]:
    """Read ``NAME=VALUE`` arguments; each name once."""
    values: dict[str, str] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not (name and sign and value):
            raise click.BadParameter(f"`{text}` is not of the form NAME=VALUE", ctx, param)
        if name in values:
            raise click.BadParameter(f"`{name}` is given twice", ctx, param)
        values[name] = value
    return values


def sizes(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> dict[str, int]:
    """Read ``NAME=NUMBER`` arguments."""
    numbers: dict[str, int] = {}
    for name, value in assignments(ctx, param, given).items():
        digits = value.replace("_", "").removeprefix("-")
        if not (digits.isascii() and digits.isdecimal() and len(digits) < 20):
            raise click.BadParameter(f"`{name}={value}`: {value} is not a number", ctx, param)
        numbers[name] = int(value.replace("_", ""))
    return numbers


def file_and_net(command: F) -> F:
    """Take ``FILE [NET]``."""
    return _all(click.argument("file"), click.argument("net", required=False))(command)


def bind_option(command: F) -> F:
    """Take ``--bind H=224``, any number of times."""
    return click.option(
        "--bind", "-b", multiple=True, callback=sizes, metavar="NAME=NUMBER",
        help="Fix a size of the inputs or a parameter of the net.",
    )(command)  # fmt: skip


def json_option(command: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def seed_option(command: F) -> F:
    return click.option(
        "--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True,
        help="Start the weights from this seed.",
    )(command)  # fmt: skip


def weights_option(command: F) -> F:
    return click.option(
        "--weights", "-w", metavar="FILE", help="Take the weights from safetensors or npz."
    )(command)


def permit_python(ctx: click.Context, param: click.Parameter, allowed: bool) -> bool:
    """Let the functions that a program names be called, for the rest of this command."""
    del param
    if allowed:
        from netlang.ops.foreign import PYTHON_ALLOWED

        token = PYTHON_ALLOWED.set(True)
        ctx.call_on_close(lambda: PYTHON_ALLOWED.reset(token))
    return allowed


def python_option(command: F) -> F:
    """Take ``--allow-python``."""
    return click.option(
        "--allow-python", is_flag=True, expose_value=False, callback=permit_python,
        help="Run Python that the program's `extern op`s name.",
    )(command)  # fmt: skip


def sound_program(file: str, *, as_json: bool = False) -> Program:
    """Read a program; end the command with its diagnostics if mistakes are seen at once."""
    from netlang.program import open_program

    loaded = open_program(file)
    if loaded.diagnostics.failed:
        refuse(loaded.diagnostics.sorted(), as_json=as_json)
    return loaded


def sound_graph(
    file: str, net: str | None, bind: Mapping[str, int] | None = None, *, as_json: bool = False
) -> Graph:
    """Load the graph of one net of a program, its sizes bound."""
    program = sound_program(file, as_json=as_json)
    chosen = program.net(net)
    try:
        return chosen.bind(bind or {})
    except Fault:
        # With other sizes than the file's own, shapes may no longer fit: shown where they meet.
        if program.diagnostics.failed:
            refuse(program.diagnostics.sorted(), as_json=as_json)
        raise


def sound_plan(
    program: Program, section: str | None, given: Mapping[str, str], *, as_json: bool = False
) -> Plan:
    """Elaborate a train section; end the command with its mistakes, or show its warnings."""
    plan = program.plan(section, given)
    found = program.diagnostics.sorted()
    if program.diagnostics.failed:
        refuse(found, as_json=as_json)
    if found:
        from netlang.render import render_all

        warn(render_all(found, color=colorful(sys.stderr), width=page_width(sys.stderr)))
    return plan


def initial_or_given(graph: Graph, weights: str | None, seed: int) -> Mapping[str, Array]:
    """Read the weights of a graph from a file, or draw them where there is none."""
    if weights is None:
        from netlang.initial import initialize

        return initialize(graph, seed)
    return given_weights(graph, weights)


def given_weights(graph: Graph, file: str) -> Mapping[str, Array]:
    """Read the weights of a graph; warn of numbers that are none."""
    from netlang.weights import load_weights, not_finite, require

    values = load_weights(Path(file))
    require(graph, values)
    for path, count in not_finite(values).items():
        many = "number is" if count == 1 else "numbers are"
        warn(f"warning: {count:,} {many} not finite in the weight `{path}` of {file}")
    return values


def keep_apart(output: str | None, *inputs: str | None) -> None:
    """Refuse an output that would replace one of the inputs."""
    if output is None or not Path(output).exists():
        return
    for given in inputs:
        if given is not None and Path(given).exists() and Path(given).samefile(output):
            raise Fault(
                "output-is-input",
                f"{output} would replace {given}, which it is made from",
                helps=["choose another name for the output"],
                exit_code=USAGE,
            )


def _all(*decorators: Callable[[F], F]) -> Callable[[F], F]:
    def apply(command: F) -> F:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return apply
