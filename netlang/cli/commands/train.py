"""netlang train"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from netlang.cli.arguments import (
    backend_option,
    file_and_section,
    json_option,
    provider_option,
    python_option,
    seed_option,
    set_option,
)
from netlang.cli.guard import INTERRUPTED
from netlang.cli.interrupts import interruptible
from netlang.cli.loading import valid_plan, valid_program
from netlang.cli.output import say, warn
from netlang.diagnostics import rules
from netlang.diagnostics.errors import ENVIRONMENT, NetlangError

if TYPE_CHECKING:
    from netlang.backends import Backend, Provider
    from netlang.plan.section import Plan
    from netlang.training.run.opening import Choices
    from netlang.training.run.running import Request

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
@file_and_section
@set_option
@click.option("--run", "folder", metavar="FOLDER", help="Keep the run here.")
@click.option("--resume", is_flag=True, help="Go on with a run that was ended or interrupted.")
@click.option(
    "--override",
    multiple=True,
    metavar="NAME",
    help="With --resume: this setting may differ from the run's; repeatable.",
)
@seed_option("Draw everything random from this seed.", default=None)
@backend_option
@provider_option
@click.option("--threads", type=click.IntRange(1, 1024), help="Compute with so many threads.")
@click.option(
    "--pause",
    type=click.FloatRange(0.0),
    default=60.0,
    show_default=True,
    help="Seconds between two checkpoints, at least.",
)
@python_option
@click.option("--dry-run", is_flag=True, help="Show what would be done, and train nothing.")
@click.option("--png", is_flag=True, help="Draw curves.png too; needs Pillow.")
@json_option
def command(
    file: str, section: str | None, given: dict[str, str], folder: str | None, resume: bool,
    override: tuple[str, ...], seed: int | None, backend: Backend, provider: Provider,
    threads: int | None, pause: float, dry_run: bool, png: bool, as_json: bool,
) -> None:  # fmt: skip
    """Train as a section of a program says."""
    if override and not resume:
        raise click.UsageError("--override belongs to --resume")
    if png:
        _need_pillow()
    program = valid_program(file, as_json=as_json)
    name = program.section(section).name.text
    planned = partial(valid_plan, program, name, as_json=as_json)
    # A program with mistakes gets no folder; a run that goes on may have been given parameters.
    plan = planned(given) if dry_run or not resume else None
    from netlang.manual.defaults import with_defaults
    from netlang.ops.extern import PYTHON_ALLOWED
    from netlang.training.run.opening import Choices
    from netlang.training.run.running import Request

    choices = Choices(Path(file).parent, seed, backend, provider, threads, PYTHON_ALLOWED.get())
    if dry_run and plan is not None:
        _show_forecast(plan, choices)
        return

    def asked(values: Mapping[str, str]) -> Plan:
        return planned(values) if plan is None else plan

    text = partial(with_defaults, program)
    request = Request(asked, text, given, resume, override, pause, png, warn)
    _train(file, name, folder, request, choices, as_json=as_json)


def _need_pillow() -> None:
    """Refuse at once what could not be drawn after hours of training."""
    from importlib.util import find_spec

    if find_spec("PIL") is None:
        raise NetlangError(
            rules.PILLOW_MISSING,
            "curves.png is a picture, and drawing pictures needs Pillow",
            helps=['pip install "netlang[images]"'],
            exit_code=ENVIRONMENT,
        )


def _show_forecast(plan: Plan, choices: Choices) -> None:
    from netlang.training.run.forecast import forecast

    say(str(forecast(plan, choices)))


def _train(
    file: str, name: str, folder: str | None, request: Request, choices: Choices, *, as_json: bool
) -> None:
    from netlang.cli.progress import display
    from netlang.training.run.folder import new_folder, old_folder
    from netlang.training.run.running import train

    where = Path(folder) if folder else None
    with (
        old_folder(where, name) if request.resume else new_folder(where, name) as opened,
        interruptible() as interrupted,
        display(as_json=as_json) as shown,
    ):
        outcome = train(request, choices, opened, shown, interrupted)
    if not outcome.over:
        again = shlex.join(["netlang", "train", file, name, "--resume", "--run", str(opened.path)])
        warn(f"interrupted after step {outcome.step:,}; go on with `{again}`")
        raise click.exceptions.Exit(INTERRUPTED)
