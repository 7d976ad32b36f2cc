"""netlang train"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

import netlang
from netlang.cli.arguments import (
    backend_option,
    completes,
    file_and_section,
    json_option,
    provider_option,
    python_option,
    seed_option,
    set_option,
)
from netlang.cli.arguments import command as make_command
from netlang.cli.guard import INTERRUPTED
from netlang.cli.interrupts import interruptible
from netlang.cli.output import echo, warn

if TYPE_CHECKING:
    from netlang.backends import Backend, Provider

EXAMPLES = """
netlang train digits.net
netlang train lenet.net --set lr=0.5 --run runs/fast
netlang train lenet.net --resume
netlang train lenet.net --dry-run
"""
DETAILS = """
A run has a folder: the next of runs/NAME-1, runs/NAME-2, ..., or the one of --run. runs/NAME is
always the newest of them. A folder contains program.net (the program with every default written
out), log.jsonl (one line per epoch), steps.jsonl (about 500 steps, each with its learning rate and
the norm of its gradient), curves.svg, LAYER.safetensors (the parameters of each layer of the
section, by the names that a net uses), the files that the section saves, and the checkpoint from
which --resume continues.
"""


@make_command(EXAMPLES, DETAILS)
@file_and_section
@set_option
@click.option(
    "--run", "folder", metavar="FOLDER", shell_complete=completes("folders"),
    help="Store the run in FOLDER.",
)  # fmt: skip
@click.option("--resume", is_flag=True, help="Resume a run that ended or was interrupted.")
@click.option(
    "--override", multiple=True, metavar="NAME",
    help="With --resume, allow this setting to differ from the run's. Repeatable.",
)  # fmt: skip
@seed_option("Random seed. Default: that of the program, or 0.", default=None)
@backend_option
@provider_option
@click.option("--threads", type=click.IntRange(1, 1024), help="Number of threads.")
@click.option(
    "--pause", type=click.FloatRange(0.0), default=60.0, show_default=True,
    help="Minimum number of seconds between two checkpoints.",
)  # fmt: skip
@python_option
@click.option("--dry-run", is_flag=True, help="Show what a run would take, and do not train.")
@click.option("--png", is_flag=True, help="Plot curves.png too, which requires Pillow.")
@json_option
def command(
    file: str, section: str | None, settings: dict[str, str], folder: str | None, resume: bool,
    override: tuple[str, ...], seed: int | None, backend: Backend, provider: Provider,
    threads: int | None, pause: float, dry_run: bool, png: bool, as_json: bool,
) -> None:  # fmt: skip
    """Train the model described by a `train` section."""
    if override and not resume:
        raise click.UsageError("--override requires --resume")
    program = netlang.load(file)
    if dry_run:
        echo(str(program.forecast(section, settings=settings, seed=seed)))
        return
    from netlang.cli.progress import display

    with interruptible() as interrupted, display(as_json=as_json) as shown:
        run = program.train(
            section, settings=settings, folder=folder, resume=resume, override=override, seed=seed,
            backend=backend, provider=provider, threads=threads, pause=pause, png=png,
            callback=shown, interrupted=interrupted,
        )  # fmt: skip
    for remark in run.remarks:
        (warn if as_json else echo)(remark)
    if not run.finished:
        resuming = ["netlang", "train", file, run.section, "--resume", "--run", str(run.folder)]
        warn(f"interrupted after step {run.step:,}; resume with `{shlex.join(resuming)}`")
        raise click.exceptions.Exit(INTERRUPTED)
