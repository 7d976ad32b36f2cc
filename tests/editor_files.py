"""The folder of the editors, and the packages of its tests and of the extension."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

EDITORS = Path(__file__).parents[1] / "editors"
EXTENSION = EDITORS / "vscode"


@cache
def node_modules() -> Path:
    """Install the packages of the extension, unless those of its lock file are there."""
    folder, lock = EXTENSION / "node_modules", EXTENSION / "package-lock.json"
    stamp = folder / ".package-lock.json"
    if not stamp.is_file() or stamp.stat().st_mtime < lock.stat().st_mtime:
        npm("ci", "--no-audit", "--no-fund")
    return folder


def npm(*arguments: str) -> str:
    """Run npm in the folder of the extension; return what it prints."""
    done = subprocess.run(
        ["npm", *arguments], cwd=EXTENSION, capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
