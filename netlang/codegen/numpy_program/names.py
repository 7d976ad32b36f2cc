"""The names of the local variables of a function, reused when a value is no longer needed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from keyword import iskeyword

from netlang.ir.graph import Value


class Names:
    """``last`` is the position of the last use of each value."""

    def __init__(self, last: dict[Value, int], taken: frozenset[str]) -> None:
        self.last = last
        self.taken = set(taken)
        self.held: dict[str, Value | None] = {}

    def reserve(self, name: str) -> str:
        """Return a name that no value has or gets."""
        unique = next(n for n in self.candidates(name) if n not in self.held)
        self.taken.add(unique)
        return unique

    def assign(
        self, value: Value | None, stem: str, position: int, avoided: Iterable[str] = ()
    ) -> str:
        """Return a name for a value under which no other value is needed from a position on."""
        fitting = (n for n in self.candidates(stem) if n not in avoided)
        unique = next(n for n in fitting if self.free(n, position))
        self.held[unique] = value
        return unique

    def free(self, name: str, position: int) -> bool:
        holder = self.held.get(name)
        return name not in self.held or (
            holder is not None and self.last.get(holder, -1) <= position
        )

    def candidates(self, stem: str) -> Iterator[str]:
        name = identifier(stem)
        number = 1
        while True:
            unique = name if number == 1 else f"{name}_{number}"
            if unique not in self.taken:
                yield unique
            number += 1


def stem(value: Value, path: str) -> str:
    """Return the user's name of a value in a block with a path, or ``""``."""
    name = value.name
    if path and name.startswith(f"{path}."):
        name = name[len(path) + 1 :]
    elif path and name == path:
        name = ""
    first = name.partition(".")[0]
    return "" if first.isdigit() else first


def identifier(text: str) -> str:
    name = re.sub(r"\W", "_", text).lstrip("0123456789_") or "y"
    return f"{name}_" if iskeyword(name) else name
