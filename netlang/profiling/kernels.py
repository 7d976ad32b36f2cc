"""What onnxruntime ran, from its own recording: kernels, their times, and what each computes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, cast

from msgspec import Struct

from netlang.backends.ort import ExecutionError, Held, Session
from netlang.diagnostics import rules

if TYPE_CHECKING:
    from netlang.backends import Provider
    from netlang.backends.onnx import Model
    from netlang.system.numpy import Array

_WARM_UP, _LEAST, _MOST = 3, 10, 200
_SECONDS = 1.0
_EVENTS = 100_000
"""More events than this make a recording that takes longer to read than to record."""


class Kernel(Struct, frozen=True):
    """A node of the model as onnxruntime runs it, after its own fusions.

    ``microseconds`` are those of each run; ``bytes`` are read and written in one run. ``nodes`` are
    the nodes of the compiled model that it computes, and ``near`` whether it computes none itself:
    then they are those for which it changes the layout of a tensor.
    """

    kind: str
    microseconds: tuple[float, ...]
    bytes: int
    nodes: tuple[str, ...]
    near: bool


class Recording(Struct, frozen=True):
    """The kernels of a model in some runs, and the microseconds of each whole run."""

    kernels: tuple[Kernel, ...]
    runs: tuple[float, ...]


def record(
    model: Model, feeds: Iterable[Mapping[str, Array]], *, runs: int | None, provider: Provider,
    threads: int | None, shared_arena: bool,
) -> Recording:  # fmt: skip
    """Run a model several times, for a second or ``runs`` times, and return what it ran.

    It runs on the first of ``feeds`` that it accepts, or raises ``ExecutionError``.
    """
    with TemporaryDirectory(prefix="netlang-") as folder:
        session = Session(
            model, provider=provider, threads=threads, shared_arena=shared_arena,
            record=Path(folder),
        )  # fmt: skip
        held = _accepted(session, feeds)
        count = _run(session, held, runs, len(model.graph.node))
        events, optimized = session.recording()
        found = type(model).FromString(optimized.read_bytes())
        return _read(events, count, Fusions(model, found))


def _accepted(session: Session, feeds: Iterable[Mapping[str, Array]]) -> dict[str, Held]:
    refused: ExecutionError | None = None
    for given in feeds:
        held = {name: session.store(given[name]) for name in session.inputs}
        try:
            session.run_held(held)
        except ExecutionError as error:
            refused = error
        else:
            return held
    assert refused is not None
    raise refused


def _run(session: Session, held: Mapping[str, Held], runs: int | None, nodes: int) -> int:
    """Run a session; return how many of the last runs count."""
    for _ in range(_WARM_UP):
        session.run_held(held)
    most = max(_LEAST, min(_MOST, _EVENTS // max(nodes, 1)))
    wanted, began, done = runs or most, perf_counter(), 0
    while done < wanted:
        session.run_held(held)
        done += 1
        if runs is None and done >= _LEAST and perf_counter() - began > _SECONDS:
            break
    return done


def _read(events: Sequence[Mapping[str, object]], count: int, fusions: Fusions) -> Recording:
    runs = list(_runs(events))[-count:]  # fewer where onnxruntime's limit of events was reached
    if not runs:
        raise ExecutionError(rules.RUN_FAILED, "one run has more kernels than onnxruntime records")
    times: dict[str, list[float]] = {}
    first: dict[str, Mapping[str, object]] = {}
    for number, (_, kernels) in enumerate(runs):
        for event in kernels:
            name = str(event["name"]).removesuffix(_SUFFIX)
            times.setdefault(name, [0.0] * len(runs))[number] += cast("float", event["dur"])
            first.setdefault(name, event)
    kernels = tuple(
        Kernel(_argument(first[name], "op_name"), tuple(taken), _bytes(first[name]), *found)
        for name, taken in times.items()
        for found in [fusions.nodes_of(name)]
    )
    return Recording(kernels, tuple(cast("float", whole["dur"]) for whole, _ in runs))


_SUFFIX = "_kernel_time"
_Event = Mapping[str, object]


def _runs(events: Sequence[_Event]) -> Iterator[tuple[_Event, list[_Event]]]:
    """Yield each run with the events of its kernels, without those inside other kernels."""
    inside: list[_Event] = []
    for event in events:
        name = str(event.get("name", ""))
        if event.get("cat") == "Node" and name.endswith(_SUFFIX):
            inside.append(event)
        elif name == "model_run":
            yield event, _outermost(inside)
            inside = []


def _outermost(events: Sequence[_Event]) -> list[_Event]:
    """Leave out the kernels of the body of a loop: its own event spans them."""
    ordered = sorted(events, key=lambda event: (_start(event), -_end(event)))
    kept: list[_Event] = []
    for event in ordered:
        if not kept or _end(event) > _end(kept[-1]) or kept[-1]["tid"] != event["tid"]:
            kept.append(event)
    return kept


def _start(event: _Event) -> float:
    return cast("float", event["ts"])


def _end(event: _Event) -> float:
    return _start(event) + cast("float", event["dur"])


def _argument(event: _Event, name: str) -> str:
    return str(cast("Mapping[str, object]", event["args"]).get(name, ""))


def _bytes(event: _Event) -> int:
    sizes = ("activation_size", "parameter_size", "output_size")
    return sum(int(_argument(event, name) or 0) for name in sizes)


_LAYOUTS = {"ReorderInput", "ReorderOutput", "Transpose", "Cast", "MemcpyFromHost", "MemcpyToHost"}
_PRODUCTS = {"Conv", "ConvTranspose", "Gemm", "MatMul"}


class Fusions:
    """Which nodes of a model each node of the optimized model computes.

    onnxruntime gives a fused node the name of one of its parts, and adds nodes of its own that
    change the layout of a tensor. The result of a part that no other node reads disappears.
    """

    def __init__(self, model: Model, optimized: Model) -> None:
        self._nodes = [node for node in model.graph.node if node.op_type != "Constant"]
        self._final = {node.name or node.op_type: node for node in optimized.graph.node}
        self._makers = {out: name for name, node in self._final.items() for out in node.output}
        names = {node.name for node in self._nodes}
        own = {name: found for name in self._final if (found := _own_name(name, names))}
        self._own = set(own)
        self._kernel_of = {node: kernel for kernel, node in own.items()}
        self._assign_products()
        self._assign_others()
        self._parts: dict[str, list[str]] = {}
        for node in self._nodes:
            if (kernel := self._kernel_of.get(node.name)) is not None:
                self._parts.setdefault(kernel, []).append(node.name)

    def nodes_of(self, kernel: str) -> tuple[tuple[str, ...], bool]:
        """Return the nodes that a kernel computes, or else those next to it, and whether else."""
        if kernel in self._parts:
            return tuple(self._parts[kernel]), False
        return tuple(self._parts.get(self._neighbor(kernel), ())), True

    def _assign_products(self) -> None:
        """Find the kernels of products that are named after the activation that follows them."""
        readers = {read: node for node in self._nodes for read in node.input}
        for node in self._nodes:
            chain = [node]
            while node.op_type in _PRODUCTS and chain[-1].name not in self._kernel_of:
                after = readers.get(chain[-1].output[0])
                if after is None:
                    break
                chain.append(after)
            if len(chain) > 1 and (kernel := self._kernel_of.get(chain[-1].name)) is not None:
                self._kernel_of |= {part.name: kernel for part in chain}

    def _assign_others(self) -> None:
        """Find the kernels of what is computed together with the product before it."""
        makers = {out: node.name for node in self._nodes for out in node.output}
        for node in self._nodes:
            if node.name in self._kernel_of:
                continue
            kept = next((m for out in node.output if (m := self._maker(out)) is not None), None)
            before = [
                kernel
                for read in node.input
                if (kernel := self._kernel_of.get(makers.get(read, ""))) is not None
            ]
            kernel = kept or self._joining(before)
            if kernel is not None:
                self._kernel_of[node.name] = kernel

    def _joining(self, kernels: list[str]) -> str | None:
        """Return the kernel that reads the result of another one, to add it; else the last one."""
        for kernel in kernels:
            made = {self._maker(read) for read in self._final[kernel].input}
            if not made.isdisjoint(other for other in kernels if other != kernel):
                return kernel
        return kernels[-1] if kernels else None

    def _maker(self, value: str) -> str | None:
        """Return the node that makes a value, before changes of layout."""
        for _ in self._final:
            name = self._makers.get(value)
            if name is None or name in self._own or self._final[name].op_type not in _LAYOUTS:
                return name
            value = self._final[name].input[0]
        return None

    def _neighbor(self, kernel: str) -> str:
        """Return the kernel before a change of layout, or else the one after it."""
        node = self._final.get(kernel)
        if node is None:
            return ""
        makers = (made for read in node.input if (made := self._maker(read)) in self._parts)
        readers = (
            name
            for name, other in self._final.items()
            if name in self._parts and not set(node.output).isdisjoint(other.input)
        )
        return next(makers, None) or next(readers, "")


_DECORATION = re.compile(r"^fused |(_nchwc|_nhwc|_token_\d+|/\w*[Ff]us\w*)+$")
"""What onnxruntime adds to the name of a node when it fuses it or changes its layout."""


def _own_name(name: str, names: set[str]) -> str | None:
    """Return the node that a node of the optimized model has its name from."""
    own = name if name in names else _DECORATION.sub("", name)
    return own if own in names else None
