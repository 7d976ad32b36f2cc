"""Execution providers of onnxruntime: their short names, their options, and what each needs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from netlang.diagnostics import rules
from netlang.diagnostics.errors import ENVIRONMENT, USAGE, NetlangError
from netlang.diagnostics.suggestions import nearest

AUTO = "auto"
_SUFFIX = "ExecutionProvider"


@dataclass(frozen=True, slots=True)
class Known:
    """A provider: its name in onnxruntime, what it computes on, and the package that has it.

    ``memory`` is what onnxruntime calls its memory, where arrays can stay between runs; without
    it they are in that of the processor. ``options`` are passed unless others are given.
    """

    name: str
    full_name: str
    hardware: str
    package: str
    memory: str = ""
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    needs: str = ""

    @property
    def is_plugin(self) -> bool:
        """Whether its package is installed next to onnxruntime, and not instead of it."""
        return self.package.startswith(_PLUGINS)

    @property
    def install(self) -> str:
        """The command that installs it."""
        return f"pip install {self.package}" if self.is_plugin else replacing(self.package)


_PLUGINS = ("onnxruntime-ep-", "onnxruntime-qnn")


KNOWN = (
    Known("cpu", "CPUExecutionProvider", "any processor", "onnxruntime"),
    Known(
        "cuda", "CUDAExecutionProvider", "NVIDIA GPUs", "onnxruntime-gpu[cuda,cudnn]", "cuda",
        # TensorFloat-32 keeps ten bits of a product: far from what the interpreter computes.
        {"use_tf32": "0"}, "a driver of NVIDIA",
    ),
    Known(
        "tensorrt", "TensorrtExecutionProvider", "NVIDIA GPUs", "onnxruntime-gpu[cuda,cudnn]",
        "cuda", needs="TensorRT, from NVIDIA",
    ),
    Known(
        "tensorrt_rtx", "NvTensorRTRTXExecutionProvider", "NVIDIA RTX GPUs",
        "onnxruntime-ep-nv-tensorrt-rtx", "cuda", needs="a driver of NVIDIA",
    ),
    Known(
        "migraphx", "MIGraphXExecutionProvider", "AMD GPUs", "onnxruntime-migraphx",
        needs="ROCm, from AMD",
    ),
    Known(
        "rocm", "ROCMExecutionProvider", "AMD GPUs", "onnxruntime-rocm", needs="ROCm, from AMD",
    ),
    Known(
        "directml", "DmlExecutionProvider", "GPUs on Windows", "onnxruntime-directml", "dml",
        needs="Windows",
    ),
    Known(
        "coreml", "CoreMLExecutionProvider", "GPU and neural engine of a Mac", "onnxruntime",
        needs="macOS",
    ),
    Known(
        "webgpu", "WebGpuExecutionProvider", "GPUs through Vulkan, Metal or Direct3D",
        "onnxruntime-webgpu", "webgpu",
        # Its convolutions of channels last are wrong unless these are a multiple of 4.
        {"preferredLayout": "NCHW"}, "a driver of Vulkan, Metal or Direct3D",
    ),
    Known(
        "openvino", "OpenVINOExecutionProvider", "processors, GPUs and NPUs of Intel",
        "onnxruntime-openvino",
    ),
    Known("qnn", "QNNExecutionProvider", "NPUs of Qualcomm", "onnxruntime-qnn"),
    Known("cann", "CANNExecutionProvider", "NPUs of Huawei", "onnxruntime-cann", "cann"),
)  # fmt: skip
"""The providers with short names of their own; any other one has the beginning of its full name."""

AUTO_ORDER = ("cuda", "migraphx", "rocm", "directml", "coreml", "webgpu", "cpu")
"""What ``auto`` takes the first available one of.

It takes none that computes in a lower precision, compiles a model for minutes, or trains more
slowly than the processor, as OpenVINO does.
"""

_ALIASES = {
    "cuda": ("gpu", "nvidia", "torch_cuda"),
    "tensorrt": ("trt",),
    "migraphx": ("amd", "hip"),
    "directml": ("dml", "directx", "windows"),
    "coreml": ("mps", "metal", "apple", "ane"),
    "webgpu": ("vulkan", "wgpu"),
    "openvino": ("intel", "ov", "vino"),
    "qnn": ("npu", "qualcomm"),
}
_BY_NAME = {known.name: known for known in KNOWN}
_BY_FULL_NAME = {known.full_name: known for known in KNOWN}


class ProviderError(NetlangError):
    """The requested provider is unknown, or is not available on this machine."""

    def __init__(
        self, message: str, *, notes: Sequence[str] = (), helps: Sequence[str] = (),
        exit_code: int = ENVIRONMENT,
    ) -> None:  # fmt: skip
        super().__init__(
            rules.PROVIDER_MISSING, message, notes=notes, helps=helps, exit_code=exit_code
        )


@dataclass(frozen=True, slots=True)
class Requested:
    """A provider by its short name or the name of its package, and the options given for it."""

    name: str
    options: Mapping[str, str]

    @property
    def is_package(self) -> bool:
        return "-" in self.name


def requested(provider: str) -> Requested:
    """Read the name of a provider and its options: ``cuda:device_id=1,use_tf32=1``.

    A comma separates two options where a name and `=` follow it, so values may have commas.
    Raises ``ProviderError`` for a name in another spelling, and for options that are none.
    """
    name, colon, rest = str(provider).partition(":")
    if not re.fullmatch(r"[a-z0-9_.]+(-[a-z0-9_.]+)*", name) or _meant(name):
        raise _unknown(name, _meant(name))
    parts = re.split(r",(?=\w+=)", rest) if colon else []
    pairs = [part.partition("=") for part in parts]
    if bad := [key for key, equals, value in pairs if not (key and equals and value)]:
        example = f"{name}:device_id={bad[0]}" if bad[0].isdecimal() else f"{name}:NAME=VALUE"
        raise ProviderError(
            f"`{provider}`: an option of a provider is written NAME=VALUE",
            helps=[f"write `{example}`"],
            exit_code=USAGE,
        )
    if name == AUTO and pairs:
        raise ProviderError(
            "`auto` takes no options: each provider has its own",
            helps=[f"name the provider: `cuda:{rest}`"],
            exit_code=USAGE,
        )
    return Requested(name, {key: value for key, _, value in pairs})


def known(name: str) -> Known | None:
    """Return what is known of the provider of a short name."""
    return _BY_NAME.get(name)


def short_name(full_name: str) -> str:
    """Return the short name of a provider.

    >>> short_name("DmlExecutionProvider"), short_name("XnnpackExecutionProvider")
    ('directml', 'xnnpack')
    """
    found = _BY_FULL_NAME.get(full_name)
    return found.name if found is not None else full_name.removesuffix(_SUFFIX).lower()


def unavailable(request: Requested, available: Iterable[str], why: Sequence[str]) -> ProviderError:
    """Return the error for a provider that is not available, with how to install it."""
    here = [*available]
    about = known(request.name)
    if about is None and not request.is_package and not why:
        return _unknown(request.name, nearest(request.name, [AUTO, *_BY_NAME, *here]), here)
    helps = ["the provider `auto` takes the best there is"]
    if about is not None:
        needs = f" and {about.needs}" if about.needs else ""
        package = about.package.partition("[")[0]
        helps.append(f"`{about.name}` needs the package {package}{needs}: {about.install}")
    return ProviderError(
        f"the provider `{request.name}` is not available",
        notes=[*why, f"available here: {', '.join(here)}"],
        helps=helps,
    )


def _unknown(name: str, meant: str | None, available: Sequence[str] = ()) -> ProviderError:
    listed = [f"available here: {', '.join(available)}"] if available else []
    helps = [f"did you mean `{meant}`?"] if meant else ["`netlang providers` lists all of them"]
    return ProviderError(
        f"there is no provider `{name}`", notes=listed, helps=helps, exit_code=USAGE
    )


def _meant(name: str) -> str | None:
    """Return the short name that another spelling means."""
    if name in _BY_NAME:
        return None
    if name.endswith(_SUFFIX):
        return short_name(name)
    lower = name.lower()
    if lower in _BY_NAME:
        return lower
    return next((own for own, others in _ALIASES.items() if lower in others), None)


def distributions() -> list[str]:
    """Return the installed packages that have the module ``onnxruntime``: one, if all is well."""
    from importlib.metadata import distributions as installed

    names = {d.name: d for d in installed() if d.name.lower().startswith(("onnxruntime", "ort-"))}
    module = PurePosixPath("onnxruntime/__init__.py")
    return sorted(name for name, d in names.items() if module in (d.files or ()))


def replacing(package: str) -> str:
    """Return the command that leaves one package with the module ``onnxruntime``.

    The others go first: whichever is removed takes the files of the module along.
    """
    bare = package.partition("[")[0]
    wanted = f'"{package}"' if "[" in package else package
    present = [name for name in distributions() if name != bare]
    removing = f"pip uninstall -y {' '.join([*present, bare])} && " if present else ""
    return f"{removing}pip install {wanted}"


@dataclass(frozen=True, slots=True)
class OnCpu:
    """A node of a model that the provider has no kernel for; ``place`` is where it is written."""

    name: str
    kind: str
    place: str


@dataclass(frozen=True, slots=True)
class Placement:
    """Which of the nodes of a model a provider left to the CPU."""

    provider: str
    nodes: int
    on_cpu: Sequence[OnCpu]

    def __str__(self) -> str:
        return (
            f"{len(self.on_cpu):,} of {self.nodes:,} nodes run on the CPU: "
            f"`{self.provider}` has no kernels for them"
        )


PLACED: ContextVar[Callable[[Placement], None] | None] = ContextVar("placed", default=None)
"""Called with the placement of each model that is opened on another provider than the CPU."""
