"""Which weights a setting of a train section means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from netlang.elaborate.selecting import matches
from netlang.elaborate.values import Layer, Object, Part, Setting
from netlang.ir.graph import Node, Param, Value
from netlang.ir.types import Types


class Weights:
    """The weights of a train section by path, and what uses them."""

    def __init__(self, params: Mapping[Value, Param], nodes: Sequence[Node]) -> None:
        self.by_path = {param.path: value for value, param in params.items()}
        self._params = params
        convolutions: set[str] = set()
        norms: set[str] = set()
        for node in nodes:
            found = [params[v].path for v in node.inputs if v in params]
            if node.op.name.startswith("convolve"):
                convolutions.update(path for path in found if _leaf(path) == "weight")
            if node.op.name.startswith("normalize"):
                norms.update(found)
        self._kinds: dict[str, set[str]] = {
            "convs": convolutions,
            "norms": {path for path in norms if self.trained(path)},
            "weights": {path for path in self.by_path if _leaf(path).startswith("weight")},
            "biases": {path for path in self.by_path if _leaf(path).startswith("bias")},
        }

    def trained(self, path: str) -> bool:
        """Tell whether gradients change a weight."""
        return self._params[self.by_path[path]].trained

    def types(self, paths: Iterable[str]) -> Types:
        return tuple(self.by_path[path].type for path in paths)

    def chosen(self, selection: Object) -> list[str]:
        """List the paths a selection means, in the order of the program."""
        found = self._chosen(selection)
        return [path for path in self.by_path if path in found]

    def chosen_of_all(self, selections: Object) -> list[str]:
        """List the paths that any of a list of selections means."""
        assert isinstance(selections, list)
        found = {path for selection in selections for path in self._chosen(selection)}
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
            case Setting(name="pick", arguments=arguments):
                return self._picked(arguments["of"], arguments["pattern"])
            case Setting(name=kind, arguments=arguments) if kind in self._kinds:
                return self._chosen(arguments["of"]) & self._kinds[kind]
            case _:
                raise TypeError(f"not a selection: {selection!r}")

    def _below(self, path: str) -> set[str]:
        return {p for p in self.by_path if p == path or p.startswith(f"{path}.")}

    def _picked(self, of: Object, pattern: Object) -> set[str]:
        assert isinstance(pattern, str)
        base = root(of)
        return {
            path for path in self._chosen(of) if matches(pattern, path.removeprefix(f"{base}."))
        }


def root(of: Object) -> str:
    """Give the path of a layer or a part."""
    match of:
        case Layer(path=path):
            return path
        case Part(layer=layer, path=path):
            return f"{layer.path}.{path}"
        case _:
            raise TypeError(f"not a layer: {of!r}")


def _leaf(path: str) -> str:
    return path.rpartition(".")[2]
