"""Plain immutable records that cost little to define and to make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, eq_default=False)
def record(cls: type[T]) -> type[T]:
    """Make a class a record: with fields and slots, compared by identity.

    The type checker keeps it immutable. At run time nothing does, because a syntax tree has
    thousands of nodes and a frozen dataclass takes three times as long to make one and five times
    as long to be defined, which every start of the command line would pay for.
    """
    return dataclass(slots=True, eq=False, repr=False)(cls)
