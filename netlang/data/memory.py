"""Examples that a caller has in memory, in place of those that a section names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from netlang.data.datasets import Declared
from netlang.data.pipeline import Dataset, Location
from netlang.data.source import Source
from netlang.data.sources.functions import from_values

PLACE = "the data given"


class Memory(Declared, frozen=True, kw_only=True):
    """Columns by name, read as a program's own dataset declares them."""

    values: Mapping[str, object]

    def open(self, location: Location) -> Source:
        own = {n: r for n, r in self.readings.items() if r.images is None or n not in self.values}
        return super(Memory, structs.replace(self, readings=own)).open(location)

    def read(self, location: Location) -> Source:
        return from_values(PLACE, self.values, location)


def in_memory(dataset: Dataset, values: Mapping[str, object]) -> Memory:
    """Return the columns as the examples of a dataset; how it declares them to be read stays."""
    own: dict[str, Any] = {"name": PLACE}
    if isinstance(dataset, Declared):
        own = structs.asdict(dataset)
    declared = {name: own[name] for name in Declared.__struct_fields__ if name in own}
    return Memory(**declared, values=values)
