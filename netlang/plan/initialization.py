"""Selected parameters, and the values they start with."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from netlang.ir.graph import Init


class Selection(Struct, frozen=True):
    """The paths of some parameters, in the order of the program.

    Where a layer or a part of one is selected, ``layer`` is the path of that layer and ``root``
    that of the part.
    """

    paths: tuple[str, ...]
    layer: str = ""
    root: str = ""


class InitRule(Struct, frozen=True):
    """How some parameters start."""

    name: ClassVar[str]
    what: Selection


class Fill(InitRule, frozen=True):
    """Start with an initializer of their own, or with one number."""

    name: ClassVar[str] = "fill"
    init: Init | float

    @property
    def initializer(self) -> Init:
        return self.init if isinstance(self.init, Init) else Init("constant", (self.init,))


class Load(InitRule, frozen=True):
    """Start with the values in a file, whose names are in the ``dialect`` of a framework.

    ``map`` is the path of a mapping file, which says what the names in the file mean.
    """

    name: ClassVar[str] = "load"
    path: str
    dialect: str
    map: str | None = None
