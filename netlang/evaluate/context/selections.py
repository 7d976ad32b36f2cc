"""Selections of parameters: the paths below a layer, and patterns of paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netlang.evaluate.context.frame import Frame
from netlang.evaluate.context.values import Layer, Object, Part, Setting, Unknown
from netlang.ir.graph import Node, Param, Value


def paths_of(layer: Layer, frame: Frame) -> list[str] | None:
    """Return the paths of a layer's parameters, below the layer; ``None`` if it has none yet."""
    prefix = f"{layer.path}."
    made = [path.removeprefix(prefix) for path in frame.run.weights if path.startswith(prefix)]
    if made or not frame.run.training or layer.function.kind != "net":
        return made or None
    given = {name: arg.value for name, arg in layer.arguments.items()}
    net = frame.run.graph_of(layer.function, given)
    return None if net is None else [param.path for param in net.params.values()]


def below(what: Layer | Part, frame: Frame) -> list[str] | None:
    """Return the paths of the parameters in a layer, or in a part of one, below it."""
    if isinstance(what, Layer):
        return paths_of(what, frame)
    paths = paths_of(what.layer, frame)
    if paths is None:
        return None
    prefix = f"{what.path}."
    return [path.removeprefix(prefix) for path in paths if path.startswith(prefix)]


def matches(pattern: str, path: str) -> bool:
    """Return whether a path fits a pattern: ``*`` is within one name, ``**`` any number of names.

    >>> matches("stage*.**.weight", "stage2.1.a.conv.weight"), matches("*.weight", "a.b.weight")
    (True, False)
    """
    return _fits(pattern.split("."), path.split("."))


def _fits(pattern: Sequence[str], path: Sequence[str]) -> bool:
    # The positions in the pattern that each name of the path can reach: no search, so no blow-up.
    reached = {0}
    for name in path:
        reached = _after_stars(pattern, reached)
        reached = {
            at if pattern[at] == "**" else at + 1
            for at in reached
            if at < len(pattern) and (pattern[at] == "**" or _same(pattern[at], name))
        }
    return len(pattern) in _after_stars(pattern, reached)


def _after_stars(pattern: Sequence[str], reached: set[int]) -> set[int]:
    found = set(reached)
    for at in sorted(reached):
        while at < len(pattern) and pattern[at] == "**":
            at += 1
            found.add(at)
    return found


def _same(pattern: str, name: str) -> bool:
    first, *rest = pattern.split("*")
    if not rest:
        return name == pattern
    *middle, last = rest
    at = len(first)
    for part in middle:
        # The first occurrence leaves the most for the others: no search, so no blow-up here either.
        found = name.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return name.startswith(first) and name.endswith(last) and len(name) - len(last) >= at


def near(pattern: str, paths: Sequence[str]) -> list[str]:
    """Return paths that are similar to a pattern; if there are none, the first ones."""
    from difflib import get_close_matches

    return get_close_matches(pattern, paths, n=3, cutoff=0.4) or list(paths[:3])


class Weights:
    """The parameters of a train section by path, and what uses them."""

    def __init__(self, params: Mapping[Value, Param], nodes: Sequence[Node]) -> None:
        self.by_path = {param.path: value for value, param in params.items()}
        self._params = params
        convolutions: set[str] = set()
        norms: set[str] = set()
        for node in nodes:
            found = [params[v].path for v in node.inputs if v in params]
            if node.op.family == "convolution":
                convolutions.update(path for path in found if _leaf(path) == "weight")
            if node.op.family == "normalization":
                norms.update(found)
        self._kinds: dict[str, set[str]] = {
            "convs": convolutions,
            "norms": {path for path in norms if self.trained(path)},
            "weights": {path for path in self.by_path if _leaf(path).startswith("weight")},
            "biases": {path for path in self.by_path if _leaf(path).startswith("bias")},
        }

    def trained(self, path: str) -> bool:
        """Return whether a parameter is trainable."""
        return self._params[self.by_path[path]].trained

    def chosen(self, selection: Object) -> list[str]:
        """Return the paths that a selection denotes, in the order of the program."""
        found = self._chosen(selection)
        return [path for path in self.by_path if path in found]

    def chosen_of_all(self, selections: Object) -> list[str]:
        """Return the paths that any of a list of selections denotes."""
        items = selections if isinstance(selections, list) else []
        found = {path for selection in items for path in self._chosen(selection)}
        return [path for path in self.by_path if path in found]

    def _chosen(self, selection: Object) -> set[str]:
        match selection:
            case Layer(path=path):
                return self._below(path)
            case Part(layer=layer, path=path):
                return self._below(f"{layer.path}.{path}")
            case Value():
                return {self._params[selection].path} if selection in self._params else set()
            case Setting(name="both", arguments=arguments):
                return {path for part in arguments.values() for path in self._chosen(part)}
            case Setting(name="pick", arguments={"of": of, "pattern": str() as pattern}):
                return self._picked(of, pattern)
            case Setting(name=kind, arguments={"of": of}) if kind in self._kinds:
                return self._chosen(of) & self._kinds[kind]
            case Unknown():
                return set()
            case _:
                raise TypeError(f"not a selection: {selection!r}")

    def _below(self, path: str) -> set[str]:
        return {p for p in self.by_path if p == path or p.startswith(f"{path}.")}

    def _picked(self, of: Object, pattern: str) -> set[str]:
        base = root(of)
        return {
            path for path in self._chosen(of) if matches(pattern, path.removeprefix(f"{base}."))
        }


def root(of: Object) -> str:
    """Return the path of a layer or a part."""
    match of:
        case Layer(path=path):
            return path
        case Part(layer=layer, path=path):
            return f"{layer.path}.{path}"
        case _:
            raise TypeError(f"not a layer: {of!r}")


def _leaf(path: str) -> str:
    return path.rpartition(".")[2]
