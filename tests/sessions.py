"""Pages whose blocks are executed from top to bottom, as a reader would do it.

A block with a name behind its language is a file, which is written where the page shows it. A
``console`` block is a session of a shell, and a ``python`` block without a name one of Python's
prompt: both must print what the page shows. A page begins in a folder that holds only
``examples`` and ``docs``. A ``net`` block without a name is a program, checked on its own.
"""

from __future__ import annotations

import doctest
import io
import os
import re
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FENCED = re.compile(r"^```(\S+)(?: (\S+))?\n((?:.*\n)*?)```$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the name of the file that it is, and where its text is."""

    language: str
    name: str
    text: str
    start: int
    end: int


def blocks(page: str) -> list[Block]:
    """Return the blocks of a page, in their order."""
    return [Block(m[1], m[2] or "", m[3], *m.span(3)) for m in FENCED.finditer(page)]


def executed(page: str, folder: Path) -> str:
    """Return a page with what its sessions print now, begun in a folder."""
    names: dict[str, Any] = {}
    parts: list[str] = []
    end = 0
    for block in blocks(page):
        shown = block.text
        if block.name:
            (folder / block.name).write_text(block.text, "utf-8")
        elif block.language == "console":
            shown = "".join(_shell(block.text, folder))
        elif block.language == "python":
            shown = "".join(_prompt(block.text, names))
        parts += [page[end : block.start], shown]
        end = block.end
    return "".join([*parts, page[end:]])


def said(command: str, folder: Path) -> str:
    """Return what a command prints that is typed in a folder."""
    scripts = sysconfig.get_path("scripts")
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env={**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=300,
    )
    return done.stdout


def _shell(session: str, folder: Path) -> Iterator[str]:
    for command in re.findall(r"^\$ (.*)$", session, re.MULTILINE):
        yield f"$ {command}\n{said(command, folder)}"


def _prompt(session: str, names: dict[str, Any]) -> Iterator[str]:
    for example in doctest.DocTestParser().get_examples(session):
        first, *others = example.source.splitlines()
        yield "".join([f">>> {first}\n", *(f"... {line}".rstrip() + "\n" for line in others)])
        printed = io.StringIO()
        with redirect_stdout(printed):
            exec(compile(example.source, "<page>", "single"), names)
        yield printed.getvalue()
