"""Calls of one block that differ in some steps, such as a projection that only a few have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from netlang.codegen.numpy_program.regions import Number, Region
from netlang.codegen.numpy_program.shapes import ItemKey, Shape, Shapes


def unite_variants(shapes: Shapes, root: Region) -> None:
    """Unite the structures of the calls of a block where one only leaves out steps of another.

    What the left-out steps compute is another value there: a shortcut is the input instead of its
    projection. Inner blocks come first, because the structure of a block contains theirs.
    """
    called = sorted(_calls(root), key=lambda region: (_height(region), region.name))
    for _, group in groupby(called, key=lambda region: (_height(region), region.name)):
        variants: dict[object, list[Shape]] = {}
        for region in group:
            shape = shapes.of(region)
            variants.setdefault(shape.key, []).append(shape)
        longest_first = sorted(variants.values(), key=lambda each: -len(each[0].items))
        for at, variant in enumerate(longest_first):
            for whole in longest_first[:at]:
                if not whole[0].left_out and _united(whole[0], variant):
                    break


def _calls(region: Region) -> Iterator[Region]:
    for item in region.items:
        if isinstance(item, Region):
            yield from _calls(item)
            if not item.is_iteration:
                yield item


def _height(region: Region) -> int:
    inner = (_height(item) for item in region.items if isinstance(item, Region))
    return (not region.is_iteration) + max(inner, default=0)


def _united(whole: Shape, variant: Sequence[Shape]) -> bool:
    """Make shapes of one structure leave out steps of another one; return whether they can."""
    part = variant[0]
    found = _alignment(whole.item_keys, part.item_keys)
    regions = whole.region, part.region
    if found is None or len({(len(r.inputs), r.own_parameters) for r in regions}) > 1:
        return False
    replaced = _replacements(whole, part, found)
    if replaced is None or any(whole.replaced.get(k, v) != v for k, v in replaced.items()):
        return False
    whole.replaced |= replaced
    for shape in variant:
        shape.leave_out(whole, found, replaced)
    return True


def _alignment(whole: Sequence[ItemKey], part: Sequence[ItemKey]) -> list[int] | None:
    """Return the index in ``whole`` of each step of ``part``; ``None`` if one is missing.

    Of several alignments it is the one that ends last.
    """
    found: list[int] = []
    at = len(whole)
    for key in reversed(part):
        at = next((i for i in range(at - 1, -1, -1) if whole[i].kind == key.kind), -1)
        if at < 0:
            return None
        found.append(at)
    return found[::-1]


def _replacements(whole: Shape, part: Shape, found: Sequence[int]) -> dict[Number, Number] | None:
    """Return what takes the place of results that ``part`` lacks; ``None`` if they differ more."""
    replaced: dict[Number, Number] = {}

    def agree(ours: str | Number, theirs: str | Number) -> bool:
        if isinstance(ours, str) or isinstance(theirs, str):
            return ours == theirs
        number = _moved(theirs, found)
        if ours == number:
            return True
        is_earlier = number[0] < ours[0]
        return ours[0] not in kept and is_earlier and replaced.setdefault(ours, number) == number

    kept = {-1, *found}
    for at, key in zip(found, part.item_keys, strict=True):
        pairs = zip(whole.item_keys[at].operands, key.operands, strict=True)
        if not all(agree(ours, theirs) for ours, theirs in pairs):
            return None
    ours = [whole.numbers[value] for value in whole.region.outputs]
    theirs = [part.numbers[value] for value in part.region.outputs]
    if len(ours) != len(theirs) or not all(map(agree, ours, theirs)):
        return None
    return replaced


def _moved(number: Number, found: Sequence[int]) -> Number:
    at, *rest = number
    return number if at < 0 else (found[at], *rest)
