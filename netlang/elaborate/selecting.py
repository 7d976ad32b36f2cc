"""Selections of weights: the paths below a layer, and patterns of paths."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches

from netlang.elaborate.frame import Frame
from netlang.elaborate.values import Layer, Part


def paths_of(layer: Layer, frame: Frame) -> list[str] | None:
    """List the paths of a layer's weights, below the layer; ``None`` where it has none yet."""
    prefix = f"{layer.path}."
    made = [path.removeprefix(prefix) for path in frame.run.weights if path.startswith(prefix)]
    if made or not frame.run.training or layer.function.kind != "net":
        return made or None
    given = {name: arg.value for name, arg in layer.arguments.items()}
    net = frame.run.graph_of(layer.function, given)
    return None if net is None else [param.path for param in net.params.values()]


def below(what: Layer | Part, frame: Frame) -> list[str] | None:
    """List the paths of the weights in a layer, or in a part of one, below it."""
    if isinstance(what, Layer):
        return paths_of(what, frame)
    paths = paths_of(what.layer, frame)
    if paths is None:
        return None
    prefix = f"{what.path}."
    return [path.removeprefix(prefix) for path in paths if path.startswith(prefix)]


def matches(pattern: str, path: str) -> bool:
    """Tell whether a path fits a pattern: ``*`` is within one name, ``**`` any number of names.

    >>> matches("stage*.**.weight", "stage2.1.a.conv.weight"), matches("*.weight", "a.b.weight")
    (True, False)
    """
    return _fits(pattern.split("."), path.split("."))


def _fits(pattern: Sequence[str], path: Sequence[str]) -> bool:
    # Where a pattern of n names can stand after each name of the path: no search, so no blow-up.
    reached = {0}
    for name in path:
        reached = _behind_stars(pattern, reached)
        reached = {
            at if pattern[at] == "**" else at + 1
            for at in reached
            if at < len(pattern) and (pattern[at] == "**" or _same(pattern[at], name))
        }
    return len(pattern) in _behind_stars(pattern, reached)


def _behind_stars(pattern: Sequence[str], reached: set[int]) -> set[int]:
    found = set(reached)
    for at in sorted(reached):
        while at < len(pattern) and pattern[at] == "**":
            at += 1
            found.add(at)
    return found


def _same(pattern: str, name: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name) is not None


def near(pattern: str, paths: Sequence[str]) -> list[str]:
    """Find paths that a pattern may have meant; without any that is like it, the first ones."""
    return get_close_matches(pattern, paths, n=3, cutoff=0.4) or list(paths[:3])
