"""netlang completion"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import click

from netlang.cli.arguments import command as make_command
from netlang.cli.completion import SHELLS, script
from netlang.cli.output import echo
from netlang.system.files import write_atomically

EXAMPLES = """
netlang completion bash --install
netlang completion zsh
"""
DETAILS = """
Shells complete commands, options, files, the nets and sections of a file, and what `netlang
explain` knows. --install writes the script to your home folder. fish finds it there; for bash (4.4
or newer) and zsh a line in ~/.bashrc or ~/.zshrc loads it.
"""


@make_command(EXAMPLES, DETAILS)
@click.argument("shell", type=click.Choice(SHELLS))
@click.option("--install", is_flag=True, help="Install the script for you, and print where.")
def command(shell: str, install: bool) -> None:
    """Print the script with which a shell completes commands of netlang, or install it."""
    if not install:
        echo(script(shell).rstrip("\n"))
        return
    if shell == "fish":
        _write(_folder("XDG_CONFIG_HOME", ".config") / "fish/completions/netlang.fish", shell)
    else:
        path = _folder("XDG_DATA_HOME", ".local/share") / "netlang" / f"netlang.{shell}"
        _write(path, shell)
        start = Path.home() if shell == "bash" else _folder("ZDOTDIR", "")
        _load(path, start / f".{shell}rc")
    echo("open a new shell, and press the tabulator key")


def _folder(variable: str, default: str) -> Path:
    """Return the folder in a variable of the environment, or one in the home folder."""
    given = os.environ.get(variable, "")
    return Path(given) if Path(given).is_absolute() else Path.home() / default


def _write(path: Path, shell: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, [script(shell).encode()])
    echo(f"{path}: written")


def _load(path: Path, start: Path) -> None:
    """Let a shell load a script when it starts."""
    quoted = shlex.quote(str(path))
    line = f"[ ! -f {quoted} ] || . {quoted}"
    text = start.read_text("utf-8", "surrogateescape") if start.exists() else ""
    if line in text.splitlines():
        echo(f"{start}: loads it already")
        return
    # Appended in place: the file is often a link into a folder under version control.
    with start.open("a", encoding="utf-8") as file:
        file.write(f"{'' if text.endswith(chr(10)) or not text else chr(10)}{line}\n")
    echo(f"{start}: loads it, by a new last line")
