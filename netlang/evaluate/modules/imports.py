"""Where imported files may be, and what is said when they are not."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, Label
from netlang.diagnostics.suggestions import did_you_mean, nearest
from netlang.evaluate.context.frame import reject
from netlang.evaluate.modules.module import ModuleScope
from netlang.syntax import ast
from netlang.system.files import program_roots


def locate(module: ast.Str, importer: Path) -> Path:
    """Find the file an import names, inside the folders a program may read.

    These are the working folder, if the program lies in it, and the folder around the program's
    own. A link that leads out of them is refused like any other way out.
    """
    _check_path(module)
    target = importer.parent / module.value
    try:
        real = target.resolve()
        exists = real.is_file()
    except (OSError, RuntimeError):  # a circle of links is a RuntimeError of its own
        reject(rules.IMPORT_PATH, "this is no path of a file", module.span)
    if not any(real.is_relative_to(root) for root in program_roots(importer.parent)):
        reject(
            rules.IMPORT_PATH,
            "this import leads out of the program's folders",
            module.span,
            "nothing outside of them is read",
            helps=("copy the file beside the program",),
        )
    if not exists:
        _reject_file(module, target)
    if real.stat().st_nlink > 1:
        # Where its other names are cannot be told; one of them may be out of bounds.
        reject(
            rules.IMPORT_PATH,
            "this file has a second name (a hard link)",
            module.span,
            "it may be one outside of the program's folders",
            helps=("copy the file instead of linking it",),
        )
    return Path(os.path.normpath(target))


def _check_path(module: ast.Str) -> None:
    """Refuse what is no relative path of a program, before anything is looked up."""
    text = module.value
    if not text.endswith(".net") or "\\" in text or any(ord(c) < 32 for c in text):
        reject(
            rules.IMPORT_PATH,
            "an import names a `.net` file",
            module.span,
            helps=('such as `from "blocks.net" import unit`',),
        )
    if text.startswith(("/", "~")) or "://" in text or (len(text) > 1 and text[1] == ":"):
        reject(
            rules.IMPORT_PATH,
            "an import is a path relative to this file",
            module.span,
            "absolute paths and addresses are not read",
        )


def _reject_file(module: ast.Str, target: Path) -> NoReturn:
    beside = [p.name for p in target.parent.glob("*.net")] if target.parent.is_dir() else []
    near = nearest(target.name, beside)
    what = "is a folder" if target.is_dir() else "is not there"
    reject(
        rules.IMPORT_FILE,
        f'"{module.value}" {what}',
        module.span,
        notes=()
        if near is not None
        else ("an import is a path that starts at the folder of this file",),
        helps=(f'did you mean "{module.value.removesuffix(target.name)}{near}"?',)
        if near is not None
        else (),
    )


def reject_import_cycle(module: ast.Str, chain: list[Path]) -> NoReturn:
    """Report files that import each other in a circle."""
    shown = " → ".join(path.name for path in chain)
    reject(
        rules.IMPORT_CIRCLE,
        "these files import each other in a circle",
        module.span,
        shown,
        helps=("put what both need in a third file",),
    )


def missing_name(item: ast.Import, name: ast.ImportName, origin: ModuleScope) -> Diagnostic:
    """Say that the imported file does not define a name."""
    shown = (
        f'"{item.module.value}"'
        if isinstance(item.module, ast.Str)
        else ".".join(part.text for part in item.module)
    )
    return Diagnostic(
        rules.UNKNOWN_IMPORT,
        f"{shown} has no `{name.name.text}`",
        Label(name.name.span, "not defined there"),
        helps=did_you_mean(name.name.text, filter(origin.exports, origin.names())),
    )
