"""netlang lsp"""

from __future__ import annotations

import gc

import click

from netlang.cli.arguments import command as make_command
from netlang.diagnostics import rules
from netlang.diagnostics.errors import ENVIRONMENT, NetlangError

EXAMPLES = """
netlang lsp
netlang lsp --check
"""
DETAILS = """
Editors start this command, and talk to it over its standard streams: it shows errors and their
fixes, the shape of every name, completions, definitions and the manual while a program is written.
It needs an extra: pip install "netlang[lsp]". For VS Code there is an extension in editors/vscode.
"""


@make_command(EXAMPLES, DETAILS)
@click.option("--check", is_flag=True, help="Only check that the server can start.")
@click.option("--stdio", is_flag=True, hidden=True, help="What some editors add to the command.")
def command(check: bool, stdio: bool) -> None:
    """Serve an editor with the Language Server Protocol."""
    del stdio  # there is no other way to talk to it
    from importlib.util import find_spec

    if find_spec("pygls") is None:
        message = 'the language server is an extra: pip install "netlang[lsp]"'
        raise NetlangError(rules.MISSING_LIBRARY, message, exit_code=ENVIRONMENT)
    if check:
        return
    from netlang.lsp.server import make_server

    server = make_server()
    gc.freeze()  # what is loaded stays
    # Going over all objects takes as long as a keystroke: the server does it while nobody types.
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, 1000)
    server.start_io()
