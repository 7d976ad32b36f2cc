"""The parameters of a network, as a mapping whose changes take effect at the next call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, cast

from netlang.backends.feeds import as_array, convert
from netlang.diagnostics.errors import InputError, WeightsError
from netlang.diagnostics.suggestions import did_you_mean
from netlang.ir.arrays import show_array
from netlang.ir.graph import Graph, Param, Value
from netlang.ir.initializers import initialize
from netlang.storage.weights import require
from netlang.system.numpy import Array, np


class Parameters(MutableMapping[str, "Array"]):
    """Arrays by the path of the parameter, such as ``"c1.weight"``.

    Parameters are initialized from ``seed`` when the first of them is read. Assigning one, also
    by ``+=``, checks its shape and element type and takes effect at the next call. The arrays
    themselves are read-only.
    """

    def __init__(self, graph: Graph, seed: int, changed: Callable[[], None]) -> None:
        self._graph = graph
        self._seed = seed
        self._changed = changed
        self._params = {param.path: param for param in graph.params.values()}
        self._arrays: dict[str, Array] = {}
        self.initial = True
        """Whether the parameters are still those drawn from the seed."""

    def arrays(self) -> Mapping[str, Array]:
        """Return all parameters as plain NumPy arrays, which are read-only."""
        if not self._arrays:
            self._arrays = dict(initialize(self._graph, self._seed))
            _protect(self._arrays)
        return self._arrays

    def replace(self, arrays: Mapping[str, Array], *, copy: bool = True) -> None:
        """Replace all parameters; raises ``WeightsError`` unless every one is there and fits.

        Without ``copy`` the arrays become read-only.
        """
        if not isinstance(cast("object", arrays), Mapping):
            kind = type(arrays).__name__
            raise WeightsError(f"parameters must be a mapping from path to array, got a {kind}")
        require(self._graph, arrays)
        own = {path: arrays[path] for path in self._params}
        self._arrays = {path: np.array(a) for path, a in own.items()} if copy else own
        _protect(self._arrays)
        self._note_change()

    def __getitem__(self, path: str) -> Array:
        if path not in self._params:
            raise KeyError(path)
        return self.arrays()[path].view(Parameter)

    def __setitem__(self, path: str, value: Array) -> None:
        array = np.array(self._converted(path, value))
        self.arrays()
        _protect({path: array})
        self._arrays[path] = array
        self._note_change()

    def __delitem__(self, path: str) -> None:
        raise TypeError("parameters cannot be removed from a network")

    def __contains__(self, path: object) -> bool:
        return path in self._params

    def __iter__(self) -> Iterator[str]:
        return iter(self._params)

    def __len__(self) -> int:
        return len(self._params)

    def __repr__(self) -> str:
        return "\n".join(map(_line, self._params.values()))

    def _converted(self, path: str, value: object) -> Array:
        if path not in self._params:
            raise WeightsError(
                f"`{self._graph.name}` has no parameter `{path}`",
                helps=did_you_mean(path, self._params),
            )
        type = self._params[path].type
        try:
            array = as_array(path, value, type)
            if array.shape != type.shape:
                raise InputError(f"`{path}` must be {type}, got {show_array(array)}")
            return convert(Value(path, type), array)
        except InputError as error:
            raise WeightsError(error.message, notes=error.notes, helps=error.helps) from None

    def _note_change(self) -> None:
        self.initial = False
        self._changed()


def _line(param: Param) -> str:
    return f"{param.path}  {param.type}" + ("" if param.trained else "  non-trainable")


def _protect(arrays: Mapping[str, Array]) -> None:
    for array in arrays.values():
        array.setflags(write=False)


class Parameter(np.ndarray[Any, Any]):
    """An array of a network; ``a += b`` means ``a = a + b`` while it is read-only."""

    def __array_wrap__(
        self, array: Array, context: object = None, return_scalar: bool = False, /
    ) -> Any:
        return array[()] if return_scalar else array


def _unless_read_only(name: str) -> Callable[[Array, object], object]:
    operate = getattr(np.ndarray, name)

    def method(self: Array, other: object) -> object:
        # Python then computes `self + other`, and the result is assigned.
        return operate(self, other) if self.flags.writeable else NotImplemented

    return method


_OPERATORS = (
    "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor",
    "lshift", "rshift",
)  # fmt: skip
for _name in (f"__i{operator}__" for operator in _OPERATORS):
    setattr(Parameter, _name, _unless_read_only(_name))
