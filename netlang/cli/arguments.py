"""Commands whose help begins with examples, and the arguments and options they share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, get_args

import click

from netlang.backends import LOWER, Backend
from netlang.diagnostics.suggestions import did_you_mean

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from netlang.api.network import Network
    from netlang.api.program import Program
    from netlang.backends.providers import Placement
    from netlang.matching.loading import Dialect

F = TypeVar("F", bound=Callable[..., Any])


class Command(click.Command):
    """A command whose help shows examples before the options."""

    def __init__(self, *args: Any, examples: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples.strip().splitlines()

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_help_text(ctx, formatter)
        with formatter.section("Examples"):
            for example in self.examples:
                formatter.write(f"  {example}\n")


def command(examples: str, details: str | None = None) -> Callable[[Callable[..., None]], Command]:
    """Make a command from a function, whose docstring is the help text.

    ``examples`` has one call on each line; ``details`` follow the options.
    """
    return click.command("command", cls=Command, examples=examples, epilog=details)


def completes(
    what: str, *details: str
) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem[str]]]:
    """Return what completes a parameter in a shell; see ``netlang.cli.completion.suggestions``."""

    def complete(
        ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem[str]]:
        del param
        from netlang.cli.completion import suggestions

        return suggestions(what, details, ctx, incomplete)

    return complete


PROGRAMS = completes("files", ".net")
WEIGHTS = completes("files", ".safetensors", ".npz")


def assignments(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    """Parse ``NAME=VALUE`` arguments; each name once."""
    found: dict[str, str] = {}
    for text in values:
        name, sign, value = text.partition("=")
        if not (name and sign and value):
            _reject_assignment(ctx, param, text)
        if name in found:
            raise click.BadParameter(f"`{name}` is given twice", ctx, param)
        found[name] = value
    return found


def _reject_assignment(ctx: click.Context, param: click.Parameter, text: str) -> NoReturn:
    from netlang.cli.usage import HelpfulUsageError

    option, form = param.opts[0], param.metavar or "NAME=VALUE"
    name = text.partition("=")[0]
    helps = [f"write `{option} {name}=…`, with `=` and no space"] if name.isidentifier() else []
    opts = " / ".join(f"'{opt}'" for opt in param.opts)
    message = f"invalid value for {opts}: `{text}` is not of the form {form}"
    raise HelpfulUsageError(message, helps, ctx)


def files(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Parse ``NAME=FILE`` arguments; a file without a name is stored under an empty one."""
    unnamed = [text for text in values if "=" not in text and "." in text]
    found = assignments(ctx, param, tuple(text for text in values if text not in unnamed))
    return {**found, "": unnamed[0]} if unnamed else found


def numbers(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> dict[str, float | bool]:
    """Parse ``NAME=NUMBER`` arguments, of parameters that may be ``true`` or ``false``."""
    found: dict[str, float | bool] = {}
    for name, value in assignments(ctx, param, values).items():
        number = {"true": True, "false": False}.get(value, _number(value))
        if number is None:
            raise click.BadParameter(f"`{name}={value}`: {value} is not a number", ctx, param)
        found[name] = number
    return found


def _number(text: str) -> float | None:
    """Return a number as a program has it; ``None`` for another text, or one out of range."""
    digits = text.replace("_", "").removeprefix("-")
    if digits.isascii() and digits.isdecimal() and len(digits) < 20:
        return int(text.replace("_", ""))
    if not digits.isascii() or not digits[:1].isdecimal() or len(digits) > 40:
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None


def permit_python(ctx: click.Context, param: click.Parameter, allowed: bool) -> bool:
    """Allow the functions that a program names to be called, for the rest of this command."""
    del param
    if allowed:
        import netlang

        ctx.with_resource(netlang.allow_python())
    return allowed


file_argument = click.argument("file", shell_complete=PROGRAMS)


def file_and_net(function: F) -> F:
    """Add the arguments ``FILE [NET]``; the file may be an ONNX model."""
    net = click.argument("net", required=False, shell_complete=completes("nets"))
    return click.argument("file", shell_complete=completes("files", ".net", ".onnx"))(net(function))


def file_and_section(function: F) -> F:
    """Add the arguments ``FILE [SECTION]``."""
    section = click.argument("section", required=False, shell_complete=completes("sections"))
    return file_argument(section(function))


def is_section(program: Program, name: str | None) -> bool:
    """Return whether a name is that of a train section, or more like one than like a net."""
    sections = program.checked.sections
    if name is None:
        return not program and len(sections) > 0
    if name in program or name in program.checked.imported_nets():
        return False
    return name in sections or bool(did_you_mean(name, sections))


def seed_option(help: str, *, default: int | None = 0) -> Callable[[F], F]:
    """Add ``--seed``; without a default, the program may have a seed of its own."""
    return click.option(
        "--seed", type=click.IntRange(0, 2**63 - 1), default=default, show_default=True, help=help
    )


bind_option = click.option(
    "--bind", "-b", multiple=True, callback=numbers, metavar="NAME=NUMBER",
    help="Fix a symbolic size of the inputs or a parameter of the net. Repeatable.",
)  # fmt: skip

depth_option = click.option(
    "--depth", "-d", type=click.IntRange(1), metavar="N",
    help="Merge layers whose paths share the first N names. Default: what fits on a page.",
)  # fmt: skip

set_option = click.option(
    "--set", "settings", multiple=True, callback=assignments, metavar="NAME=VALUE",
    help="Set a parameter of the section. Repeatable.",
)  # fmt: skip


def sweeps(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> dict[str, list[str]]:
    """Parse ``NAME=VALUE,VALUE,...`` arguments; each name once, and each with a value."""
    from netlang.api.sweeps import split_values

    found = {n: split_values(text) for n, text in assignments(ctx, param, values).items()}
    for name, listed in found.items():
        if not listed:
            raise click.BadParameter(f"there are no values for `{name}`", ctx, param)
    return found


weights_option = click.option(
    "--weights", "-w", metavar="FILE", shell_complete=WEIGHTS,
    help="Load the parameters from a safetensors or npz file.",
)  # fmt: skip

from_option = click.option(
    "--from", "dialect", type=click.Choice(["netlang", "torch", "auto"]), default="netlang",
    show_default=True, help="Whose names the parameters have in their file: our own, those of "
    "PyTorch, or any, also those of the initializers of an ONNX model.",
)  # fmt: skip

map_option = click.option(
    "--map", "mapping", metavar="FILE", shell_complete=completes("files", ".json"),
    help="Take the names of the parameters from a mapping file; see `netlang names --match`.",
)  # fmt: skip


def weights_options(function: F) -> F:
    """Add ``--weights``, and whose names the parameters have in that file."""
    return weights_option(from_option(map_option(function)))


def load_parameters(
    network: Network, weights: str | None, dialect: Dialect, mapping: str | None
) -> None:
    """Load the parameters of a network, if a file is given, and report how names were matched."""
    if weights is None:
        given = "--from" if dialect != "netlang" else "--map"
        if dialect != "netlang" or mapping is not None:
            raise click.UsageError(f"`{given}` is about the file of parameters: give `--weights`")
        return
    network.load(weights, dialect=dialect, mapping=mapping)
    if network.matched is not None and mapping is None:
        from netlang.cli.output import warn

        for line in (network.matched.summary, *network.matched.rules):
            warn(f"note: {weights}: {line}")


vocab_option = click.option(
    "--vocab", metavar="FILE", shell_complete=completes("files"),
    help="Vocabulary file. Default: the one in the same folder as the weights.",
)  # fmt: skip

backend_option = click.option(
    "--backend", type=click.Choice(get_args(Backend)), default="onnxruntime", show_default=True,
    help="Backend to run on.",
)  # fmt: skip


def _tell(ctx: click.Context, param: click.Parameter, verbose: bool) -> None:
    """Report which nodes of each model run on the CPU, though another provider was chosen."""
    del ctx, param
    from netlang.backends.providers import PLACED

    said: set[str] = set()

    def tell(placement: Placement) -> None:
        from netlang.cli.output import warn

        lines = [f"note: {placement}"] if placement.on_cpu else []
        if verbose:
            if not lines:
                lines = [f"note: all {placement.nodes:,} nodes run on `{placement.provider}`"]
            for node in placement.on_cpu:
                lines.append(
                    f"  {node.kind} {node.name}" + (f", {node.place}" if node.place else "")
                )
        elif lines:
            lines = [f"{lines[0]}; `--verbose` names them"]
        text = "\n".join(lines)
        if text and text not in said:
            said.add(text)
            warn(text)

    PLACED.set(tell)


_named = click.option(
    "--provider", metavar="NAME[:OPTION=VALUE,...]", default="cpu", show_default=True,
    shell_complete=completes("providers"),
    help="Where onnxruntime computes; see `netlang providers`. auto takes the best there is.",
)  # fmt: skip
_verbose = click.option(
    "--verbose", is_flag=True, expose_value=False, is_eager=True,
    callback=_tell,
    help="Name the nodes that another provider than cpu leaves to the CPU.",
)  # fmt: skip


def provider_option(function: F) -> F:
    """Add the options ``--provider`` and ``--verbose``."""
    return _named(_verbose(function))


python_option = click.option(
    "--allow-python", is_flag=True, expose_value=False, callback=permit_python,
    help="Run the Python functions that the program's data and `extern op`s name.",
)  # fmt: skip

precision_option = click.option(
    "--precision", type=click.Choice(LOWER), help="Convert the model to a lower precision.",
)  # fmt: skip

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
