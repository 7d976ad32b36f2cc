"""The command line: finds a command, loads it and runs it."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module

import click

COMMANDS = (
    "new", "check", "fmt", "summary", "profile", "draw", "show", "names", "explain", "compile",
    "import", "run", "verify", "generate", "decode", "nearest", "data", "train", "evaluate", "runs",
    "serve", "lsp",
    "providers", "completion",
)  # fmt: skip

_FOLDERS = {
    "generate": "text", "decode": "text", "nearest": "text", "profile": "tools", "serve": "tools",
    "lsp": "tools", "completion": "tools",
}  # fmt: skip
"""The commands that are in a folder of their own: those on text, and tools."""


def load_command(name: str) -> click.Command:
    """Import a command, which has a module of its own."""
    module = f"{_FOLDERS[name]}.{name}" if name in _FOLDERS else name
    return import_module(f"netlang.cli.commands.{module}").command


class LazyGroup(click.Group):
    """A group that imports a command when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            from netlang.cli.usage import HelpfulUsageError, unknown_command

            helps = unknown_command(name, COMMANDS, args[1:])
            raise HelpfulUsageError(f"no such command '{name}'", helps, ctx)
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = load_command(cmd_name)
        if not gc.isenabled():
            gc.freeze()
            gc.enable()
        return command


def _print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    del param
    if value and not ctx.resilient_parsing:
        from netlang.system.versions import own_version

        click.echo(f"netlang {own_version()}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="netlang COMMAND --help shows examples and options of a command.",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version,
    help="Show the version and exit.",
)  # fmt: skip
@click.pass_context
def program(ctx: click.Context) -> None:
    """Check, count, run and train neural networks written as text, and compile them to ONNX."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
        ctx.exit(2)


def main() -> None:
    """Run the command line of this process."""
    from netlang.cli.guard import guarded
    from netlang.cli.output import prepare_streams

    prepare_streams()
    if "_NETLANG_COMPLETE" in os.environ:
        from netlang.cli.completion import register

        register()
    sys.exit(guarded(program, sys.argv[1:]))
