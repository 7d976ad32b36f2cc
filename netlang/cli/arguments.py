"""Arguments and options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, get_args

import click

from netlang.backends import Backend, Provider

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


def permit_python(ctx: click.Context, param: click.Parameter, allowed: bool) -> bool:
    """Let the functions that a program names be called, for the rest of this command."""
    del param
    if allowed:
        from netlang.ops.extern import PYTHON_ALLOWED

        token = PYTHON_ALLOWED.set(True)
        ctx.call_on_close(lambda: PYTHON_ALLOWED.reset(token))
    return allowed


def file_and_net(command: F) -> F:
    """Take ``FILE [NET]``."""
    return click.argument("file")(click.argument("net", required=False)(command))


def file_and_section(command: F) -> F:
    """Take ``FILE [SECTION]``."""
    return click.argument("file")(click.argument("section", required=False)(command))


def seed_option(help: str, *, default: int | None = 0) -> Callable[[F], F]:
    """Take ``--seed 7``; without a default, the program may have a seed of its own."""
    return click.option(
        "--seed", type=click.IntRange(0, 2**63 - 1), default=default, show_default=True, help=help
    )


bind_option = click.option(
    "--bind", "-b", multiple=True, callback=sizes, metavar="NAME=NUMBER",
    help="Fix a size of the inputs or a parameter of the net.",
)  # fmt: skip

set_option = click.option(
    "--set", "given", multiple=True, callback=assignments, metavar="NAME=VALUE",
    help="Set a parameter of the section; repeatable.",
)  # fmt: skip

weights_option = click.option(
    "--weights", "-w", metavar="FILE", help="Take the weights from safetensors or npz."
)

backend_option = click.option(
    "--backend", type=click.Choice(get_args(Backend)), default="onnxruntime", show_default=True,
    help="Compute with this.",
)  # fmt: skip

provider_option = click.option(
    "--provider", type=click.Choice(get_args(Provider)), default="cpu", show_default=True,
    help="Where onnxruntime computes; one that is missing is an error.",
)  # fmt: skip

python_option = click.option(
    "--allow-python", is_flag=True, expose_value=False, callback=permit_python,
    help="Run Python that the program's data and its `extern op`s name.",
)  # fmt: skip

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
