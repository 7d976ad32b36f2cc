"""netlang serve"""

from __future__ import annotations

import time
from pathlib import Path

import click

from netlang.cli.arguments import command as make_command
from netlang.cli.arguments import completes
from netlang.cli.interrupts import interruptible
from netlang.cli.output import echo, warn
from netlang.diagnostics import rules
from netlang.diagnostics.errors import USAGE, NetlangError

EXAMPLES = """
netlang serve
netlang serve lenet.net
netlang serve examples --port 8000 --no-browser
"""
DETAILS = """
The page has an editor that shows the shape of every name, errors with their fixes, the table and
the drawing of each net, and an explanation of the layer under the cursor. It trains, plots the
curves while it does, and classifies images and drawings with what was trained. Runs are stored in
`runs` in the folder, as `netlang train` stores them.

Everything is on this machine: the address works in no other one, and nothing is loaded from the
network. The command ends with Ctrl-C; a run in progress then saves a checkpoint.
"""


@make_command(EXAMPLES, DETAILS)
@click.argument(
    "program", required=False, metavar="[FILE|FOLDER]", shell_complete=completes("files", ".net")
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, metavar="NUMBER",
    help="Listen at this port. Default: a free one.",
)  # fmt: skip
@click.option("--no-browser", is_flag=True, help="Print the address, and open no browser.")
def command(program: str | None, port: int, no_browser: bool) -> None:
    """Open a page with an editor, tables, drawings and training."""
    from netlang.serve.folder import Folder
    from netlang.serve.handler import Handler
    from netlang.serve.server import PageServer

    path = Path(program or ".")
    if not path.exists():
        raise NetlangError(
            rules.NO_SUCH_FILE, f"there is no file or folder `{path}`", exit_code=USAGE
        )
    folder = Folder(path if path.is_dir() else path.parent)
    first = None if path.is_dir() else path.name
    if first is not None:
        folder.file(first)
    server = PageServer(Handler(folder, first), port)
    with interruptible() as interrupted:
        server.start()
        echo(f"serving {folder.name} at {server.address}")
        echo("Ctrl-C ends it")
        if not no_browser:
            import webbrowser

            webbrowser.open(server.one_time_address())
        try:
            while not interrupted():
                time.sleep(0.1)
        finally:
            server.close()
    warn("ended")
