"""What `.ci/docs` prepares for the site is complete; its generator checks every link."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import netlang
from netlang.cli.main import COMMANDS

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "docs"
    command = [sys.executable, CHECKOUT / "docs/site/prepare.py", folder]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0, done.stderr
    return folder


def listed(nav: Any) -> Iterator[str]:
    """Yield the pages of a list of pages, in folders and with titles of their own."""
    match nav:
        case str():
            yield nav
        case list():
            for item in nav:
                yield from listed(item)
        case _:
            for item in nav.values():
                yield from listed(item)


def test_every_page_is_listed_once(site: Path) -> None:
    nav = [*listed(tomllib.loads((site / "zensical.toml").read_text("utf-8"))["project"]["nav"])]
    written = {path.relative_to(site / "pages").as_posix() for path in site.glob("pages/**/*.md")}
    assert sorted(nav) == sorted(written)


def test_the_reference_has_every_name(site: Path) -> None:
    pages = [path.read_text("utf-8") for path in site.glob("pages/reference/*.md")]
    headings = {
        line[3:].strip("`") for page in pages for line in page.splitlines() if line[:3] == "## "
    }
    topics = {
        name for title, names in netlang.contents() for name in names if "Python" not in title
    }
    assert topics <= headings
    assert {f"netlang {name}" for name in COMMANDS} <= headings
    assert {f"netlang.{name}" for name in netlang.__all__} <= headings
