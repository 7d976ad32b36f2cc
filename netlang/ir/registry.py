"""Operators by name, each loaded when it is first needed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, MutableMapping
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from io import FileIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netlang.ir.op import Primitive

_NAME = re.compile(rb'\n    name(?:: ClassVar\[str\])? = "(\w+)"')


class Registry(MutableMapping[str, "type[Primitive]"]):
    """The operators that the modules of a package register.

    Checking a program must not pay for importing operators that the program does not use. Their
    modules are read from the sources, in a millisecond, so that there is no list to maintain. An
    operator that is not found this way, for example in a zip file, is found by importing the whole
    package.
    """

    def __init__(self, package: str) -> None:
        self._package = package
        self._loaded: dict[str, type[Primitive]] = {}

    @cached_property
    def modules(self) -> dict[str, str]:
        """Map each operator to the module whose source defines it."""
        found: dict[str, str] = {}
        for top in self._folders():
            for folder, _, files in os.walk(top):
                package = self._package + folder.removeprefix(top).replace(os.sep, ".")
                for file in files:
                    if file.endswith(".py"):
                        module = f"{package}.{file.removesuffix('.py')}"
                        # Unbuffered: reading the sources takes most of the time.
                        with FileIO(f"{folder}{os.sep}{file}") as source:
                            names = _NAME.findall(source.read())
                        found |= {name.decode(): module for name in names}
        return found

    def load(self) -> None:
        """Import every module of the package."""
        from pkgutil import walk_packages

        for module in walk_packages(self._folders(), f"{self._package}."):
            import_module(module.name)

    def _folders(self) -> list[str]:
        spec = find_spec(self._package)
        return list(spec.submodule_search_locations or ()) if spec is not None else []

    def __getitem__(self, name: str) -> type[Primitive]:
        if name not in self._loaded and name in self.modules:
            import_module(self.modules[name])
        if name not in self._loaded:
            self.load()
        return self._loaded[name]

    def __setitem__(self, name: str, op: type[Primitive]) -> None:
        if name in self._loaded:
            raise ValueError(f"operator {name!r} is registered twice")
        self._loaded[name] = op

    def __delitem__(self, name: str) -> None:
        del self._loaded[name]

    def __contains__(self, name: object) -> bool:
        if name not in self._loaded and name not in self.modules:
            self.load()
        return name in self._loaded or name in self.modules

    def __iter__(self) -> Iterator[str]:
        self.load()
        return iter(sorted(self._loaded))

    def __len__(self) -> int:
        return sum(1 for _ in self)
