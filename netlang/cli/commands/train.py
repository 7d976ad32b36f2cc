"""netlang train"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, TypedDict

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
    sweeps,
)
from netlang.cli.arguments import command as make_command
from netlang.cli.guard import INTERRUPTED
from netlang.cli.interrupts import interruptible
from netlang.cli.output import echo, warn

if TYPE_CHECKING:
    from pathlib import Path

    from netlang.backends import Backend, Provider


class _Choices(TypedDict):
    settings: dict[str, str]
    folder: str | None
    resume: bool
    seed: int | None
    backend: Backend
    provider: Provider
    threads: int | None
    pause: float
    png: bool
    record: tuple[str, ...]
    record_every: int | None


EXAMPLES = """
netlang train digits.net
netlang train lenet.net --set lr=0.5 --run runs/fast
netlang train lenet.net --resume
netlang train lenet.net --dry-run
netlang train lenet.net --sweep lr=0.001,0.01,0.1
netlang train lenet.net --watch gradients --watch activations
netlang train line.net --watch weight --watch bias
"""
DETAILS = """
A run has a folder: the next of runs/NAME-1, runs/NAME-2, ..., or the one of --run. runs/NAME is
always the newest of them. A folder contains program.net (the program with every default written
out), log.jsonl (one line per epoch), steps.jsonl (about 500 steps, each with its learning rate and
the norm of its gradient), curves.svg, LAYER.safetensors (the parameters of each layer of the
section, by the names that a net uses), the files that the section saves, and the checkpoint from
which --resume continues. With --watch there are watch.jsonl, and plots as lines and as a heat map:
gradients.svg has the norm of the gradient of each weight, activations.svg the root mean square of
the result of each layer, parameters.svg the elements of small parameters, and trace.svg the path
of two elements over the contours of the loss. A sweep has a folder runs/NAME-sweep-1, ... with a
folder for each run.
"""


@make_command(EXAMPLES, DETAILS)
@file_and_section
@set_option
@click.option(
    "--sweep", "over", multiple=True, callback=sweeps, metavar="NAME=VALUES",
    help="Train with each of these values, such as lr=0.1,0.2. Repeatable: every combination.",
)  # fmt: skip
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
@click.option(
    "--watch", "record", multiple=True, metavar="WHAT",
    help="Record and plot `gradients`, `activations`, or a small parameter, by path. Repeatable.",
)  # fmt: skip
@click.option(
    "--watch-every", "record_every", type=click.IntRange(1), metavar="N",
    help="Record one step in N. Default: about a hundred steps in all.",
)  # fmt: skip
@json_option
def command(
    file: str, section: str | None, settings: dict[str, str], over: dict[str, list[str]],
    folder: str | None, resume: bool,
    override: tuple[str, ...], seed: int | None, backend: Backend, provider: Provider,
    threads: int | None, pause: float, dry_run: bool, png: bool, record: tuple[str, ...],
    record_every: int | None, as_json: bool,
) -> None:  # fmt: skip
    """Train the model described by a `train` section."""
    if record_every is not None and not record:
        raise click.UsageError("--watch-every requires --watch")
    if override and not resume:
        raise click.UsageError("--override requires --resume")
    if over and (dry_run or override):
        option = "--dry-run" if dry_run else "--override"
        raise click.UsageError(f"{option} is for one run: leave out --sweep, or use --set")
    program = netlang.load(file)
    if dry_run:
        echo(str(program.forecast(section, settings=settings, seed=seed)))
        return
    from netlang.cli.progress import display

    choices: _Choices = {
        "settings": settings, "folder": folder, "resume": resume, "seed": seed, "backend": backend,
        "provider": provider, "threads": threads, "pause": pause, "png": png, "record": record,
        "record_every": record_every,
    }  # fmt: skip
    if over:
        _sweep(program, section, over, choices, file, as_json=as_json)
        return
    with interruptible() as interrupted, display(as_json=as_json) as shown:
        run = program.train(
            section, override=override, callback=shown, interrupted=interrupted, **choices
        )
    for remark in run.remarks:
        (warn if as_json else echo)(remark)
    for plot in _plots(run.folder) if record else ():
        (warn if as_json else echo)(f"plot: {plot}")
    if not run.finished:
        resuming = ["netlang", "train", file, run.section, "--resume", "--run", str(run.folder)]
        warn(f"interrupted after step {run.step:,}; resume with `{shlex.join(resuming)}`")
        raise click.exceptions.Exit(INTERRUPTED)


def _plots(folder: Path) -> list[Path]:
    """Return the plots of what a run, or the runs of a sweep, were watched for."""
    return sorted(path for path in folder.glob("*.svg") if path.name != "curves.svg")


def _sweep(
    program: netlang.Program, section: str | None, over: dict[str, list[str]], choices: _Choices,
    file: str, *, as_json: bool,
) -> None:  # fmt: skip
    """Train with each combination of values, and print what came of them."""
    from netlang.cli.progress import display

    say = warn if as_json else echo

    def begin(title: str, number: int, count: int) -> None:
        say(f"{title} ({number} of {count})" if number == 1 else f"\n{title} ({number} of {count})")

    with interruptible() as interrupted, display(as_json=as_json) as shown:
        found = program.sweep(
            over, section, callback=shown, interrupted=interrupted, begin=begin, **choices
        )
    plots = [found.folder / "curves.svg", *_plots(found.folder)]
    say("\n".join([f"\n{found}\n", *(f"plot: {plot}" for plot in plots)]))
    if not found.finished:
        given = [f"--sweep {name}={','.join(values)}" for name, values in over.items()]
        resuming = ["netlang", "train", file, found.section, "--resume", "--run", str(found.folder)]
        warn(f"interrupted; continue with `{shlex.join(resuming)} {' '.join(given)}`")
        raise click.exceptions.Exit(INTERRUPTED)
