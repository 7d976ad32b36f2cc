"""The prelude and the standard modules: `.net` files that ship with netlang."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NoReturn

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostics
from netlang.diagnostics.source import Source
from netlang.diagnostics.suggestions import nearest
from netlang.evaluate.context.frame import reject
from netlang.evaluate.modules.module import Constant, LibraryScope
from netlang.syntax import ast
from netlang.syntax.parser import parse_part, split_definitions

FOLDER = Path(__file__).parents[2] / "prelude"


@cache
def _definitions(module: Path | None) -> Mapping[str, tuple[Source, int, int]]:
    """Find what a module, or the prelude, defines; it is the same for every program."""
    found: dict[str, tuple[Source, int, int]] = {}
    for file in sorted(FOLDER.glob("*.net")) if module is None else [module]:
        source = Source(f"<netlang>/{file.name}", file.read_text("utf-8"), library=True)
        for name, (start, end) in split_definitions(source).items():
            found[name] = (source, start, end)
    return found


@cache
def _tree(source: Source, start: int, end: int) -> tuple[ast.Declaration | None, Diagnostics]:
    """Parse one definition of a library file, and tell what is wrong with it."""
    found = Diagnostics()
    part = parse_part(source, start, end, found)
    return (part.declarations[0] if part is not None else None), found


@dataclass(slots=True, eq=False)
class Library:
    """The library files as one program sees them, as far as it uses them."""

    diagnostics: Diagnostics
    constant: Constant
    prelude: LibraryScope = field(init=False)
    _modules: dict[str, LibraryScope] = field(default_factory=dict[str, LibraryScope])

    def __post_init__(self) -> None:
        self.prelude = self._open(None, None)

    def module(self, path: tuple[ast.Ident, ...]) -> LibraryScope:
        """Open a module such as ``std.vision``."""
        name = ".".join(part.text for part in path)
        if name not in self._modules:
            file = FOLDER.joinpath(*name.split(".")).with_suffix(".net")
            if not file.is_file():
                _reject_module(name, path)
            self._modules[name] = self._open(file, self.prelude)
        return self._modules[name]

    def _open(self, module: Path | None, library: LibraryScope | None) -> LibraryScope:
        places = _definitions(module)

        def parse(name: str) -> ast.Declaration | None:
            declaration, found = _tree(*places[name])
            for diagnostic in found.items:
                self.diagnostics.report(diagnostic)
            return declaration

        whole = Source("<netlang>", "", library=True)
        return LibraryScope(
            whole, self.diagnostics, self.constant, library, parse=parse, index=frozenset(places)
        )


def _reject_module(name: str, path: tuple[ast.Ident, ...]) -> NoReturn:
    known = [
        ".".join(f.relative_to(FOLDER).with_suffix("").parts) for f in FOLDER.glob("*/**/*.net")
    ]
    near = nearest(name, known)
    reject(
        rules.UNKNOWN_MODULE,
        f"there is no module `{name}`",
        path[0].span.to(path[-1].span),
        notes=(f"the modules are: {', '.join(sorted(known))}",) if known else (),
        helps=(f"did you mean `{near}`?",)
        if near is not None
        else ('to import a file, write its name in quotes: `from "blocks.net" import …`',),
    )
