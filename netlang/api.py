"""The Python interface: everything the command line does, in few lines.

>>> import netlang
>>> lenet = netlang.load("examples/lenet.net")["LeNet"]
>>> lenet.params, lenet.macs
(61706, 416520)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from netlang.analysis import counts
from netlang.analysis.summary import fold, summarize
from netlang.analysis.table import render_summary
from netlang.diagnostics import rules
from netlang.diagnostics.errors import NetlangError, WeightsError
from netlang.diagnostics.render import render_all
from netlang.ir.graph import Graph
from netlang.ir.text import print_graph
from netlang.ir.types import F32, F64
from netlang.manual.explain import explain_layer
from netlang.program import Net, Program
from netlang.program import load as read

if TYPE_CHECKING:
    from netlang.analysis.summary import Summary as Layers
    from netlang.backends.onnx import Model as OnnxModel
    from netlang.backends.ort import Provider, Session
    from netlang.diagram.drawing import Drawing
    from netlang.diagram.layout import Direction
    from netlang.inference.verification import Comparison
    from netlang.ir.dims import Size
    from netlang.system.numpy import Array


def _html(text: str) -> str:
    return f"<pre style='line-height:1.25'>{escape(text)}</pre>"


def _plain(value: Any) -> Any:
    """Take a number of NumPy for Python's."""
    return value.item() if getattr(value, "ndim", None) == 0 else value


class Text(str):
    """A text that a notebook shows as it is printed."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return _html(self)


class Summary(Text):
    """The table of a network's layers; ``layers`` holds the same as values."""

    layers: Layers

    def __new__(cls, layers: Layers, depth: int | None = None) -> Summary:
        made = super().__new__(
            cls, render_summary(layers, depth=depth, color=False, width=110).rstrip("\n")
        )
        made.layers = layers
        return made


class Picture:
    """A network drawn; a notebook shows it."""

    def __init__(self, drawing: Drawing, caption: str) -> None:
        self.drawing = drawing
        self.caption = caption

    def save(self, path: str | Path) -> None:
        """Write the picture as ``.svg`` or ``.png``."""
        from netlang.diagram.saving import save

        save(self.drawing, Path(path))

    def __repr__(self) -> str:
        return self.caption

    def _repr_svg_(self) -> str:
        return self.drawing.svg()


class File(Mapping[str, "Network"]):
    """A checked program: its nets by name, and what was found wrong in it."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def __getitem__(self, name: str) -> Network:
        if self.program.diagnostics.failed:
            raise ProgramError(self.program)
        return Network(self.program.net(name))

    def __iter__(self) -> Iterator[str]:
        return iter(self.program.nets)

    def __len__(self) -> int:
        return len(self.program.nets)

    def __contains__(self, name: object) -> bool:
        return name in self.program.nets

    @property
    def problems(self) -> Text:
        """The mistakes and warnings, as ``netlang check`` prints them."""
        return Text(render_all(self.program.diagnostics.sorted()))

    def __repr__(self) -> str:
        return f"{self.program.path}: {', '.join(self) or 'no net'}"


class ProgramError(NetlangError):
    """A program with mistakes was asked for a net; the text holds all of them."""

    def __init__(self, program: Program) -> None:
        found = program.diagnostics.sorted()
        super().__init__(rules.MISTAKES, f"{program.path} has mistakes\n\n{render_all(found)}")


class Network:
    """One net, with weights once it needs them.

    Weights are drawn from ``seed`` when first used, unless they are set or loaded. A net with
    state keeps it from call to call; ``reset`` sets it back.
    """

    def __init__(self, net: Net, sizes: Mapping[str, int] | None = None, *, seed: int = 0) -> None:
        self.net = net
        self.graph: Graph = net.bind(sizes or {})
        self.seed = seed
        self._weights: dict[str, Array] | None = None
        self._sessions: dict[str, Session] = {}
        self._state: dict[str, Array] = {}

    @property
    def name(self) -> str:
        return self.graph.name

    def bind(self, **sizes: int) -> Network:
        """Fix sizes or parameters: ``unet.bind(H=224, W=224)``."""
        return Network(self.net, {n: _plain(v) for n, v in sizes.items()}, seed=self.seed)

    # ---- counts --------------------------------------------------------------------------

    @property
    def params(self) -> Size:
        """The trained weights."""
        return counts.trained(self.graph)

    @property
    def running(self) -> Size:
        """The running statistics."""
        return counts.running(self.graph)

    @property
    def macs(self) -> Size:
        """The multiply-adds of one example."""
        return counts.macs(self.graph)

    def summary(self, depth: int | None = None) -> Summary:
        """Make the table of layers, folded to ``depth`` names of a path."""
        layers = summarize(self.graph, source_name=str(self.net.program.path))
        return Summary(fold(layers, depth) if depth else layers, depth)

    def draw(
        self,
        path: str | Path | None = None,
        *,
        depth: int | None = None,
        direction: Direction = "down",
    ) -> Picture:
        """Draw the network, and write the picture where a path is given.

        Layers whose paths begin with the same ``depth`` names share a box. The data go
        ``direction``: down or right.
        """
        from netlang.diagram.painting import paint
        from netlang.diagram.saving import check_format
        from netlang.diagram.sketch import sketch

        if path is not None:
            check_format(Path(path))
        outline = sketch(self.graph, depth)
        picture = Picture(paint(outline, direction), str(outline))
        if path is not None:
            picture.save(path)
        return picture

    def explain(self, path: str) -> Text:
        """Work out one layer: its size, weights, multiply-adds and receptive field."""
        return Text(explain_layer(self.graph, path))

    def __repr__(self) -> str:
        inputs = ", ".join(f"{v.name}: {v.type}" for v in self.graph.inputs)
        outputs = ", ".join(f"{n}: {v.type}" for n, v in self.graph.outputs.items())
        return f"{self.name}({inputs}) -> {outputs}"

    def _repr_html_(self) -> str:
        return _html(self.summary())

    def text(self) -> Text:
        """Print the graph as ``netlang show --graph`` does."""
        return Text(print_graph(self.graph))

    # ---- weights -------------------------------------------------------------------------

    @property
    def weights(self) -> dict[str, Array]:
        """The weights by path; drawn from the seed where none were given."""
        if self._weights is None:
            from netlang.ir.initializers import initialize

            self._weights = initialize(self.graph, self.seed)
        return self._weights

    @weights.setter
    def weights(self, weights: Mapping[str, Array]) -> None:
        from netlang.storage.weights import require

        if not isinstance(cast("object", weights), Mapping):
            kind = type(weights).__name__
            raise WeightsError(f"weights are arrays by their paths, and this is a {kind}")
        require(self.graph, weights)
        self._weights = dict(weights)
        self._sessions.clear()

    def load(self, path: str | Path) -> Network:
        """Take the weights from a safetensors or npz file."""
        from netlang.storage.weights import load_weights

        self.weights = load_weights(Path(path))
        return self

    def save(self, path: str | Path) -> None:
        """Write the weights as safetensors, by path."""
        from netlang.storage.weights import save_weights

        save_weights(Path(path), self.weights, {"net": self.name})

    # ---- computing -----------------------------------------------------------------------

    def __call__(self, *, provider: Provider = "cpu", **inputs: Array) -> dict[str, Array]:
        """Compute the outputs on onnxruntime."""
        from netlang.backends.feeds import prepare

        prepared = prepare(self.graph, {**self._state, **inputs})
        return self._keep(self.session(provider).run(prepared.arrays))

    def interpret(self, *, double: bool = False, **inputs: Array) -> dict[str, Array]:
        """Compute the outputs on the NumPy interpreter, with ``double`` in double precision."""
        from netlang.backends import reference

        feeds = {**self._state, **inputs}
        dtype = F64 if double else F32
        return self._keep(reference.run(self.graph, feeds, self.weights, dtype=dtype))

    def reset(self) -> None:
        """Set the state of a recurrent net back to its start."""
        self._state = {}

    def session(self, provider: Provider = "cpu", *, threads: int | None = None) -> Session:
        """Open onnxruntime on the compiled network; opened once for a provider."""
        from netlang.backends.ort import Session

        key = f"{provider} {threads}"
        if key not in self._sessions:
            self._sessions[key] = Session(self.onnx(), provider=provider, threads=threads)
        return self._sessions[key]

    def onnx(
        self, path: str | Path | None = None, *, opset: int = 18, fold: bool = True
    ) -> OnnxModel:
        """Compile to ONNX, and write it where a path is given.

        With ``fold``, batch norms become part of the layers before them.
        """
        from netlang.backends.onnx import save, to_onnx
        from netlang.passes.batch_norm import fold_batch_norm
        from netlang.passes.pipeline import transform

        graph, weights = transform(self.graph), dict(self.weights)
        if fold:
            graph, weights = fold_batch_norm(graph, weights)
        model = to_onnx(graph, weights, opset=opset)
        if path is not None:
            save(model, Path(path))
        return model

    def verify(self, *, seed: int = 0) -> list[Comparison]:
        """Compare both back ends on random input, output by output."""
        from netlang.inference.verification import verify

        return verify(self.graph, self._weights, seed=seed)

    def _keep(self, results: dict[str, Array]) -> dict[str, Array]:
        for state in self.graph.states:
            self._state[state.name] = results.pop(f"{state.name}_next")
        return results


def load(path: str | Path) -> File:
    """Check a program; its mistakes are in ``problems``, and asking for a net raises them."""
    return File(read(path))
