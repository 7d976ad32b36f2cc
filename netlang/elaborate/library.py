"""The prelude and the standard modules: `.net` files that ship with netlang."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from netlang.diagnostics import Diagnostics, nearest
from netlang.elaborate.frame import refuse
from netlang.elaborate.home import Constant, LibraryHome
from netlang.source import Source
from netlang.syntax import ast
from netlang.syntax.parser import parse_part, split_definitions

FOLDER = Path(__file__).parent.parent / "prelude"


@dataclass(slots=True, eq=False)
class Library:
    """Opens library files, each once, and parses what is used of them."""

    diagnostics: Diagnostics
    constant: Constant
    prelude: LibraryHome = field(init=False)
    _modules: dict[str, LibraryHome] = field(default_factory=dict[str, LibraryHome])

    def __post_init__(self) -> None:
        self.prelude = self._open(sorted(FOLDER.glob("*.net")), None)

    def module(self, path: tuple[ast.Ident, ...]) -> LibraryHome:
        """Open a module such as ``std.vision``."""
        name = ".".join(part.text for part in path)
        if name not in self._modules:
            file = FOLDER.joinpath(*name.split(".")).with_suffix(".net")
            if not file.is_file():
                _refuse_module(name, path)
            self._modules[name] = self._open([file], self.prelude)
        return self._modules[name]

    def _open(self, files: Iterable[Path], library: LibraryHome | None) -> LibraryHome:
        places: dict[str, tuple[Source, int, int]] = {}
        for file in files:
            source = Source(f"<netlang>/{file.name}", file.read_text("utf-8"), library=True)
            for name, (start, end) in split_definitions(source).items():
                places[name] = (source, start, end)

        def parse(name: str) -> ast.Declaration | None:
            source, start, end = places[name]
            part = parse_part(source, start, end, self.diagnostics)
            return part.declarations[0] if part is not None else None

        whole = Source("<netlang>", "", library=True)
        return LibraryHome(
            whole, self.diagnostics, self.constant, library, parse=parse, index=frozenset(places)
        )


def _refuse_module(name: str, path: tuple[ast.Ident, ...]) -> NoReturn:
    known = [
        ".".join(f.relative_to(FOLDER).with_suffix("").parts) for f in FOLDER.glob("*/**/*.net")
    ]
    near = nearest(name, known)
    refuse(
        "unknown-module",
        f"there is no module `{name}`",
        path[0].span.to(path[-1].span),
        notes=(f"the modules are: {', '.join(sorted(known))}",) if known else (),
        helps=(f"did you mean `{near}`?",)
        if near is not None
        else ('to import a file, write its name in quotes: `from "blocks.net" import …`',),
    )
