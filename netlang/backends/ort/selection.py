"""Which execution providers the installed onnxruntime has, and how a session is opened on one."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from io import StringIO
from typing import TYPE_CHECKING, Protocol, cast

import onnxruntime  # pyright: ignore[reportMissingTypeStubs]

from netlang.backends import Provider
from netlang.backends.providers import (
    AUTO,
    AUTO_ORDER,
    Known,
    ProviderError,
    Requested,
    known,
    requested,
    short_name,
    unavailable,
)

if TYPE_CHECKING:
    from netlang.backends.onnx import Model

CPU = "CPUExecutionProvider"
_NO_KERNELS = "AzureExecutionProvider"
"""It sends whole models to a server, and computes nothing itself."""


class Hardware(Protocol):
    """What onnxruntime says of a piece of hardware."""

    @property
    def type(self) -> object: ...
    @property
    def vendor(self) -> str: ...
    @property
    def device_id(self) -> int: ...


class Device(Protocol):
    """A piece of hardware with a provider that runs on it."""

    @property
    def ep_name(self) -> str: ...
    @property
    def ep_metadata(self) -> Mapping[str, str]: ...
    @property
    def device(self) -> Hardware: ...


class Options(Protocol):
    """The part of onnxruntime's session options that a provider changes."""

    def add_session_config_entry(self, key: str, value: str) -> None: ...
    def add_provider_for_devices(
        self, devices: Sequence[Device], options: Mapping[str, str]
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Selected:
    """A provider to open sessions on, by its full name, with its options.

    ``devices`` are those of a provider that onnxruntime selects by its devices: a plug-in.
    """

    name: str
    full_name: str
    options: Mapping[str, str]
    devices: Sequence[Device] = ()

    @property
    def memory(self) -> str:
        """What onnxruntime calls the provider's memory; nothing where it is the processor's."""
        about = known(short_name(self.full_name))
        return "" if about is None else about.memory

    @property
    def device_id(self) -> int:
        """The number of the device whose memory holds arrays."""
        given = self.options.get("device_id", self.options.get("deviceId", "0"))
        return int(given) if given.isdecimal() and not self.devices else 0

    def configure(self, options: Options, model: Model | None) -> list[object] | None:
        """Change the options of a session; return its providers, ``None`` if these have them."""
        if self.full_name == CPU:
            return [CPU]
        options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
        if self.devices:
            options.add_provider_for_devices(self.devices, self.options)
            return None
        if self.name == "webgpu":
            # Of the options given with its name, onnxruntime 1.27 reads none for this provider.
            given = {**_kept_on_cpu(model), **self._merged}
            for key, value in given.items():
                options.add_session_config_entry(f"ep.{self.full_name.lower()}.{key}", value)
            return [self.full_name, CPU]
        below = ["CUDAExecutionProvider"] if self.name == "tensorrt" else []
        return [(self.full_name, self._merged), *below, CPU]

    @property
    def _merged(self) -> dict[str, str]:
        """The options given, and those that are passed unless others are."""
        about = known(short_name(self.full_name))
        return {**(about.options if about is not None else {}), **self.options}


def _kept_on_cpu(model: Model | None) -> dict[str, str]:
    """Return the option that keeps nodes on the CPU for which WebGPU has half a kernel.

    It accepts a MaxPool with indices and then fails to run it.
    """
    nodes = [] if model is None else model.graph.node
    names = [n.name for n in nodes if n.op_type == "MaxPool" and len(n.output) > 1]
    return {"forceCpuNodeNames": "\n".join(names)} if names else {}


def selection(provider: Provider) -> list[Selected]:
    """Return what a session is opened on, the best first: one provider, or several of ``auto``.

    Raises ``ProviderError`` for a provider that the installed onnxruntime does not have.
    """
    request = requested(provider)
    if request.is_package:
        return [_plugin(request)]
    full_names = {short_name(name): name for name in _built_in()}
    if request.name == AUTO:
        return [Selected(name, full_names[name], {}) for name in AUTO_ORDER if name in full_names]
    if request.name in full_names:
        if request.name in ("cuda", "tensorrt"):
            _load_cuda()
        return [Selected(request.name, full_names[request.name], request.options)]
    devices = [d for d in ep_devices() if short_name(d.ep_name) == request.name]
    if devices:
        return [_on_device(request, devices)]
    raise unavailable(request, available(), _why_missing(known(request.name)))


def available(*, without: str = "") -> list[str]:
    """Return the short names of the providers of the installed onnxruntime."""
    found = dict.fromkeys([*_built_in(), *(device.ep_name for device in ep_devices())])
    return [name for full in found if (name := short_name(full)) != without]


def _built_in() -> list[str]:
    found = cast("list[str]", onnxruntime.get_available_providers())
    return [name for name in found if name != _NO_KERNELS]


def ep_devices() -> Sequence[Device]:
    """Return the devices that onnxruntime found, with the providers that run on them."""
    find = getattr(onnxruntime, "get_ep_devices", None)
    return [] if find is None else cast("Sequence[Device]", find())


def _why_missing(about: Known | None) -> list[str]:
    if about is None or not about.is_plugin:
        return []
    try:
        import_module(module_of(about.package))
    except ImportError:
        return []
    return [f"{about.package} is installed: `--provider {about.package}` uses it"]


def module_of(package: str) -> str:
    """Return the module that a package with a plug-in provider installs.

    >>> module_of("onnxruntime-ep-webgpu")
    'onnxruntime_ep_webgpu'
    """
    return package.replace("-", "_")


class _Plugin(Protocol):
    """The functions that a package with a plug-in provider has, by convention."""

    def get_library_path(self) -> str: ...
    def get_ep_name(self) -> str: ...


def _plugin(request: Requested) -> Selected:
    """Register the provider of a package; raises ``ProviderError`` where it runs on no device."""
    try:
        full_name = _register(request.name)
    except ImportError as error:
        missing = error.name == module_of(request.name)
        raise ProviderError(
            f"the provider `{request.name}` is not available",
            notes=["the package is not installed" if missing else str(error)],
            helps=[f"install it: pip install {request.name}"] if missing else [],
        ) from None
    except Exception as error:
        raise ProviderError(
            f"the provider `{request.name}` is not available",
            notes=[f"onnxruntime {onnxruntime.__version__} does not accept it: {error}"],
        ) from None
    devices = [device for device in ep_devices() if device.ep_name == full_name]
    if not devices:
        raise ProviderError(
            f"the provider `{request.name}` is not available",
            notes=["it finds no device of this machine that it runs on"],
        )
    return _on_device(request, devices)


def _on_device(request: Requested, devices: Sequence[Device]) -> Selected:
    """Select the first device, or the one whose number is the option ``device_id``."""
    options = dict(request.options)
    number = options.pop("device_id", "0")
    if not number.isdecimal() or int(number) >= len(devices):
        raise ProviderError(
            f"the provider `{request.name}` has no device {number}",
            notes=[f"it has {len(devices)}: `netlang providers` lists them"],
        )
    chosen = devices[int(number)]
    return Selected(request.name, chosen.ep_name, options, [chosen])


@cache
def _register(package: str) -> str:
    """Register a plug-in provider with onnxruntime; return its full name."""
    module = cast("_Plugin", import_module(module_of(package)))
    onnxruntime.register_execution_provider_library(package, module.get_library_path())
    return module.get_ep_name()


@cache
def _load_cuda() -> None:
    """Load the libraries of CUDA that pip has installed; those of the system are found anyway."""
    load = getattr(onnxruntime, "preload_dlls", None)
    if load is not None:
        # What it cannot load it prints; what is missing is said when a session is opened.
        with redirect_stdout(StringIO()):
            load()
