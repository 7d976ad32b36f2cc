"""netlang train"""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from netlang.cli.arguments import (
    assignments,
    json_option,
    permit_python,
    sound_plan,
    sound_program,
)
from netlang.cli.guard import INTERRUPTED
from netlang.cli.output import say, warn

if TYPE_CHECKING:
    from netlang.elaborate.training import Plan

EPILOG = """\b
Examples:
  netlang train digits.net
  netlang train lenet.net --set lr=0.5 --run runs/fast
  netlang train lenet.net --resume
  netlang train lenet.net --dry-run

A run has a folder: runs/NAME, or the one of --run. It holds program.net (the program, every default
written out), log.jsonl (a line for each epoch), curves.svg, LAYER.safetensors (the weights of each
layer of the section, as a net names them), what the section saves, and the checkpoint that
--resume goes on from.
"""


@click.command(epilog=EPILOG)
@click.argument("file")
@click.argument("section", required=False)
@click.option(
    "--set",
    "given",
    multiple=True,
    callback=assignments,
    metavar="NAME=VALUE",
    help="Set a parameter of the section; repeatable.",
)
@click.option("--run", "folder", metavar="FOLDER", help="Keep the run here.")
@click.option("--resume", is_flag=True, help="Go on with a run that was ended or interrupted.")
@click.option(
    "--override",
    multiple=True,
    metavar="NAME",
    help="With --resume: this setting may differ from the run's; repeatable.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), help="Draw everything random from this seed."
)
@click.option(
    "--backend",
    type=click.Choice(["onnxruntime", "numpy"]),
    default="onnxruntime",
    show_default=True,
    help="Compute with this.",
)
@click.option(
    "--provider",
    type=click.Choice(["cpu", "cuda", "auto"]),
    default="cpu",
    show_default=True,
    help="Where onnxruntime computes; one that is missing is an error.",
)
@click.option("--threads", type=click.IntRange(1, 1024), help="Compute with so many threads.")
@click.option(
    "--pause",
    type=click.FloatRange(0.0),
    default=60.0,
    show_default=True,
    help="Seconds between two checkpoints, at least.",
)
@click.option(
    "--allow-python", is_flag=True, callback=permit_python,
    help="Run Python that the program's data and its `extern op`s name.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Show what would be done, and train nothing.")
@click.option("--png", is_flag=True, help="Draw curves.png too; needs matplotlib.")
@json_option
def command(
    file: str, section: str | None, given: dict[str, str], folder: str | None, resume: bool,
    override: tuple[str, ...], seed: int | None, backend: Literal["onnxruntime", "numpy"],
    provider: Literal["cpu", "cuda", "auto"], threads: int | None, pause: float,
    allow_python: bool, dry_run: bool, png: bool, as_json: bool,
) -> None:  # fmt: skip
    """Train as a section of a program says."""
    if override and not resume:
        raise click.UsageError("--override belongs to --resume")
    program = sound_program(file, as_json=as_json)
    name = program.section(section).name.text

    # A program with mistakes gets no folder.
    plan = None if resume else sound_plan(program, name, given, as_json=as_json)
    from netlang.training.opening import Choices

    choices = Choices(Path(file).parent, seed, backend, provider, threads, allow_python)
    if dry_run:
        from netlang.training.forecast import forecast

        found = plan or sound_plan(program, name, given, as_json=as_json)
        say(str(forecast(found, choices)))
        return
    from netlang.cli.progress import display
    from netlang.defaults import with_defaults
    from netlang.training.folder import new_folder, old_folder
    from netlang.training.running import Request, train

    def planned(values: Mapping[str, str]) -> Plan:
        return plan or sound_plan(program, name, values, as_json=as_json)

    def text() -> str:
        return with_defaults(program)

    request = Request(planned, text, given, resume, override, pause, png, warn)
    where = Path(folder) if folder else None
    with (
        old_folder(where, name) if resume else new_folder(where, name) as opened,
        interruptible() as interrupted,
    ):
        outcome = train(request, choices, opened, display(as_json=as_json), interrupted)
    if not outcome.over:
        again = f"netlang train {file} {name} --resume --run {opened.path}"
        warn(f"interrupted after step {outcome.step:,}; go on with `{again}`")
        raise click.exceptions.Exit(INTERRUPTED)


@contextmanager
def interruptible() -> Generator[Callable[[], bool]]:
    """Let a run end itself when it is asked to; a second time, end it at once."""
    asked: list[int] = []

    def ask(number: int, frame: object) -> None:
        del frame
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
