"""Names that other frameworks use, as data: read when an error message needs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from msgspec import Struct, json

FOLDER = Path(__file__).parent


class _Advice(Struct):
    text: str
    names: list[str]


class _Definitions(Struct):
    modules: list[str]
    aliases: dict[str, dict[str, list[str]]]
    advice: list[_Advice]


class _Parameters(Struct):
    parameters: dict[str, list[str]]
    inferred: list[str]
    parameter_advice: dict[str, str]
    arguments: dict[str, str]
    orders: dict[str, list[list[str]]]
    element_types: dict[str, list[str]]
    types: dict[str, list[str]]
    settings: dict[str, list[str]]


class Definitions(Struct, frozen=True):
    """Names of layers and functions, in lowercase without underscores and ``1d`` to ``3d``.

    ``aliases`` maps them to our names, or to an expression in backticks; ``advice`` says what to
    write instead, with ``<type>`` where the functions that return such a value are listed.
    """

    modules: frozenset[str]
    aliases: Mapping[str, str]
    advice: Mapping[str, str]


class Parameters(Struct, frozen=True):
    """Names of parameters, types and settings; those of parameters in lowercase, without ``_``.

    ``inferred`` are parameters that follow from the shape of the input, ``arguments`` examples of
    a value of each type, ``orders`` in which frameworks take the arguments of our functions (``in``
    is a size that we infer).
    """

    aliases: Mapping[str, str]
    inferred: frozenset[str]
    advice: Mapping[str, str]
    arguments: Mapping[str, str]
    orders: Mapping[str, Sequence[Sequence[str]]]
    element_types: Mapping[str, str]
    types: Mapping[str, str]
    settings: Mapping[str, str]


@cache
def definitions() -> Definitions:
    """Return the names of layers and functions in other frameworks."""
    read = json.decode((FOLDER / "definitions.json").read_bytes(), type=_Definitions)
    aliases = [_inverted(section) for section in read.aliases.values()]
    return Definitions(
        frozenset(read.modules),
        {theirs: ours for section in aliases for theirs, ours in section.items()},
        {name: advice.text for advice in read.advice for name in advice.names},
    )


@cache
def parameters() -> Parameters:
    """Return the names of parameters, types and settings in other frameworks."""
    read = json.decode((FOLDER / "parameters.json").read_bytes(), type=_Parameters)
    return Parameters(
        _inverted(read.parameters),
        frozenset(read.inferred),
        read.parameter_advice,
        read.arguments,
        read.orders,
        _inverted(read.element_types),
        _inverted(read.types),
        _inverted(read.settings),
    )


def _inverted(names: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {theirs: ours for ours, them in names.items() for theirs in them}
