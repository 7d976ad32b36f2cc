"""Sessions of onnxruntime, as they are opened on a provider."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Protocol, cast

import onnxruntime  # pyright: ignore[reportMissingTypeStubs]

from netlang.backends.ort.memory import Binding, Held
from netlang.backends.ort.selection import Options, Selected
from netlang.system.numpy import Array

if TYPE_CHECKING:
    from netlang.backends.onnx import Model

_MOST_IN_MEMORY = (1 << 31) - (1 << 26)
"""Bytes of weights that leave room for the rest in a message of at most 2 GiB."""


class _Named(Protocol):
    @property
    def name(self) -> str: ...


class _AssignedNode(_Named, Protocol):
    @property
    def op_type(self) -> str: ...


class _AssignedGraph(Protocol):
    """Nodes that run on one provider together."""

    @property
    def ep_name(self) -> str: ...
    def get_nodes(self) -> Sequence[_AssignedNode]: ...


class Inner(Protocol):
    """The part of onnxruntime's session that we use."""

    def get_providers(self) -> Sequence[str]: ...
    def get_inputs(self) -> Sequence[_Named]: ...
    def get_outputs(self) -> Sequence[_Named]: ...
    def get_provider_graph_assignment_info(self) -> Sequence[_AssignedGraph]: ...
    def end_profiling(self) -> str: ...
    def io_binding(self) -> Binding: ...
    def run_with_iobinding(self, iobinding: Binding) -> None: ...
    def run(self, output_names: None, input_feed: Mapping[str, Array]) -> Sequence[object]: ...
    def run_with_ort_values(
        self, output_names: Sequence[str], input_dict_ort_values: Mapping[str, Held]
    ) -> Sequence[Held]: ...


@dataclass(frozen=True, slots=True)
class Settings:
    """How a session computes; the arguments of ``Session``."""

    threads: int | None = None
    optimize: bool = True
    shared_arena: bool = False
    record: Path | None = None

    @property
    def optimized(self) -> Path | None:
        """The file of the model as onnxruntime runs it, where it is recorded."""
        return None if self.record is None else self.record / "optimized.onnx"

    def options(self) -> Options:
        """Return new options of a session."""
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        if self.threads is not None:
            options.intra_op_num_threads = self.threads
        if not self.optimize:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        if self.shared_arena:
            _share_memory()
            options.add_session_config_entry("session.use_env_allocators", "1")
            options.enable_mem_pattern = False
        if self.record is not None:
            options.enable_profiling = True
            options.profile_file_prefix = str(self.record / "events")
            options.optimized_model_filepath = str(self.optimized)
        return cast("Options", options)


def open_session(model: Model | Path, settings: Settings, selected: Selected) -> Inner:
    """Open a model on a provider; a model that exceeds the limit of a message through a file."""
    options = settings.options()
    inside = None if isinstance(model, Path) else model
    providers = selected.configure(options, inside)
    if isinstance(model, Path):
        return _session(str(model), options, providers)
    if _weight_bytes(model) <= _MOST_IN_MEMORY:
        return _session(model.SerializeToString(), options, providers)
    from netlang.backends.onnx import save

    with TemporaryDirectory(prefix="netlang-") as folder:
        path = Path(folder) / "model.onnx"
        save(model, path)
        return _session(str(path), options, providers)


def _session(model: str | bytes, options: object, providers: Sequence[object] | None) -> Inner:
    # Pad_Fusion turns zeros before a pool into minus infinity, a known bug of onnxruntime.
    session = onnxruntime.InferenceSession(
        model,
        cast("onnxruntime.SessionOptions", options),
        providers=cast("list[str] | None", providers),
        disabled_optimizers=["Pad_Fusion"],
        enable_fallback=0,
    )
    return cast("Inner", session)


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
