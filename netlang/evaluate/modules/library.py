"""The prelude and the standard modules: `.net` files that ship with netlang."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NoReturn

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostics
from netlang.diagnostics.source import Source
from netlang.diagnostics.suggestions import nearest, renaming
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
