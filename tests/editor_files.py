"""The folders of the editors and of the page, and the packages that these and their tests use."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

EDITORS = Path(__file__).parents[1] / "editors"
EXTENSION = EDITORS / "vscode"
PAGE = EDITORS.with_name("web")


@cache
def node_modules(project: Path = EXTENSION) -> Path:
    """Install the packages of a project, unless those of its lock file are there."""
    folder, lock = project / "node_modules", project / "package-lock.json"
    stamp = folder / ".package-lock.json"
    if not stamp.is_file() or stamp.stat().st_mtime < lock.stat().st_mtime:
        npm("ci", "--no-audit", "--no-fund", project=project)
    return folder


def npm(*arguments: str, project: Path = EXTENSION) -> str:
    """Run npm in the folder of a project; return what it prints."""
    done = subprocess.run(
        ["npm", *arguments], cwd=project, capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
