"""The prelude and the standard modules: `.net` files that ship with netlang."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import NoReturn

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostics
from netlang.diagnostics.fix import Edit, Fix, replacement
from netlang.diagnostics.source import Source, Span
from netlang.diagnostics.suggestions import Suggestion, nearest, renaming
from netlang.evaluate.context.frame import reject
from netlang.evaluate.modules.module import Constant, LibraryScope
from netlang.syntax import ast
from netlang.syntax.library import defined_names, definition, library_files


@cache
def _index(module: str | None) -> Mapping[str, str]:
    """Find the file of each name of a module, or of the prelude."""
    files = [f for f in library_files() if "/" not in f] if module is None else [module]
    return {name: file for file in files for name in defined_names(file)}


class Library:
    """The library files as one program sees them; each is opened when it is used."""

    def __init__(self, diagnostics: Diagnostics, constant: Constant) -> None:
        self.diagnostics = diagnostics
        self.constant = constant
        self.prelude = self._open(None, None)
        self._modules: dict[str, LibraryScope] = {}

    def module(self, path: tuple[ast.Ident, ...]) -> LibraryScope:
        """Open a module such as ``std.vision``."""
        name = ".".join(part.text for part in path)
        if name not in self._modules:
            file = name.replace(".", "/") + ".net"
            if "/" not in file or file not in library_files():
                _reject_module(name, path)
            self._modules[name] = self._open(file, self.prelude)
        return self._modules[name]

    def _open(self, module: str | None, library: LibraryScope | None) -> LibraryScope:
        whole = Source("<netlang>", "", library=True)
        index = _index(module)
        return LibraryScope(
            whole, self.diagnostics, self.constant, library,
            parse=lambda name: definition(index[name], name), index=frozenset(index),
        )  # fmt: skip


def _reject_module(name: str, path: tuple[ast.Ident, ...]) -> NoReturn:
    known = [f.removesuffix(".net").replace("/", ".") for f in library_files() if "/" in f]
    near = nearest(name, known)
    span = path[0].span.to(path[-1].span)
    file = f'"{name.replace(".", "/")}.net"'
    outside = near is None and path[0].text != "std"
    if path[0].text == "std" and (better := _elsewhere(span)) is not None:
        message = f"there is no module `{name}`"
        reject(rules.UNKNOWN_MODULE, message, span, **better)
    reject(
        rules.UNKNOWN_MODULE,
        f"there is no module `{name}`",
        span,
        notes=(f"the modules are: {', '.join(sorted(known))}",) if known else (),
        helps=(f"did you mean `{near}`?",)
        if near is not None
        else (f"to import a file, write its name in quotes: `from {file} import …`",),
        fixes=renaming(span, file if outside else near),
    )


def _elsewhere(module: Span) -> Suggestion | None:
    """Suggest the module that has all imported names, or to leave the import out."""
    from netlang.evaluate.modules.families import module_of

    line = module.source.text[module.end :].partition("\n")[0]
    names = re.findall(r"\w+", line.partition("import")[2])
    modules = {module_of(name) for name in names}
    if len(modules) == 1 and (found := modules.pop()) is not None:
        code = f"from {found} import {', '.join(names)}"
        return {"helps": (f"write `{code}`",), "fixes": (replacement(module, found),)}
    if names and all(name in _index(None) for name in names):
        start = module.source.text.rfind("\n", 0, module.start) + 1
        whole = Span(module.source, start, module.end + len(line) + 1)
        shown = " and ".join(f"`{name}`" for name in names)
        verb = "needs" if len(names) == 1 else "need"
        help = f"remove the line: {shown} {verb} no import"
        return {"helps": (help,), "fixes": (Fix("remove the import", (Edit(whole, ""),)),)}
    return None
