"""ONNX models run by onnxruntime; the only module that imports it."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Protocol, cast, get_args

import onnxruntime  # pyright: ignore[reportMissingTypeStubs]

from netlang.backends import Provider as Provider
from netlang.diagnostics import rules
from netlang.diagnostics.errors import DIAGNOSED, ENVIRONMENT, NetlangError
from netlang.system.numpy import Array, np
from netlang.system.versions import VersionError, check_version

if TYPE_CHECKING:
    from netlang.backends.onnx import Model

check_version("onnxruntime", onnxruntime.__version__)

_OUT_OF_MEMORY = re.compile(r"(failed to|cannot) allocate memory|bad.alloc|out of memory", re.I)
_OF_CUDA = re.compile(r"\b(CUDA|CUDNN|CUBLAS|CUFFT) (failure|error)", re.I)
_CPU, _CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
_MOST_IN_MEMORY = (1 << 31) - (1 << 26)
"""Bytes of weights that leave room for the rest in a message of at most 2 GiB."""


class Held(Protocol):
    """An array in the memory of onnxruntime."""

    def numpy(self) -> Array: ...


class _Named(Protocol):
    @property
    def name(self) -> str: ...


class _Inner(Protocol):
    """The part of onnxruntime's session that we use."""

    def get_providers(self) -> Sequence[str]: ...
    def get_inputs(self) -> Sequence[_Named]: ...
    def get_outputs(self) -> Sequence[_Named]: ...
    def end_profiling(self) -> str: ...
    def run(self, output_names: None, input_feed: Mapping[str, Array]) -> Sequence[object]: ...
    def run_with_ort_values(
        self, output_names: Sequence[str], input_dict_ort_values: Mapping[str, Held]
    ) -> Sequence[Held]: ...


class ProviderError(NetlangError):
    """The requested provider is not available on this machine."""

    def __init__(self, name: str, available: Sequence[str], *, why: str = "") -> None:
        listed = ", ".join(available)
        super().__init__(
            rules.PROVIDER_MISSING,
            f"the provider `{name}` is not available",
            notes=[*([why] if why else []), f"available here: {listed}"],
            helps=[
                "the provider `auto` takes the best there is",
                *(["cuda needs the package onnxruntime-gpu"] if name == "cuda" else []),
            ],
            exit_code=ENVIRONMENT,
        )


class ExecutionError(NetlangError):
    """onnxruntime rejected a model or failed to run it."""


class NoKernel(ExecutionError):
    """onnxruntime has no kernel of an operator, ``kind``, for the element type used here."""

    def __init__(self, message: str, kind: str, *, notes: Sequence[str]) -> None:
        super().__init__(rules.RUN_FAILED, message, notes=notes)
        self.kind = kind


_LACKS = re.compile(
    r"Could not find an implementation for (\w+)|(\w+) operator does not support double"
)


class Session:
    """A model ready to run.

    ``provider`` is used or ``ProviderError`` is raised; only ``auto`` falls back to another one.
    ``threads`` limits the threads of one operator. Without ``optimize`` every node is computed as
    written, which is slower and differs in the last digits. With ``shared_arena`` memory is
    allocated as needed, and shared with other such sessions, instead of being planned in advance:
    much less for a large model, and as fast. ``record`` is a folder for a ``recording``. Raises
    ``ExecutionError`` for a model that onnxruntime rejects. A model whose weights exceed the limit
    of a message goes through a file and loses them.
    """

    def __init__(
        self,
        model: Model | Path,
        *,
        provider: Provider = "cpu",
        threads: int | None = None,
        optimize: bool = True,
        shared_arena: bool = False,
        record: Path | None = None,
    ) -> None:
        self._locations = {} if isinstance(model, Path) else _locations(model)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        if threads is not None:
            options.intra_op_num_threads = threads
        if not optimize:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        if shared_arena:
            _share_memory()
            options.add_session_config_entry("session.use_env_allocators", "1")
            options.enable_mem_pattern = False
        self._optimized = None if record is None else record / "optimized.onnx"
        if record is not None:
            options.enable_profiling = True
            options.profile_file_prefix = str(record / "events")
            options.optimized_model_filepath = str(self._optimized)
        self._inner = self._open(model, provider, options)
        self.provider = "cuda" if self._inner.get_providers()[0] == _CUDA else "cpu"
        self.inputs = tuple(i.name for i in self._inner.get_inputs())
        self.outputs = tuple(o.name for o in self._inner.get_outputs())

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Compute every output; raises ``ExecutionError`` with the location in the program."""
        wanted = self.inputs
        try:
            results = self._inner.run(None, {n: a for n, a in feeds.items() if n in wanted})
        except Exception as error:
            raise self._failure(error) from None
        return dict(zip(self.outputs, [np.asarray(r) for r in results], strict=True))

    def hold(self, array: Array) -> Held:
        """Copy an array into the memory of onnxruntime."""
        return onnxruntime.OrtValue.ortvalue_from_numpy(
            np.ascontiguousarray(array).reshape(array.shape)  # which makes one axis of none
        )

    def run_held(self, feeds: Mapping[str, Held]) -> dict[str, Held]:
        """Compute every output from values in the memory of onnxruntime, without copies."""
        wanted = self.inputs
        try:
            results = self._inner.run_with_ort_values(
                list(self.outputs), {n: feeds[n] for n in wanted}
            )
        except Exception as error:
            raise self._failure(error) from None
        return dict(zip(self.outputs, results, strict=True))

    def recording(self) -> tuple[list[Mapping[str, object]], Path]:
        """Stop recording; return onnxruntime's events and the file of the model as it ran it."""
        assert self._optimized is not None
        events = json.loads(Path(self._inner.end_profiling()).read_text("utf-8"))
        return events, self._optimized

    def _open(self, model: Model | Path, provider: Provider, options: object) -> _Inner:
        try:
            if isinstance(model, Path):
                session = _session(str(model), options, provider)
            elif _weight_bytes(model) <= _MOST_IN_MEMORY:
                session = _session(model.SerializeToString(), options, provider)
            else:
                session = _through_a_file(model, options, provider)
        except NetlangError:
            raise
        except Exception as error:
            raise self._failure(error) from None
        if provider == "cuda" and session.get_providers()[0] != _CUDA:
            why = "onnxruntime knows CUDA but could not load it"
            raise ProviderError("cuda", _available(without=_CUDA), why=why)
        return session

    def _failure(self, error: Exception) -> NetlangError:
        text = str(error)
        if (limit := re.search(r"is till opset (\d+)", text)) is not None:
            return _too_old_for(text, limit[1])
        if _OUT_OF_MEMORY.search(text) is not None:
            return NetlangError(
                rules.OUT_OF_MEMORY,
                "onnxruntime needs more memory than there is",
                exit_code=ENVIRONMENT,
            )
        named = (p for n, p in self._locations.items() if f"'{n}'" in text or f'"{n}"' in text)
        place = next(named, "")
        # The text begins with onnxruntime's error code and source file; the message comes last.
        said = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", text)
        said = re.sub(r"(/\S+\.(cc|h):\d+ )?onnxruntime::\S+\(.*?\) ", "", said)
        said = " ".join(said.rpartition("Status Message: ")[2].split())
        message, notes = f"onnxruntime: {said}", [f"written at {place}"] if place else []
        if lacks := _LACKS.search(said):
            return NoKernel(message, lacks[1] or lacks[2], notes=notes)
        code = ENVIRONMENT if _OF_CUDA.search(text) else DIAGNOSED
        return ExecutionError(rules.RUN_FAILED, message, notes=notes, exit_code=code)


def _too_old_for(text: str, newest: str) -> NetlangError:
    found = re.search(r"Opset (\d+)", text)
    opset = found[1] if found is not None else "this"
    return VersionError(
        f"onnxruntime {onnxruntime.__version__} is too old for opset {opset}",
        "onnxruntime",
        found=f"{onnxruntime.__version__}, which knows opsets up to {newest}",
        need=f"one that knows opset {opset}",
        helps=("pip install --upgrade onnxruntime", f"or compile with --opset {newest}"),
    )


def _session(model: str | bytes, options: object, provider: Provider) -> _Inner:
    chosen = _chosen(provider)
    try:
        return _session_on(model, options, chosen)
    except Exception as error:
        if len(chosen) == 1 or not _OF_CUDA.search(str(error)):
            raise
        if provider == "cuda":
            why = " ".join(str(error).split())
            raise ProviderError("cuda", _available(without=_CUDA), why=why) from None
        return _session_on(model, options, _chosen("cpu"))


def _session_on(model: str | bytes, options: object, providers: Sequence[object]) -> _Inner:
    # Pad_Fusion turns zeros before a pool into minus infinity, a known bug of onnxruntime.
    session = onnxruntime.InferenceSession(
        model,
        cast("onnxruntime.SessionOptions", options),
        providers=cast("list[str]", providers),
        disabled_optimizers=["Pad_Fusion"],
        enable_fallback=0,
    )
    return cast("_Inner", session)


@cache
def _share_memory() -> None:
    """Register one memory arena for all sessions that share it, which grows by what is requested.

    The default arena of onnxruntime doubles each time it grows.
    """
    place = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    as_asked = onnxruntime.OrtArenaCfg({"arena_extend_strategy": 1})
    onnxruntime.create_and_register_allocator(place, as_asked)


def _weight_bytes(model: Model) -> int:
    from netlang.backends.onnx import weight_bytes

    return weight_bytes(model)


def _through_a_file(model: Model, options: object, provider: Provider) -> _Inner:
    """Open a model that exceeds the limit of a message."""
    from netlang.backends.onnx import save

    with TemporaryDirectory(prefix="netlang-") as folder:
        path = Path(folder) / "model.onnx"
        save(model, path)
        return _session(str(path), options, provider)


def _chosen(provider: Provider) -> list[object]:
    if provider not in get_args(Provider):
        raise ProviderError(str(provider), ["auto", *_available()])
    # TensorFloat-32 keeps ten bits of a product: far from what the interpreter computes.
    cuda = (_CUDA, {"use_tf32": "0"})
    has_cuda = _CUDA in onnxruntime.get_available_providers()
    if provider == "cuda" and not has_cuda:
        raise ProviderError("cuda", _available())
    return [cuda, _CPU] if provider != "cpu" and has_cuda else [_CPU]


def _available(*, without: str = "") -> list[str]:
    shown = {_CPU: "cpu", _CUDA: "cuda"}
    here = cast("list[str]", onnxruntime.get_available_providers())
    return [shown[name] for name in here if name in shown and name != without]


def _locations(model: Model) -> dict[str, str]:
    return {node.name: node.doc_string for node in model.graph.node if node.doc_string}
