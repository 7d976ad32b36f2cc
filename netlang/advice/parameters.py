"""Our names for the parameters, types and settings of other frameworks."""

from __future__ import annotations

from collections.abc import Iterable

from netlang.advice.definitions import advice_for, folded, ours_of
from netlang.advice.tables import parameters
from netlang.diagnostics.suggestions import did_you_mean, nearest
from netlang.ir.types import DType


def parameter_helps(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return which of the known parameters an unknown one most likely means."""
    ours, plain = list(known), folded(name)
    elsewhere = parameters()
    if elsewhere.aliases.get(plain) in ours:
        return (f"netlang calls this `{elsewhere.aliases[plain]}`",)
    if plain in elsewhere.inferred:
        return ("leave it out: it follows from the shape of the input",)
    if plain in elsewhere.advice:
        return (elsewhere.advice[plain],)
    if near := did_you_mean(name, ours):
        return near
    there = {theirs: our for theirs, our in elsewhere.aliases.items() if our in ours}
    meant = nearest(plain, there)
    return (f"did you mean `{there[meant]}`?",) if meant is not None else ()


def element_helps(name: str) -> tuple[str, ...]:
    """Return which element type an unknown one most likely means."""
    known = [d.value for d in DType]
    near = parameters().element_types.get(name.lower()) or nearest(name, known)
    if near is not None:
        return (f"did you mean `{near}`?",)
    return (f"element types: {' '.join(known)}",)


def type_like(name: str, known: Iterable[str]) -> str | None:
    """Return the type that an unknown one most likely means."""
    return parameters().types.get(name.lower()) or nearest(name, known)


def setting_like(name: str, known: Iterable[str]) -> str | None:
    """Return the setting of a train section that an unknown one most likely means."""
    return parameters().settings.get(name.lower()) or nearest(name, known)


def argument_helps(type: str) -> tuple[str, ...]:
    """Return an example of a value of a type, if people tend to write it in other ways."""
    text = parameters().arguments.get(type)
    return (text,) if text is not None else ()


def method_helps(name: str, on: str, visible: Iterable[str]) -> tuple[str, ...]:
    """Return how to write what is a method of a tensor in other frameworks."""
    if name in ("shape", "size"):
        return (
            f"one size is `size({on}, 1)`, all are `shape({on})`; "
            "or name them in the signature: `x: f32[N, C, H, W]`",
        )
    if (text := advice_for(name)) is not None:
        return (text,)
    ours = ours_of(name) or name
    if ours in set(visible):
        return (f"write it as a call: `{ours}({on}, …)` or `{on} |> {ours}(…)`",)
    return ("its sizes have names in the signature: `x: f32[N, C, H, W]`",)
