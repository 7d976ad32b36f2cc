"""A model that is ready to run."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import onnxruntime  # pyright: ignore[reportMissingTypeStubs]

from netlang.backends import Provider
from netlang.backends.ort.memory import DeviceMemory, Held, held
from netlang.backends.ort.opening import Inner, Settings, open_session
from netlang.backends.ort.selection import Selected, available, selection
from netlang.backends.providers import (
    PLACED,
    OnCpu,
    Placement,
    Requested,
    unavailable,
)
from netlang.diagnostics import rules
from netlang.diagnostics.errors import DIAGNOSED, ENVIRONMENT, NetlangError
from netlang.system.numpy import Array, np
from netlang.system.versions import VersionError, check_version

if TYPE_CHECKING:
    from netlang.backends.onnx import Model

check_version("onnxruntime", onnxruntime.__version__)

_OUT_OF_MEMORY = re.compile(r"(failed to|cannot) allocate memory|bad.alloc|out of memory", re.I)
_OF_CUDA = re.compile(r"\b(CUDA|CUDNN|CUBLAS|CUFFT) (failure|error)", re.I)


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
    Nodes that it has no kernels for run on the CPU: ``PLACED`` is called with them.
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
        self._settings = Settings(threads, optimize, shared_arena, record)
        self._inner, self._selected = self._open(model, provider)
        self.provider = self._selected.name
        self.inputs = tuple(i.name for i in self._inner.get_inputs())
        self.outputs = tuple(o.name for o in self._inner.get_outputs())
        self._memory = self._device_memory()
        if (told := PLACED.get()) is not None and (found := self.placement()) is not None:
            told(found)

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Compute every output; raises ``ExecutionError`` with the location in the program."""
        wanted = self.inputs
        try:
            results = self._inner.run(None, {n: a for n, a in feeds.items() if n in wanted})
        except Exception as error:
            raise self._failure(error, self.provider) from None
        return dict(zip(self.outputs, [np.asarray(r) for r in results], strict=True))

    def store(self, array: Array) -> Held:
        """Copy an array to where the provider computes, for many runs."""
        return held(array) if self._memory is None else self._memory.store(array)

    def run_held(self, feeds: Mapping[str, Held], kept: Collection[str] = ()) -> dict[str, Held]:
        """Compute every output from values in the memory of onnxruntime.

        What is ``kept`` stays where the provider computes; other outputs are copied to the host.
        """
        try:
            if self._memory is None:
                inputs = {n: feeds[n] for n in self.inputs}
                results = self._inner.run_with_ort_values(list(self.outputs), inputs)
            else:
                results = self._memory.run(self._inner, self.inputs, self.outputs, feeds, kept)
        except Exception as error:
            raise self._failure(error, self.provider) from None
        return dict(zip(self.outputs, results, strict=True))

    def recording(self) -> tuple[list[Mapping[str, object]], Path]:
        """Stop recording; return onnxruntime's events and the file of the model as it ran it."""
        optimized = self._settings.optimized
        assert optimized is not None
        events = json.loads(Path(self._inner.end_profiling()).read_text("utf-8"))
        return events, optimized

    def placement(self) -> Placement | None:
        """Return which nodes run on the CPU; ``None`` where all are meant to, or it is not known.

        onnxruntime tells it from version 1.24 on.
        """
        if self.provider == "cpu" or not hasattr(self._inner, "get_provider_graph_assignment_info"):
            return None
        graphs = self._inner.get_provider_graph_assignment_info()
        placed = [(graph.ep_name, node) for graph in graphs for node in graph.get_nodes()]
        on_cpu = [
            OnCpu(node.name, node.op_type, self._locations.get(node.name, ""))
            for full_name, node in placed
            if full_name != self._selected.full_name
        ]
        return Placement(self.provider, len(placed), on_cpu)

    def _open(self, model: Model | Path, provider: Provider) -> tuple[Inner, Selected]:
        """Open a model on a provider, or on the first one of ``auto`` that can be loaded."""
        *others, last = selection(provider)
        for chosen in others:
            try:
                return _opened(model, self._settings, chosen), chosen
            except Exception as error:
                if not _why_not_loaded(error, chosen):
                    raise self._failure(error, chosen.name) from None
        try:
            return _opened(model, self._settings, last), last
        except Exception as error:
            if why := _why_not_loaded(error, last):
                here = available(without=last.name)
                raise unavailable(Requested(last.name, {}), here, [why]) from None
            raise self._failure(error, last.name) from None

    def _device_memory(self) -> DeviceMemory | None:
        """Return the memory of the device; ``None`` where it is the processor's."""
        chosen = self._selected
        if not chosen.memory:
            return None
        memory = DeviceMemory(
            chosen.memory, chosen.device_id, lambda model: open_session(model, Settings(), chosen)
        )
        try:
            memory.store(np.zeros(1, np.float32))
        except Exception:
            # Results are the same, but are copied to the host after every run.
            return None
        return memory

    def _failure(self, error: Exception, provider: str) -> NetlangError:
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
        said = _message(text)
        message, notes = f"onnxruntime: {said}", [f"written at {place}"] if place else []
        if lacks := _LACKS.search(said):
            return NoKernel(message, lacks[1] or lacks[2], notes=notes)
        code = ENVIRONMENT if _OF_CUDA.search(text) else DIAGNOSED
        helps = [] if provider in ("cpu", "auto") else ["`--provider cpu` runs it"]
        return ExecutionError(rules.RUN_FAILED, message, notes=notes, helps=helps, exit_code=code)


def _message(text: str) -> str:
    """Return what an error of onnxruntime says, without its code and its source file."""
    said = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", text)
    said = re.sub(r"(/\S+\.(cc|h):\d+ )?onnxruntime::\S+\(.*?\) ", "", said)
    return " ".join(said.rpartition("Status Message: ")[2].split())


class _NotLoaded(Exception):
    """onnxruntime opened a model on another provider than the one that was chosen."""


def _opened(model: Model | Path, settings: Settings, selected: Selected) -> Inner:
    session = open_session(model, settings, selected)
    if session.get_providers()[0] != selected.full_name:
        raise _NotLoaded(f"onnxruntime knows `{selected.name}` but could not load it")
    return session


def _why_not_loaded(error: Exception, selected: Selected) -> str:
    """Return why a provider cannot be loaded; nothing where it can, but rejects a model."""
    if selected.name == "cpu":
        return ""
    if not isinstance(error, _NotLoaded):
        from netlang.backends.onnx import copying

        try:
            _opened(copying(np.zeros(1, np.float32)), Settings(), selected)
        except Exception as found:
            error = found
        else:
            return ""
    return _message(str(error))


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


def _locations(model: Model) -> dict[str, str]:
    return {node.name: node.doc_string for node in model.graph.node if node.doc_string}
