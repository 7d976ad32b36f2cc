"""Our names for the parameters, types and settings of other frameworks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from netlang.advice.definitions import advice_for, ours_of
from netlang.advice.tables import parameters
from netlang.diagnostics.source import Span
from netlang.diagnostics.suggestions import Suggestion, folded, nearest, renaming, respelled
from netlang.ir.types import DType

_DROPPED = ("leave it out", "give the call a name with `as`")


class Meant(Struct, frozen=True):
    """What an unknown parameter most likely means: one of ours, or none, so that it is dropped."""

    helps: tuple[str, ...] = ()
    name: str | None = None
    dropped: bool = False


def meant_parameter(name: str, known: Iterable[str]) -> Meant:
    """Return what a parameter that is not among the known ones most likely means.

    >>> meant_parameter("kernel_size", ["kernel"]).name, meant_parameter("inplace", ["x"]).dropped
    ('kernel', True)
    """
    ours, plain = list(known), folded(name)
    elsewhere = parameters()
    if (own := respelled(name, ours)) is not None:
        return Meant((f"did you mean `{own}`?",), own)
    alias = elsewhere.aliases.get(plain)
    if alias in ours:
        return Meant((f"netlang calls this `{alias}`",), alias)
    if plain in elsewhere.inferred:
        return Meant(("leave it out: it follows from the shape of the input",), dropped=True)
    if plain in elsewhere.advice:
        advice = elsewhere.advice[plain]
        return Meant((advice,), dropped=advice.startswith(_DROPPED))
    there = {theirs: our for theirs, our in elsewhere.aliases.items() if our in ours}
    near = nearest(name, ours) or there.get(nearest(plain, there) or "")
    return Meant((f"did you mean `{near}`?",) if near is not None else (), near)


def our_parameter(name: str, known: Iterable[str]) -> str:
    """Return our name for a parameter that other frameworks call ``name``, or the name itself."""
    ours = set(known)
    alias = parameters().aliases.get(folded(name))
    return alias if alias in ours and name not in ours else name


def is_inferred(name: str, known: Iterable[str]) -> bool:
    """Return whether a parameter of other frameworks follows from the shape of the input."""
    return name not in set(known) and folded(name) in parameters().inferred


def argument_orders(function: str) -> Sequence[Sequence[str]]:
    """Return the orders in which other frameworks take the arguments of a function of ours.

    An order lists our names of the parameters after the tensor; `in` is a size that we infer.
    """
    return parameters().orders.get(function, ())


def element_suggestion(name: Span) -> Suggestion:
    """Suggest the element type that an unknown one most likely means."""
    known = [d.value for d in DType]
    near = parameters().element_types.get(name.text.lower()) or nearest(name.text, known)
    if near is not None:
        return {"helps": (f"did you mean `{near}`?",), "fixes": renaming(name, near)}
    return {"helps": (f"element types: {' '.join(known)}",), "fixes": ()}


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
