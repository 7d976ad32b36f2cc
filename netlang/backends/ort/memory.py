"""Arrays in the memory of onnxruntime: that of the processor, or of the device of a provider."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import onnxruntime  # pyright: ignore[reportMissingTypeStubs]

from netlang.system.numpy import Array, np

if TYPE_CHECKING:
    from netlang.backends.onnx import Model
    from netlang.backends.ort.opening import Inner

_HOST = "cpu"


class Held(Protocol):
    """An array in the memory of onnxruntime; ``numpy`` copies it from that of a device."""

    def numpy(self) -> Array: ...


class Binding(Protocol):
    """The part of onnxruntime's binding of inputs and outputs to memory that we use."""

    def bind_ortvalue_input(self, name: str, ortvalue: Held) -> None: ...
    def bind_output(self, name: str, device_type: str, device_id: int) -> None: ...
    def get_outputs(self) -> Sequence[Held]: ...


def held(array: Array) -> Held:
    """Return an array for onnxruntime; it is not copied where its elements follow each other."""
    return onnxruntime.OrtValue.ortvalue_from_numpy(
        np.ascontiguousarray(array).reshape(array.shape)  # which makes one axis of none
    )


class DeviceMemory:
    """The memory of the device of a provider, ``kind`` being what onnxruntime calls it.

    An array is copied to it by a model that copies: not every provider allocates memory for
    us, but every one puts the results of a model where they are bound to.
    """

    def __init__(self, kind: str, device_id: int, open_model: Callable[[Model], Inner]) -> None:
        self._kind, self._id, self._open = kind, device_id, open_model
        self._copying: dict[tuple[np.dtype, int], Inner] = {}

    def store(self, array: Array) -> Held:
        """Copy an array to the device."""
        from netlang.backends.onnx import copying

        key = array.dtype, array.ndim
        if key not in self._copying:
            self._copying[key] = self._open(copying(array))
        (stored,) = self.run(self._copying[key], ["x"], ["y"], {"x": held(array)}, ["y"])
        return stored

    def run(
        self, session: Inner, inputs: Sequence[str], outputs: Sequence[str],
        feeds: Mapping[str, Held], kept: Collection[str],
    ) -> Sequence[Held]:  # fmt: skip
        """Run a model and return its outputs; those that are ``kept`` stay on the device."""
        binding = session.io_binding()
        for name in inputs:
            binding.bind_ortvalue_input(name, feeds[name])
        for name in outputs:
            if name in kept:
                binding.bind_output(name, self._kind, self._id)
            else:
                binding.bind_output(name, _HOST, 0)
        session.run_with_iobinding(binding)
        return binding.get_outputs()
