"""Prepare the pages of the site: ``python docs/site/prepare.py FOLDER``.

The pages of ``docs`` and of the specification are copied, with links that lead to pages of the
site where there is one, and to the repository otherwise. The reference is generated from
``explain``, the help of the commands and the docstrings of the Python interface; each example has
a page.
"""

from __future__ import annotations

import json
import posixpath
import re
import shutil
import sys
from pathlib import Path

import reference

CHECKOUT = Path(__file__).parents[2]
SOURCES = "https://github.com/netlang-dev/netlang/blob/main"
FENCE = re.compile(r"^```(\S+)(?: (.+))?\n((?:.*\n)*?)```$", re.MULTILINE)
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!https?:)([^)#\s]*)(#[^)\s]*)?\)")
SAME = {"same": "is the same as", "fmt": "formatted", "show": "netlang show"}
"""Blocks of the specification that are programs, with their titles."""


def pages() -> dict[str, str]:
    """Return the path of each copied page on the site, by its path in the repository."""
    found = {
        "editors/README.md": "editors.md",
        "examples/README.md": "examples/index.md",
        "examples/phenomena/README.md": "examples/phenomena/index.md",
        "grammars/netlang.lark": "language/grammar.md",
    }
    for path in sorted(CHECKOUT.glob("docs/**/*.md")):
        found[_named(path)] = path.relative_to(CHECKOUT / "docs").as_posix()
    for path in sorted(CHECKOUT.glob("tests/spec/language/*.md")):
        found[_named(path)] = f"language/{path.name}"
    for path in sorted(CHECKOUT.glob("examples/**/*.net")):
        found[_named(path)] = path.relative_to(CHECKOUT).with_suffix(".md").as_posix()
    return found


def _named(path: Path) -> str:
    return path.relative_to(CHECKOUT).as_posix()


def prepare(folder: Path) -> None:
    """Write all pages and the configuration."""
    shutil.rmtree(folder, ignore_errors=True)
    site = pages()
    for path, to in site.items():
        _write(folder / "pages" / to, _page(path, site, folder))
    for name, text in reference.pages().items():
        _write(folder / "pages" / "reference" / name, text)
    _write(folder / "pages" / "extra.css", (CHECKOUT / "docs/site/extra.css").read_text("utf-8"))
    icon = CHECKOUT / "netlang/serve/static/icon.svg"
    _write(folder / "pages" / "icon.svg", icon.read_text("utf-8"))
    lists = {
        "LANGUAGE": ["language.md", *_order(), "language/grammar.md"],
        "REFERENCE": ["reference.md", *(f"reference/{name}" for name in reference.pages())],
        "EXAMPLES": _examples(site, "examples"),
        "PHENOMENA": _examples(site, "examples/phenomena"),
    }
    config = (CHECKOUT / "docs/site/zensical.toml").read_text("utf-8")
    for name, items in lists.items():
        config = re.sub(rf"\b{name}\b", json.dumps(items), config, count=1)
    _write(folder / "zensical.toml", config)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def _order() -> list[str]:
    """Return the pages of the specification in the order of the page that leads to its rules."""
    page = (CHECKOUT / "docs/language.md").read_text("utf-8")
    names = re.findall(r"\.\./tests/spec/language/(\w+)\.md", page)
    return [f"language/{name}.md" for name in dict.fromkeys(names)]


def _examples(site: dict[str, str], folder: str) -> list[str]:
    own = [to for to in site.values() if posixpath.dirname(to) == folder]
    return sorted(own, key=lambda to: (not to.endswith("index.md"), to))


def _page(path: str, site: dict[str, str], folder: Path) -> str:
    text = (CHECKOUT / path).read_text("utf-8")
    if path.endswith(".net"):
        return f"# {Path(path).name}\n\n```net\n{text}```\n"
    if path.endswith(".lark"):
        return f"# The grammar\n\n```text\n{text}```\n"
    parts, end = [], 0
    for block in FENCE.finditer(text):
        parts.append(_linked(text[end : block.start()], path, site, folder))
        parts.append(_fenced(block[1], block[2] or "", block[3]))
        end = block.end()
    return "".join([*parts, _linked(text[end:], path, site, folder)])


def _fenced(language: str, title: str, text: str) -> str:
    """Return a block in the form of the site: what is not a language is its title."""
    if language in SAME:
        language, title = "net", SAME[language]
    elif language == "file":
        language = "net" if title.endswith(".net") else "text"
    elif language not in ("net", "console", "python", "sh", "lua", "toml", "csv"):
        language, title = "text", f"{language} {title}".strip()
    attribute = f' title="{title}"' if title else ""
    return f"```{language}{attribute}\n{text}```"


def _linked(text: str, path: str, site: dict[str, str], folder: Path) -> str:
    """Return a text with its links led to the site, and images outside of ``docs`` copied."""
    here = posixpath.dirname(site[path])

    def led(found: re.Match[str]) -> str:
        image, label, to, heading = found[1], found[2], found[3], found[4] or ""
        if not to:
            return found[0]
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), to))
        if target == "docs":
            target = "docs/index.md"
        if not (CHECKOUT / target).exists():
            raise SystemExit(f"{path}: there is no {target}")
        if image:
            copied = folder / "pages" / "images" / posixpath.basename(target)
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / target, copied)
            return f"![{label}]({posixpath.relpath(f'images/{copied.name}', here)})"
        if target in site:
            return f"[{label}]({posixpath.relpath(site[target], here)}{heading})"
        return f"[{label}]({SOURCES}/{target}{heading})"

    return LINK.sub(led, text)


if __name__ == "__main__":
    prepare(Path(sys.argv[1]))
