"""The files that a program may import, and the errors when it cannot."""

from __future__ import annotations

import os
from collections.abc import Container
from pathlib import Path
from typing import NoReturn

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, diagnostic
from netlang.diagnostics.fix import Edit, Fix, replacement
from netlang.diagnostics.source import Span
from netlang.diagnostics.suggestions import Suggestion, nearest, renaming, suggest
from netlang.evaluate.context.frame import reject
from netlang.evaluate.modules.module import ModuleScope, is_private
from netlang.syntax import ast
from netlang.system.files import program_roots


def locate(module: ast.Str, importer: Path, known: Container[Path] = ()) -> Path:
    """Return the file an import names, inside the folders that a program may read.

    The files in ``known`` need not exist: their texts are given.

    These are the working directory, if it contains the program, and the parent of the program's
    folder. A symbolic link to a file outside of them is rejected like any other path.
    """
    _check_path(module)
    target = importer.parent / module.value
    try:
        real = target.resolve()
        exists = real.is_file()
    except (OSError, RuntimeError):  # a cycle of links raises a RuntimeError
        reject(rules.IMPORT_PATH, "this is not a path of a file", module.span)
    if not any(real.is_relative_to(root) for root in program_roots(importer.parent)):
        reject(
            rules.IMPORT_PATH,
            "this import leads out of the program's folders",
            module.span,
            "nothing outside of them is read",
            helps=("copy the file next to the program",),
        )
    if real in known:
        return Path(os.path.normpath(target))
    if not exists:
        _reject_file(module, target)
    if real.stat().st_nlink > 1:
        # Its other names are unknown; one of them may be outside of these folders.
        reject(
            rules.IMPORT_PATH,
            "this file has a second name (a hard link)",
            module.span,
            "it may be one outside of the program's folders",
            helps=("copy the file instead of linking it",),
        )
    return Path(os.path.normpath(target))


def _check_path(module: ast.Str) -> None:
    """Reject what is not a relative path of a program, before the file system is accessed."""
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
    siblings = [p.name for p in target.parent.glob("*.net")] if target.parent.is_dir() else []
    near = nearest(target.name, siblings)
    what = "is a folder" if target.is_dir() else "is not there"
    meant = None if near is None else f'"{module.value.removesuffix(target.name)}{near}"'
    reject(
        rules.IMPORT_FILE,
        f'"{module.value}" {what}',
        module.span,
        notes=("an import is a path that starts at the folder of this file",)
        if meant is None
        else (),
        helps=() if meant is None else (f"did you mean {meant}?",),
        fixes=renaming(module.span, meant),
    )


def reject_import_cycle(module: ast.Str, chain: list[Path]) -> NoReturn:
    """Report files that import each other."""
    shown = " → ".join(path.name for path in chain)
    reject(
        rules.IMPORT_CYCLE,
        "these files import each other in a cycle",
        module.span,
        shown,
        helps=("put what both need in a third file",),
    )


def _needless(item: ast.Import, name: ast.ImportName, origin: ModuleScope) -> Suggestion | None:
    """Suggest to leave out the import of a definition that every file sees."""
    library, text = origin.library or origin, item.span.source.text
    if is_private(name.name.text) or not library.knows(name.name.text):
        return None
    names = [other for other in item.names if other is not name]
    span = Span(item.span.source, item.names[0].span.start, item.names[-1].span.end)
    kept = ", ".join(other.span.text for other in names)
    end = item.span.end + (text[item.span.end : item.span.end + 1] == "\n")
    whole = Span(item.span.source, item.span.start, end)
    fix = replacement(span, kept) if names else Fix("remove the import", (Edit(whole, ""),))
    return {"helps": (f"leave it out: `{name.name.text}` needs no import",), "fixes": (fix,)}


def missing_name(item: ast.Import, name: ast.ImportName, origin: ModuleScope) -> Diagnostic:
    """Return the error that the imported file does not define a name."""
    shown = (
        f'"{item.module.value}"'
        if isinstance(item.module, ast.Str)
        else ".".join(part.text for part in item.module)
    )
    known = sorted(filter(origin.exports, origin.names()))
    suggestion = _needless(item, name, origin) or suggest(name.name.span, known)
    if not suggestion["helps"] and 0 < len(known) <= 30:
        suggestion["notes"] = (f"it defines {', '.join(known)}",)
    return diagnostic(
        rules.UNKNOWN_IMPORT,
        f"{shown} has no `{name.name.text}`",
        name.name.span,
        "not defined there",
        **suggestion,
    )
